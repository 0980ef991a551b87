// The settings of a stack as they are written. Pulumi gives only their values, like 668 for 01234.
import { existsSync, readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, parseDocument, Scalar } from "yaml";

/** A value without quotes that YAML does not take for a text. */
export interface PlainValue {
  written: string;
  value: unknown;
}

/**
 * Values of a list or a map in a stack file that are not in quotes, and no texts.
 * @param path Path of the file. Pulumi does not say where it is, with `--config-file` elsewhere.
 * @param key Name of the setting, with its project.
 * @returns By index or name; nothing if there is no such file or setting.
 */
export function plainValues(path: string, key: string): Map<string, PlainValue> {
  // In the version of YAML that Pulumi reads.
  const document = existsSync(path) ? parseDocument(readFileSync(path, "utf8"), { version: "1.1" }) : undefined;
  // Pulumi takes a key without its project, too.
  const list = document?.getIn(["config", key]) ?? document?.getIn(["config", key.replace(/^.*:/, "")]);
  const entries = isSeq(list)
    ? list.items.map((value, index): [unknown, unknown] => [index, value])
    : isMap(list)
      ? list.items.map(({ key, value }): [unknown, unknown] => [key, value])
      : [];
  return new Map(
    entries.flatMap(([place, scalar]): [string, PlainValue][] => {
      if (!isScalar(scalar) || scalar.type !== Scalar.PLAIN || scalar.source === undefined) return [];
      const { source: written, value } = scalar;
      return typeof value === "string" ? [] : [[String(place), { written, value }]];
    }),
  );
}
