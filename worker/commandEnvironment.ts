/** Variables of the worker, which a command does not get. */
const PRIVATE = /^(WQ_|REDIS_)/;
/** Where Node.js and its libraries are in an image that has none (components/image/codeVolume.ts). */
const NODE_LIBRARIES = "/wq";

/** The environment of a program that a container runs for its user. */
export function commandEnvironment(): NodeJS.ProcessEnv {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !PRIVATE.test(name)));
  if (env.LD_LIBRARY_PATH === NODE_LIBRARIES) delete env.LD_LIBRARY_PATH;
  return env;
}
