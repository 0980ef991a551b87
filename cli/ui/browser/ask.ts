/// <reference lib="dom" />
import { element } from "../../report/browser/format.ts";

/** Shows the result of an action. */
export function say(text: string): void {
  element("message").textContent = text;
}

async function answerOf<T>(response: Promise<Response>): Promise<T | undefined> {
  try {
    const answer = await response;
    if (answer.ok) return (await answer.json()) as T;
    say((await answer.text()).trim());
  } catch {
    say("`wq ui` does not answer.");
  }
  return undefined;
}

/** Asks the server below `api/batches/`. @returns undefined if it refused, which is shown then. */
export function ask<T>(path: string): Promise<T | undefined> {
  return answerOf<T>(fetch(path === "" ? "api/batches" : `api/batches/${path}`));
}

/** Asks the server for a change, and shows what was done. */
export async function change(queue: string, name: string, wanted: Record<string, unknown>): Promise<void> {
  const request = fetch(`api/batches/${encodeURIComponent(queue)}/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(wanted),
  });
  const answer = await answerOf<{ message: string }>(request);
  if (answer) say(answer.message);
}
