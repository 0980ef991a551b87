// The items that a runner has at the moment. A unit is what it gets in one line: an item, or a batch of them.
import type { Piece } from "./piece.ts";

export class Hand {
  readonly #pieces = new Map<number, Piece>();
  #units = 0;

  get size(): number {
    return this.#pieces.size;
  }

  get units(): number {
    return this.#units;
  }

  get pieces(): Piece[] {
    return [...this.#pieces.values()];
  }

  /** The item with this id, if it is in the hand. */
  get(id: number): Piece | undefined {
    return this.#pieces.get(id);
  }

  has(piece: Piece): boolean {
    return this.#pieces.get(piece.id) === piece;
  }

  /** Adds a unit. */
  add(pieces: Piece[]): void {
    const unit = { left: pieces.length };
    this.#units++;
    for (const piece of pieces) {
      piece.unit = unit;
      this.#pieces.set(piece.id, piece);
    }
  }

  /** Removes an item. */
  remove(piece: Piece): void {
    this.#pieces.delete(piece.id);
    if (--piece.unit!.left === 0) this.#units--;
  }
}
