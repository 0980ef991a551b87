import assert from "node:assert/strict";
import { OutputError, RowWriter } from "../../../../cli/run/rowWriter.ts";
import { summary, watchRun } from "../../../../cli/run/watch.ts";
import type { OpenQueue } from "../../../../cli/stack/openQueue.ts";
import type { Counts, ItemRecord } from "../../../../queue/index.ts";

describe("the watcher of a run", () => {
  const counts = { state: "finished", total: 2, done: 2, dead: 0, running: 0, waiting: 0, delayed: 0 } as Counts;
  const record = (id: number): ItemRecord => ({
    id,
    payload: Buffer.from(`item-${id}`),
    outcome: "done",
    attempts: [],
  });
  /** A queue whose batch is over. Its Redis goes away at the second row of the first looks. */
  function queue(failures: number) {
    const closed: string[] = [];
    const admin = {
      counts: () => Promise.resolve(counts),
      reasonOf: (error: unknown) => error,
      async *results(after: number) {
        for (const id of [1, 2].filter((id) => id > after)) {
          if (id === 2 && failures-- > 0) throw new Error("Redis went away");
          yield record(id);
        }
      },
      async *records(ids: number[]) {
        for (const id of ids) yield record(id);
      },
    };
    const open = () => Promise.resolve({ admin, close: () => closed.push("closed") } as unknown as OpenQueue);
    return { open, closed };
  }
  function writer(fails?: Error) {
    const ids: number[] = [];
    const add = ({ id }: { id: number }) => {
      if (fails) throw fails;
      ids.push(id);
    };
    return { ids, rows: { add, end: () => Promise.resolve() } as unknown as RowWriter };
  }
  const until = { eta: false, signal: new AbortController().signal };

  it("reads on if Redis goes away after the final counts", async () => {
    const { open } = queue(1);
    const { ids, rows } = writer();
    const state = await watchRun(open, { rows, ...until });
    assert.deepEqual([ids, state.unread], [[1, 2], undefined]);
  });

  it("says why it waits for a run that cannot be read, once", async () => {
    const said: string[] = [];
    const { error } = console;
    console.error = (line: string) => said.push(line);
    try {
      const over = new AbortController();
      let tries = 0;
      const open = () => {
        if (++tries === 3) over.abort();
        return Promise.reject(new Error("the Pod is gone"));
      };
      await watchRun(open, { rows: writer().rows, eta: false, signal: over.signal });
    } finally {
      console.error = error;
    }
    assert.deepEqual(said, ["warning: cannot read the run: the Pod is gone; trying again"]);
  });

  it("leaves a run that cannot be read for long", async () => {
    const open = () => Promise.reject(new Error("the Pod is gone"));
    await assert.rejects(watchRun(open, { rows: writer().rows, ...until, patienceMs: 0 }), {
      name: "UserError",
      message: "cannot read the run: the Pod is gone",
    });
  });

  /** A batch whose workers have ended, with its states look by look. */
  function deserted(...states: Counts["state"][]) {
    let workersAsked = 0;
    const admin = {
      counts: () => Promise.resolve({ ...counts, state: states.shift()!, total: 3, dead: 1, done: 1 }),
      async *results() {},
      async *records() {},
    };
    const workersEnded = () => Promise.resolve(++workersAsked > 0);
    const queue = { admin, workersEnded, close: () => {} };
    return { open: () => Promise.resolve(queue as unknown as OpenQueue), asked: () => workersAsked };
  }

  it("ends if the workers have ended before the batch", async () => {
    const state = await watchRun(deserted("open", "open").open, { rows: writer().rows, ...until });
    assert.deepEqual(summary(state), ["1 of 3 items done, 1 failed; its workers ended with 1 item left"]);
  });

  it("takes a batch that ended together with its workers as ended, and asks for no workers beside an `up`", async () => {
    const state = await watchRun(deserted("open", "finished").open, { rows: writer().rows, ...until });
    assert.deepEqual(summary(state), ["1 of 3 items done, 1 failed"]);
    const { open, asked } = deserted("open", "finished");
    await watchRun(open, { rows: writer().rows, ...until, warnings: [] });
    assert.equal(asked(), 0);
  });

  it("says that rows are missing if the last look failed", async () => {
    const { open } = queue(9);
    const { ids, rows } = writer();
    const state = await watchRun(open, { rows, eta: false, signal: AbortSignal.abort() });
    assert.deepEqual([ids, state.unread], [[1], "Redis went away"]);
  });

  it("ends if a row cannot be written, and closes the queue", async () => {
    const { open, closed } = queue(0);
    const { rows } = writer(new OutputError("log", new Error("ENOSPC: no space left on device, write")));
    await assert.rejects(watchRun(open, { rows, ...until }), {
      name: "UserError",
      message: "cannot write log: ENOSPC: no space left on device, write",
    });
    assert.deepEqual(closed, ["closed"]);
  });

  it("refuses a folder that cannot be made", () => {
    assert.throws(() => new RowWriter({ results: "/dev/null/rows", command: [], items: [], places: [] }), {
      message: "cannot write /dev/null/rows: ENOTDIR: not a directory, mkdir '/dev/null/rows'",
    });
  });
});
