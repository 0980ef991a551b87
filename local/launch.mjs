// Starts a TypeScript script of this project on a fresh machine: finds (or fetches) a Node.js that runs TypeScript,
// installs the dependencies when package-lock.json changed, then hands over. Plain JavaScript, for any Node.js from 18
// on.
//
//   node local/launch.mjs SCRIPT [ARGS…]
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { isNewEnough, NEEDED } from "../config/nodeVersion.mjs";
import { NODE, nodeInstall } from "./fetchNode.mjs";

const root = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "..");

/** Prints one line and exits: nothing is started on a machine that cannot run it. */
function refuse(message) {
  console.error(`job-wq-2: ${message}`);
  process.exit(1);
}

function npm(args, cwd) {
  const { status, stdout, stderr, error } = spawnSync("npm", args, { cwd, encoding: "utf8" });
  if (error) refuse(`cannot run npm: ${error.message}; install Node.js ${NEEDED.join(".")} or newer with its npm`);
  if (status !== 0) refuse(`npm ${args.join(" ")} failed in ${cwd}:\n${(stderr || stdout).trim().slice(-2000)}`);
}

/** Path of a Node.js that strips types by itself. */
function modernNode() {
  if (isNewEnough()) return process.execPath;
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    refuse(
      `Node.js ${NEEDED.join(".")} or newer is needed, this is ${process.versions.node}; install it from nodejs.org`,
    );
  }
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "job-wq-2");
  const home = join(cache, `node-${NODE}`);
  const binary = join(home, "node_modules", ".bin", "node");
  if (existsSync(binary)) return binary;
  console.error(`job-wq-2: this is Node.js ${process.versions.node}; fetching ${NODE} from npm`);
  mkdirSync(cache, { recursive: true, mode: 0o755 }); // nobody else changes what is run from it
  const half = mkdtempSync(`${home}-`);
  npm(nodeInstall(half).args, half);
  try {
    renameSync(half, home);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    if (!existsSync(binary)) throw error; // Otherwise another launch was first, and its copy is as good.
  }
  return binary;
}

/** Runs `npm ci` once for each content of package-lock.json, without install scripts: nothing here needs one. */
function installDependencies() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("job-wq-2: installing dependencies (npm ci)");
  npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], root);
  writeFileSync(stamp, wanted);
}

const [script, ...args] = process.argv.slice(2);
if (!script) refuse("usage: node local/launch.mjs SCRIPT [ARGS…]");
const node = modernNode();
installDependencies();
const PATH = [dirname(node), join(root, "node_modules", ".bin"), process.env.PATH].join(delimiter);
// Keeps the compiled code of all modules for the next process, in the folder of config/compileCache.mjs: a short
// process spends most of its time loading.
const NODE_COMPILE_CACHE = join(root, "node_modules", ".cache", "compiled");
if (node === process.execPath) {
  process.argv = [node, join(root, script), ...args];
  Object.assign(process.env, { PATH, NODE_COMPILE_CACHE });
  module.enableCompileCache(); // what the variable does for the processes that this one starts
  await import(pathToFileURL(join(root, script)).href);
} else {
  const env = { ...process.env, PATH, NODE_COMPILE_CACHE };
  const child = spawn(node, [join(root, script), ...args], { stdio: "inherit", env });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}
