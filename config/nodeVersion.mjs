// The Node.js that this project needs: the first that runs TypeScript. Plain JavaScript, for any Node.js from 18 on,
// which then says so in one line.
export const NEEDED = [22, 18];

/** True if a version, such as `20.20.2`, is new enough. */
export function isNewEnough(version = process.versions.node) {
  const [major, minor] = version.split(".").map(Number);
  return major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
}

/** @throws Error of one line, without a stack, if this Node.js is too old. */
export function requireNode() {
  if (isNewEnough()) return;
  const error = new Error(`job-wq-2: Node.js ${NEEDED.join(".")} or newer is needed, this is ${process.versions.node}`);
  error.stack = error.message;
  throw error;
}
