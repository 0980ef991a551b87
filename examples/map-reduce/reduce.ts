import { resultsOf } from "job-wq-2/queue";

/** The counts of all lines of another batch, added up. */
export default async function reduce(queue: string) {
  const total: Record<string, number> = {};
  for await (const { value } of resultsOf(queue)) {
    for (const [word, count] of Object.entries(value as Record<string, number>))
      total[word] = (total[word] ?? 0) + count;
  }
  return total;
}
