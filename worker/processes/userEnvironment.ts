import { constants, existsSync } from "node:fs";
import { userInfo } from "node:os";
import { canAccess } from "./access.ts";

/** Variables of the worker, which a command does not get. */
const PRIVATE = /^WQ_/;

/** Python packages that `requirements` names (components/image/layout.ts). */
const PACKAGES = "/job-wq-2/packages";

/** The environment of a program that a container runs for its user: the image's, and the user's own variables. */
export function commandEnvironment(): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !PRIVATE.test(name)));
  if (existsSync(PACKAGES)) env.PYTHONPATH = [PACKAGES, env.PYTHONPATH].filter(Boolean).join(":");
  return { ...env, HOME: home(env.HOME ?? "/") };
}

/** HOME as the image sets it. If it sets none, the user's own folder, or /tmp if that is read-only. */
function home(path: string): string {
  return isFromImage(path) || canAccess(path, constants.W_OK) ? path : "/tmp";
}

function isFromImage(path: string): boolean {
  try {
    return path !== "/" && path !== userInfo().homedir;
  } catch {
    return path !== "/"; // `/` is the home of a user that the image does not know
  }
}
