// Parsers of names and addresses.
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

/** A URL whose user and password are written as they are: keys of Azure and others have `/`, `#` and the like. */
export function withEncodedLogin(url: string): string {
  const [, scheme, login, host] = /^(rediss?:\/\/)(.*)@([^@]*)$/s.exec(url) ?? [];
  if (login === undefined) return url;
  const [user, ...password] = login.split(":");
  const encoded = [user!, password.join(":")].map((part) =>
    part.replaceAll(/%(?![0-9a-f]{2})|[^\w.~!$&'()*+,;=%-]/gi, encodeURIComponent),
  );
  return `${scheme}${encoded.join(":")}@${host}`;
}

/** The address of a Redis. */
export const redisUrl = parser("string", (key, value) => {
  const url = typeof value === "string" ? withEncodedLogin(value.trim()) : "";
  if (!/^rediss?:\/\/[^/\s]+/.test(url) || !URL.canParse(url))
    invalid(key, "a URL like rediss://user:password@host:6380", value);
  return url;
});

/** Platform of a Linux image. */
export const platform = parser("string", (key, value) => {
  if (!/^linux\/(amd64|arm64)$/.test(String(value))) invalid(key, "linux/amd64 or linux/arm64", value);
  return String(value);
});

/** An address to which something is posted. */
export const webhook = parser("string", (key, value) => {
  if (typeof value !== "string" || !/^https?:$/.test(URL.parse(value)?.protocol ?? ""))
    invalid(key, "a URL like https://hooks.example.com/…", value);
  return value;
});

/** A certificate, as PEM. */
export const certificate = parser("string", (key, value) => {
  if (typeof value !== "string" || !value.includes("-----BEGIN CERTIFICATE-----"))
    invalid(key, "the text of a certificate, which begins with -----BEGIN CERTIFICATE-----", value);
  return value;
});
