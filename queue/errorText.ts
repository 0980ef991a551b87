/** Longest reason that is kept, characters. */
const MAX_CHARS = 8192;
/** Causes of causes that are told. */
const MAX_CAUSES = 8;

/** The kept text of something that was thrown: its message, its stack below it, and its causes. Never throws. */
export function errorText(thrown: unknown): string {
  const parts: string[] = [];
  const seen = new Set<unknown>();
  let error = thrown;
  for (; parts.length < MAX_CAUSES && error !== undefined && !seen.has(error); error = causeOf(error)) {
    seen.add(error);
    parts.push(describe(error));
  }
  if (parts.length === 0) parts.push(describe(thrown));
  return parts.join("\ncaused by: ").slice(0, MAX_CHARS);
}

/** Its first line: for logs and for the ends of batches. */
export function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}

function causeOf(error: unknown): unknown {
  return safely(() => (error instanceof Error ? error.cause : undefined));
}

function describe(error: unknown): string {
  if (!safely(() => error instanceof Error)) return plainText(error) ?? "an object that has no text";
  const field = (name: "message" | "name" | "stack") => text(safely(() => (error as Error)[name]));
  const head = field("message") || field("name") || "an error without a message";
  const stack = field("stack");
  const frames = stack.slice(stack.indexOf("\n    at ") + 1 || stack.length);
  return frames ? `${head}\n${frames}` : head;
}

/** A text as it is; an object without a text as its fields, since some SDKs throw plain objects. */
function plainText(thrown: unknown): string | undefined {
  const words = safely(() => String(thrown));
  if (words !== undefined && !/^\[object \w+\]$/.test(words)) return words;
  const json = safely(() => JSON.stringify(thrown) as string | undefined);
  return json === undefined || json === "{}" ? words : json;
}

/** Fields of errors hold anything. */
function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** An error of a getter or a `toString` is of no interest. */
function safely<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/** Its name, if it has one. */
export function nameOf(error: unknown): string | undefined {
  return safely(() => (error as Error | undefined)?.name);
}
