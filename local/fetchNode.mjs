// Fetches the Node.js of .node-version, which npm serves as a package: for machines whose own is too old, and for the
// base image. It is run as root, so its content is pinned here. Plain JavaScript, for any Node.js from 18 on.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const NODE = readFileSync(new URL("../.node-version", import.meta.url), "utf8").trim();

/** npm's `integrity`, by version and processor. */
export const HASHES = {
  "24.21.0": {
    x64: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    arm64: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
};

/**
 * Writes into an empty folder what `npm ci` installs there: the package for this processor, and no other content of it.
 * @returns Path of its `node` below the folder, and npm's arguments.
 */
export function nodeInstall(folder, hashes = HASHES) {
  const name = `node-linux-${process.arch}`;
  const dependencies = { [name]: NODE };
  const integrity = hashes[NODE]?.[process.arch];
  if (!integrity) throw new Error(`local/fetchNode.mjs has no hash of Node.js ${NODE} for ${process.arch}`);
  const packages = {
    "": { dependencies },
    [`node_modules/${name}`]: { version: NODE, integrity, bin: { node: "bin/node" } },
  };
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, requires: true, packages }));
  return {
    node: join("node_modules", ".bin", "node"),
    args: ["ci", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
  };
}
