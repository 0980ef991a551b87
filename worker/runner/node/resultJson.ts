// A result as JSON. A value of which JSON would silently keep nothing is refused.
import { MAX_RESULT_BYTES } from "../../../queue/limits.ts";

/** JSON makes `{}` of them: a Map, a Set, a promise, a generator that nobody ran, an Error. */
function isLost(value: unknown): value is object {
  if (typeof value !== "object" || value === null || Object.keys(value).length > 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return !Array.isArray(value) && prototype !== Object.prototype && prototype !== null;
}

/**
 * A result as JSON; of one that is longer than any that is kept, the beginning as a text; undefined without one.
 * @throws TypeError for one of which JSON keeps nothing, or not a part.
 */
export function resultJson(result: unknown): string | undefined {
  if (typeof result === "function" || typeof result === "symbol") throw new TypeError(`it is a ${typeof result}`);
  const json = JSON.stringify(result) as string | undefined;
  if (typeof result === "object" && json?.includes("{}"))
    JSON.stringify(result, (_, value: unknown) => {
      if (isLost(value)) throw new TypeError(`JSON keeps nothing of ${nameOf(value)}`);
      return value;
    });
  return json !== undefined && json.length > MAX_RESULT_BYTES ? JSON.stringify(json.slice(0, MAX_RESULT_BYTES)) : json;
}

/** Kind of an object, as its class or JavaScript names it. */
function nameOf(value: object): string {
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  return kind === "Object" ? value.constructor.name : kind;
}
