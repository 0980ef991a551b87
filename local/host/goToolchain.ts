// The Go toolchain: the machine's, or one from the module proxy if the machine has none or an older one.
import { chmodSync, copyFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import semver from "semver";
import { UserError } from "../errors.ts";
import { goVersion } from "../versions.ts";
import { which } from "./apt.ts";
import { cached } from "./cache.ts";
import { run } from "./exec.ts";

/** Oldest Go that builds the modules of local/go. */
const OLDEST = "1.26.0";

/** Folders in which installers put Go, beside PATH. */
const FOLDERS = ["/usr/local/go/bin", "/usr/lib/go/bin"];

const platform = `linux-${process.arch === "arm64" ? "arm64" : "amd64"}`;
const module = "golang.org/toolchain";
const moduleVersion = `v0.0.1-go${goVersion}.${platform}`;

/** The machine's own `go`, of any version. */
async function machineGo(): Promise<{ command: string; version: semver.SemVer | null } | undefined> {
  const command = which("go") ?? FOLDERS.map((dir) => which(join(dir, "go"))).find(Boolean);
  if (!command) return undefined;
  const { stdout } = await execa(command, ["version"], { reject: false, env: { GOTOOLCHAIN: "local" } });
  return { command, version: semver.coerce(/go version go(\S+)/.exec(stdout ?? "")?.[1]) };
}

/** Debian's `go`, unpacked into a folder. It may be old: it only has to fetch modules. */
async function unpackDebianGo(dir: string): Promise<string> {
  const find = async () =>
    (await run("apt-cache", ["depends", "golang-go"])).match(/Depends: (golang-[\d.]+-go)$/m)?.[1];
  let name = await find().catch(() => undefined);
  if (!name) {
    await run("apt-get", ["update"]);
    name = await find();
  }
  if (!name)
    throw new UserError(`Go ${OLDEST} or later is needed, and apt has no golang-go; install Go from go.dev/dl`);
  await run("apt-get", ["download", name], { cwd: dir });
  const file = readdirSync(dir).find((entry) => entry.endsWith(".deb"))!;
  await run("dpkg-deb", ["--extract", file, "."], { cwd: dir });
  return join(dir, "usr/lib", name.replace(/^golang-(.*)-go$/, "go-$1"), "bin/go");
}

/**
 * Changes a fetched toolchain as the go command does: modules carry no file modes, and no go.mod files below their own.
 */
function makeUsable(root: string): void {
  for (const dir of ["bin", `pkg/tool/${platform.replace("-", "_")}`]) {
    for (const name of readdirSync(join(root, dir))) chmodSync(join(root, dir, name), 0o755);
  }
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.name === "_go.mod") copyFileSync(join(entry.parentPath, "_go.mod"), join(entry.parentPath, "go.mod"));
  }
}

/** Fetches the toolchain by means of an older go command, which verifies it against local/go/toolchain/go.sum. */
async function fetchToolchain(dir: string, older: string | undefined): Promise<void> {
  const go = older ?? (await unpackDebianGo(dir));
  const env = {
    GOMODCACHE: join(dir, "modules"),
    GOFLAGS: "-modcacherw",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    ...(!older && { GOROOT: join(go, "../..") }),
  };
  const cwd = join(import.meta.dirname, "../go/toolchain", platform);
  await run(go, ["mod", "download", module], { cwd, env });
  makeUsable(join(dir, "modules", `${module}@${moduleVersion}`));
  for (const name of readdirSync(dir)) if (name !== "modules") rmSync(join(dir, name), { recursive: true });
  rmSync(join(dir, "modules/cache"), { recursive: true });
}

let found: Promise<string> | undefined;

/** Path of a `go` that can build the modules. */
export function goCommand(): Promise<string> {
  found ??= (async () => {
    const own = await machineGo();
    if (own?.version && semver.gte(own.version, OLDEST)) return own.command;
    const { dir } = await cached("go", moduleVersion, (half) => fetchToolchain(half, own?.command));
    return join(dir, "modules", `${module}@${moduleVersion}`, "bin/go");
  })();
  return found;
}
