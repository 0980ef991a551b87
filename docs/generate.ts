// `npm run docs`: writes what is generated from the table of settings.
import { readFileSync, writeFileSync } from "node:fs";
import { argsSource, pulumiYaml, settingsPage } from "./generated.ts";

const file = (path: string) => new URL(`../${path}`, import.meta.url);

writeFileSync(file("Pulumi.yaml"), pulumiYaml(readFileSync(file("Pulumi.yaml"), "utf8")));
writeFileSync(file("docs/settings.md"), await settingsPage());
writeFileSync(file("components/args.ts"), await argsSource());
