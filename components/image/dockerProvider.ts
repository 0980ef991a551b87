// The Docker provider, which only a program that builds an image needs.
import { createRequire } from "node:module";
import type * as docker from "@pulumi/docker";
import { ConfigError } from "../../config/parse.ts";

/** Loads it. @throws ConfigError if it is not installed. */
export function dockerProvider(): typeof docker {
  try {
    return createRequire(import.meta.url)("@pulumi/docker") as typeof docker;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") throw error;
    throw new ConfigError(
      "`imageName` needs the package @pulumi/docker to build an image: npm install @pulumi/docker, or leave `imageName` out.",
    );
  }
}
