// Numbers of pods and items, seen from outside the programs.
import type { TestStack } from "./stack.ts";

/** Resources so small that some twenty pods fit on a small machine. */
export const smallPod = { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };

/** The running pods by name, and if each is ready. A pod is ready while it has something in flight. */
export async function pods(stack: TestStack): Promise<Map<string, boolean>> {
  const path =
    '{range .items[*]}{.metadata.name} {.metadata.deletionTimestamp} {.status.phase} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
  const text = await stack.kubectl("get", "pods", "-l", "job-name=job-wq-2", "-o", `jsonpath=${path}`);
  const rows = text.split("\n").map((line) => line.split(" "));
  return new Map(
    rows
      .filter(([, deleted, phase]) => !deleted && phase === "Running")
      .map(([name, , , ready]) => [name!, ready === "True"]),
  );
}

/** Items of the queue, by where they are. */
export async function counts(stack: TestStack): Promise<{ waiting: number; running: number; done: number }> {
  const [waiting, running, done] = await Promise.all([
    stack.redis("llen", "job2"),
    stack.redis("zcard", "{job2}:leases"),
    stack.redis("hlen", "{job2}:results"),
  ]);
  return { waiting: Number(waiting), running: Number(running), done: Number(done) };
}
