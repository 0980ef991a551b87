// Parsers of addresses, and of the certificate of one.
import { invalid } from "./configError.ts";
import { parser } from "./parser.ts";

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
