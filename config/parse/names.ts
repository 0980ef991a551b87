// Parsers of names.
import { invalid } from "./configError.ts";
import { parser } from "./parser.ts";

/** A Kubernetes name: lower-case letters, digits and dashes, at most `max`. */
export const name = (max = 63) =>
  parser("string", (key, value) => {
    const valid = typeof value === "string" && value.length <= max && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value);
    if (!valid) invalid(key, `lower-case letters, digits and dashes, at most ${max} of them`, value);
    return value;
  });

/** A stack with its project. */
export const owner = parser("string", (key, value) => {
  if (typeof value !== "string" || !/^[\w.-]+\/[\w.-]+$/.test(value))
    invalid(key, "a project and a stack, like shop/dev", value);
  return value;
});

/** A queue's name. Braces and spaces would end up in the names of keys that must share one slot. */
export const queueName = parser("string", (key, value) => {
  if (typeof value !== "string" || !/^[\w.:-]{1,100}$/.test(value))
    invalid(key, "at most 100 letters, digits, dots, colons, dashes and underscores", value);
  return value;
});

/** Platform of a Linux image. */
export const platform = parser("string", (key, value) => {
  if (!/^linux\/(amd64|arm64)$/.test(String(value))) invalid(key, "linux/amd64 or linux/arm64", value);
  return String(value);
});
