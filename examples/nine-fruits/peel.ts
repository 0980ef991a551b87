import { setTimeout as sleep } from "node:timers/promises";

/** Called once per item; what it returns is the item's result. */
export default async function peel(fruit: string) {
  await sleep(500); // put your actual work here
  return { peeled: fruit, letters: fruit.length };
}
