import { StringDecoder } from "node:string_decoder";

/** Splits bytes into lines, as they come. The cost of a long line is in proportion to its length. */
export class WholeLines {
  readonly #decoder = new StringDecoder("utf8");
  #parts: string[] = [];
  #length = 0;

  /** Length of the line whose end has not come yet, characters. */
  get restLength(): number {
    return this.#length;
  }

  /** @returns The lines that end here. */
  add(chunk: Buffer): string[] {
    const lines = this.#decoder.write(chunk).split("\n");
    const rest = lines.pop()!;
    if (lines.length > 0) {
      lines[0] = this.#parts.join("") + lines[0];
      this.#parts = [];
      this.#length = 0;
    }
    this.#parts.push(rest);
    this.#length += rest.length;
    return lines;
  }
}
