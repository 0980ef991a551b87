// Tests of one file that mostly wait, each for something of its own: they run side by side, and are told in order.

/** A `it` whose tests begin together, at most `width` at a time, before the first of them is awaited. */
export function sideBySide(width: number): (title: string, test: () => Promise<void>) => void {
  const waiting: (() => void)[] = [];
  let free = width;
  const seat = () => (free > 0 ? Promise.resolve(void free--) : new Promise<void>((resolve) => waiting.push(resolve)));
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else free++;
  };
  return (title, test) => {
    let outcome: Promise<void>;
    before(() => {
      outcome = seat().then(test).finally(leave);
      outcome.catch(() => {}); // told below
    });
    it(title, () => outcome);
  };
}
