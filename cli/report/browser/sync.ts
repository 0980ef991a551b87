/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// Redraws changing parts. An element that did not change stays, so that a focus or a selection is not lost.

export function setText(node: HTMLElement, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Children of a node by key: those that stay are the same elements, in the order of the list. */
export function sync<T>(parent: HTMLElement, list: T[], key: (one: T) => string, make: (one: T) => HTMLElement): void {
  const old = [...parent.children] as HTMLElement[];
  const wanted = list.map((one) => {
    const at = old.findIndex(({ dataset }) => dataset.key === key(one));
    const child = at < 0 ? make(one) : old.splice(at, 1)[0]!;
    child.dataset.key = key(one);
    return child;
  });
  for (const child of old) child.remove();
  wanted.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}
