import { ConfigError } from "../../config/parse.ts";

/** The queues and names that the Batches of one Redis have. */
export class TakenNames {
  readonly #queues = new Map<string, string>();
  /** By namespace. */
  readonly #names = new Map<unknown, Map<string, string>>();

  /**
   * Takes a queue, and a name in a namespace, for a Batch.
   * @param namespace A text, or an output: that is a namespace of its own, since its value is not known.
   * @throws ConfigError if another Batch has it.
   */
  add(batch: string, { queue, jobName, namespace }: { queue: string; jobName: string; namespace: unknown }): void {
    const names = this.#names.get(namespace) ?? new Map<string, string>();
    this.#names.set(namespace, names);
    take(names, "name", jobName, batch, "in the same namespace");
    take(this.#queues, "queue", queue, batch, "on the same Redis");
  }
}

function take(taken: Map<string, string>, key: string, value: string, batch: string, where: string): void {
  const other = taken.get(value);
  if (other !== undefined)
    throw new ConfigError(
      `Expected \`${key}\` to differ from that of Batch ${other} ${where}, got ${JSON.stringify(value)}.`,
    );
  taken.set(value, batch);
}
