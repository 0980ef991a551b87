// The settings of a stack as they are written: Pulumi gives their values alone, 668 for 01234.
import { existsSync, readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, parseDocument, Scalar } from "yaml";

/**
 * Values of a list or a map in a stack file that are not in quotes, as they are written.
 * @param path Path of the file; it may be elsewhere (`--config-file`).
 * @param key Name of the setting, with its project.
 * @returns By index or name; nothing where there is no such file or setting.
 */
export function plainValues(path: string, key: string): Map<string, string> {
  const document = existsSync(path) ? parseDocument(readFileSync(path, "utf8")) : undefined;
  // Pulumi takes a key without its project, too.
  const list = document?.getIn(["config", key]) ?? document?.getIn(["config", key.replace(/^.*:/, "")]);
  const entries = isSeq(list)
    ? list.items.map((value, index): [unknown, unknown] => [index, value])
    : isMap(list)
      ? list.items.map(({ key, value }): [unknown, unknown] => [key, value])
      : [];
  const plain = entries.filter(
    ([, value]) => isScalar(value) && value.type === Scalar.PLAIN && value.source !== undefined,
  );
  return new Map(plain.map(([place, value]) => [String(place), (value as Scalar).source!]));
}
