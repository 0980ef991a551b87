import assert from "node:assert/strict";
import { resultRow } from "../../../queue/admin/resultRow.ts";
import { parseRecord } from "../../../queue/redis/record.ts";

const place = (session: string) => ({ pod: `pod-${session}`, node: "n1" });
const parse = (text: string | Buffer, settled = false) => parseRecord(7, Buffer.from(text), settled, place);

describe("a record", () => {
  it("of a running item says since when and by whom", () => {
    assert.deepEqual(parse("0 0 1000 s1\n\napple"), {
      id: 7,
      payload: Buffer.from("apple"),
      outcome: "running",
      attempts: [],
      lease: { session: "s1", since: 1000 },
    });
  });

  it("of a done item has its value and its attempts, oldest first", () => {
    const record = parse('d5 ={"a":1}\n1 0 2000 s2\nf30 "no luck"\n0 0 1000 s1\n\napple', true);
    assert.equal(record.outcome, "done");
    assert.equal(record.value, '{"a":1}');
    assert.equal(record.truncated, undefined);
    assert.equal(record.reason, undefined);
    assert.deepEqual(record.attempts, [
      { pod: "pod-s1", node: "n1", start: 1000, end: 1030, outcome: "failed", error: "no luck" },
      { pod: "pod-s2", node: "n1", start: 2000, end: 2005, outcome: "done" },
    ]);
  });

  it("without a value has none, and a truncated one says so", () => {
    assert.equal("value" in parse("d5\n0 0 1 s\n\n", true), false);
    assert.deepEqual([parse('d5 ~"abc\n0 0 1 s\n\n', true)].map(({ value, truncated }) => ({ value, truncated }))[0], {
      value: '"abc',
      truncated: true,
    });
  });

  it("of a dead item gives the last attempt's reason, line breaks and all", () => {
    const record = parse('t60 "timed out\\nat x"\n0 0 1 s\n\npoison', true);
    assert.equal(record.outcome, "dead");
    assert.equal(record.reason, "timed out\nat x");
    assert.equal(record.attempts[0]!.outcome, "timeout");
  });

  it("of a lost item names pod, node and when it was last heard", () => {
    const record = parse("l9000 4000\n0 1 1000 s1\nl900 400\n0 0 100 s0\n\npoison", true);
    assert.equal(
      record.reason,
      "lost: pod pod-s1 on node n1 vanished with the item in flight, last heard at 1970-01-01T00:00:04.000Z",
    );
    assert.deepEqual(
      record.attempts.map(({ pod, end, outcome }) => ({ pod, end, outcome })),
      [
        { pod: "pod-s0", end: 900, outcome: "lost" },
        { pod: "pod-s1", end: 9000, outcome: "lost" },
      ],
    );
  });

  it("of one that was put back keeps its history and is delayed", () => {
    const record = parse('q\nf30 "no"\n2 0 5 s\n\nx');
    assert.equal(record.outcome, "delayed");
    assert.equal(record.reason, "no");
    assert.equal(record.attempts.length, 1);
  });

  it("of a running item that was put back before has the lease and the old attempts", () => {
    const record = parse('0 0 99 s2\nq\nf30 "no"\n2 0 5 s1\n\nx');
    assert.equal(record.outcome, "running");
    assert.deepEqual(record.lease, { session: "s2", since: 99 });
    assert.equal(record.attempts[0]!.pod, "pod-s1");
  });

  for (const payload of ["", "\n", "\n\n\nd5\n", "f1 x\n0 0 1 s\n\ny", Buffer.from([0, 255, 10, 10, 254])]) {
    it(`keeps the payload ${JSON.stringify(payload)} byte for byte`, () => {
      const bytes = Buffer.concat([Buffer.from("r3\n0 0 1 s\n\n"), Buffer.from(payload)]);
      const record = parse(bytes);
      assert.deepEqual(record.payload, Buffer.from(payload));
      assert.equal(record.attempts[0]!.outcome, "released");
      assert.equal(record.reason, "released");
    });
  }

  it("that somebody forged has times that can be printed", () => {
    for (const record of ["d1e300 =1\n0 0 1e300 s\n\nx", "l9e99 9e99\n0 0 x s\n\nx", 'f1e99 "no"\n0 0 -9e99 s\n\nx']) {
      const { start, end, duration } = resultRow(parse(record, true));
      assert.deepEqual([start, end, duration ?? 0], [null, null, 0], record);
    }
  });

  it("that was edited by hand is refused with its id", () => {
    assert.throws(() => parse("apple"), /^Error: The record of item 7 has no payload: was it edited by hand\?$/);
  });
});
