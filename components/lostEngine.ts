// Ends a program of `pulumi up` whose engine was killed. What it writes fails from then on, and Pulumi's handler of
// uncaught errors logs each such failure into the same closed pipe: a loop that takes a core, and all memory in the
// end. The process of an inline program is somebody else's, and has no such handler.
if (/[\\/]@pulumi[\\/]pulumi[\\/]cmd[\\/]run\b/.test(process.argv[1] ?? "")) {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "EPIPE") process.exit(1);
    });
  }
}
