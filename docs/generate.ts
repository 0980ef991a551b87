// `npm run docs`: writes what is generated from the table of settings; with `-- --pictures` the README's pictures, too.
import { readFileSync, writeFileSync } from "node:fs";
import { argsSource, pulumiYaml, settingsPage } from "./generated.ts";

const file = (path: string) => new URL(`../${path}`, import.meta.url);

writeFileSync(file("Pulumi.yaml"), pulumiYaml(readFileSync(file("Pulumi.yaml"), "utf8")));
writeFileSync(file("docs/settings.md"), await settingsPage());
writeFileSync(file("components/args.ts"), await argsSource());

// They take minutes and the local platform; the rest takes neither.
if (process.argv.includes("--pictures")) await (await import("./pictures.ts")).makePictures();
