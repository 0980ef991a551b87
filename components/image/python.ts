// Needs of a handler in Python: an interpreter in the image, and the packages of its requirements.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { ConfigError } from "../../config/parse.ts";
import { CODE_DIR, PACKAGES_DIR, WORK_DIR } from "./layout.ts";

/** The image of a handler in Python, if no other is chosen. */
export const PYTHON_IMAGE = "python:3-slim";

export const isPython = (handler: string | undefined): boolean => handler?.endsWith(".py") === true;

const FILE = `${CODE_DIR}/requirements.txt`;
const PIP = `python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --root-user-action ignore --target ${PACKAGES_DIR} --find-links ${WORK_DIR} -r ${FILE}`;

/** Installs the packages: from wheels in `files` alone, if they are all there, and else from the network. */
export const INSTALL = `cd ${WORK_DIR} 2>/dev/null; ${PIP} --no-index 2>/dev/null || ${PIP}`;

/** The folder in which Python looks for a module by its whole name: above the packages that it is in. */
function rootOf(folder: string): string {
  return existsSync(join(folder, "__init__.py")) ? rootOf(dirname(resolve(folder))) : folder;
}

/**
 * Copies a handler under its own name, which stack traces show, and the modules beside it that it imports. A module of
 * a package comes with the whole of it.
 */
export function copyPython(handler: string, to: string): void {
  const from = rootOf(dirname(handler));
  const copied = new Set<string>();
  const copy = (name: string) => {
    const stat = statSync(join(from, name), { throwIfNoEntry: false });
    if (!stat || copied.has(name)) return;
    copied.add(name);
    cpSync(join(from, name), join(to, name), { recursive: true, dereference: true, filter: isSource });
    const files = stat.isFile()
      ? [name]
      : (readdirSync(join(to, name), { recursive: true }) as string[]).filter(isModule);
    for (const file of files) {
      const text = readFileSync(stat.isFile() ? join(from, file) : join(to, name, file), "utf8");
      for (const module of importsOf(text)) [`${module}.py`, module].forEach(copy);
    }
  };
  mkdirSync(to);
  copy(relative(from, handler).split(sep, 1)[0]!);
}

/**
 * Copies requirements, with the files that they name by `-r` and `-c`, which get names of their own.
 * @returns The name of the copy.
 * @throws ConfigError for a file that is missing, or that pip cannot read.
 */
export function copyRequirements(file: string, to: string, name = "requirements.txt"): string {
  if (/\.(toml|lock|ya?ml)$|Pipfile$/.test(file))
    throw new ConfigError(
      `Expected \`requirements\` to be a list for pip, got ${file}: \`uv export\`, \`poetry export\` or \`pip freeze\` make one.`,
    );
  if (!existsSync(file))
    throw new ConfigError(`Expected \`requirements\` to name files that exist, and there is no ${resolve(file)}.`);
  let count = 0;
  const text = readFileSync(file, "utf8").replaceAll(INCLUDE, (_, option: string, other: string) => {
    const own = isAbsolute(other) || other.includes("://");
    return `${option} ${own ? other : copyRequirements(join(dirname(file), other), to, `${++count}-${name}`)}`;
  });
  writeFileSync(join(to, name), text);
  return name;
}

/** A line that names another file. */
const INCLUDE = /^[ \t]*(-r|-c|--requirement|--constraint)[ \t=]*([^\s#]+)/gm;

const isModule = (path: string) => path.endsWith(".py");
const isSource = (path: string) => !/^(__pycache__|node_modules|\..+)$/.test(basename(path));

/** Top-level names of the modules that a text imports. */
const importsOf = (text: string) =>
  [...text.matchAll(/^[ \t]*(?:from[ \t]+(\w+)|import[ \t]+(.+))/gm)].flatMap(([, from, list = ""]) =>
    from ? [from] : list.split(",").map((name) => /\w*/.exec(name.trim())![0]),
  );

/** Prints why a file does not compile. Of newer syntax than it knows, an older Python tells nothing. */
const COMPILE = `
import sys
try:
    compile(open(sys.argv[1], "rb").read(), sys.argv[1], "exec")
except SyntaxError as error:
    known = sys.version_info >= (3, 10) and "f-string" not in str(error)
    if known or isinstance(error, IndentationError):
        print(f"line {error.lineno}: {type(error).__name__}: {error.msg}")`;

/**
 * @throws ConfigError for a handler that has nothing to call, or does not compile, if this machine has a Python to
 * see that. The Python of the image reports everything else.
 */
export function checkPython(handler: string): void {
  const { stdout } = spawnSync("python3", ["-c", COMPILE, handler], { encoding: "utf8" });
  if (stdout?.trim()) throw new ConfigError(`${handler} does not compile: ${stdout.trim()}.`);
  if (/\bhandle(_batch)?\b/.test(readFileSync(handler, "utf8"))) return;
  throw new ConfigError(`${handler} has no function \`handle\`: it needs \`def handle(item, context):\`.`);
}
