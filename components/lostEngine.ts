// Ends a program whose engine was killed. What it writes fails from then on, and Pulumi's handler of uncaught errors
// logs each such failure into the same closed pipe: a loop that takes a core, and all memory in the end.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit(1);
  });
