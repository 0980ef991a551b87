// Names of container images: `[registry[:port]/]path[:tag][@sha256:…]`.
import { invalid } from "./configError.ts";
import { parser } from "./parser.ts";

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const host = "(?:localhost|[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\\d))(?::\\d+)?";
const reference = new RegExp(
  `^(?:(${host})/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(@sha256:[0-9a-f]{64})?$`,
);

/** A container image's name: `[registry[:port]/]path[:tag][@sha256:…]`. */
export const image = parser("string", (key, value) => {
  if (!reference.test(String(value)))
    invalid(key, "an image's name like ghcr.io/you/job-wq-2 or redis:8, in lower case", value);
  return String(value);
});

/** Name for an image that is built, which has no digest yet. */
export const imageName = parser("string", (key, value) => {
  const checked = image(key, value);
  if (checked.includes("@")) invalid(key, "a name without a digest: the digest comes from the build", value);
  return checked;
});

/** The registry an image's name belongs to: its host, `docker.io` if it has none. */
export function registryOf(name: string): string {
  return reference.exec(name)?.[1] ?? "docker.io";
}

/** True if an image's name begins with its registry, without which it cannot be pushed. */
export function hasRegistry(name: string): boolean {
  return reference.exec(name)?.[1] !== undefined;
}
