// The items that a runner has at the moment. A unit is what it gets in one line: an item, or a batch of them.
import type { HandedItem } from "./handedItem.ts";

export class InFlight {
  readonly #items = new Map<number, HandedItem>();
  #units = 0;

  get size(): number {
    return this.#items.size;
  }

  get units(): number {
    return this.#units;
  }

  get items(): HandedItem[] {
    return [...this.#items.values()];
  }

  /** The item with this id, if the runner has it. */
  get(id: number): HandedItem | undefined {
    return this.#items.get(id);
  }

  has(item: HandedItem): boolean {
    return this.#items.get(item.id) === item;
  }

  /** Adds a unit. */
  add(items: HandedItem[]): void {
    const unit = { left: items.length };
    this.#units++;
    for (const item of items) {
      item.unit = unit;
      this.#items.set(item.id, item);
    }
  }

  /** Removes an item. */
  remove(item: HandedItem): void {
    this.#items.delete(item.id);
    if (--item.unit!.left === 0) this.#units--;
  }
}
