/** The words of one line, counted. */
export default function map(line: string) {
  const counts: Record<string, number> = {};
  for (const word of line.toLowerCase().match(/\p{L}+/gu) ?? []) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
