// Checks of arguments and settings that depend on each other.
import { hasRegistry } from "./parse/imageReference.ts";
import { ConfigError, invalid } from "./parse.ts";

type Given = Record<string, unknown>;

/** Names the sources of items that are given. @throws ConfigError for more than one. */
export function itemSource<K extends string>(args: Partial<Record<K, unknown>>, sources: readonly K[]): K | undefined {
  const given = sources.filter((key) => args[key] !== undefined);
  if (given.length > 1)
    throw new ConfigError(
      `Expected at most one of \`items\`, \`itemsFile\` and \`itemsRange\`, got ${given.join(" and ")}.`,
    );
  return given[0];
}

/** @param key How a message names an argument. @throws ConfigError */
export function checkRedis({ url, from, storage, ca }: Given, key = (argument: string) => argument): void {
  if (from !== undefined && (url ?? storage) !== undefined)
    throw new ConfigError(
      `Expected at most one of \`${key("from")}\`, \`${key("url")}\` and \`${key("storage")}\`: another stack's Redis has its own storage.`,
    );
  if (ca !== undefined && url === undefined)
    throw new ConfigError(
      `Expected \`${key("url")}\` with \`${key("ca")}\`: only a Redis of your own has a certificate.`,
    );
  if (url !== undefined && storage !== undefined)
    throw new ConfigError(
      `Expected at most one of \`${key("url")}\` and \`${key("storage")}\`, got both: a Redis of your own has its own storage.`,
    );
}

/** @returns The name. @throws ConfigError for one that cannot be pushed. */
export function checkPushable(imageName: string, push: boolean): string {
  if (push && !hasRegistry(imageName))
    invalid("imageName", "a name that begins with its registry, like docker.io/you/job-wq-2, to be pushed", imageName);
  return imageName;
}

/** @throws ConfigError */
export function checkImage({ imageName, image, registryUsername, registryPassword }: Given): void {
  if (imageName !== undefined && image !== undefined)
    throw new ConfigError("Expected one of `imageName` and `image`, got both.");
  if ((registryUsername === undefined) === (registryPassword === undefined)) return;
  const pair = ["registryUsername", "registryPassword"];
  const [given, missing] = registryUsername === undefined ? pair.toReversed() : pair;
  throw new ConfigError(
    `Expected both \`registryUsername\` and \`registryPassword\` or neither, got \`${given}\` without \`${missing}\`.`,
  );
}
