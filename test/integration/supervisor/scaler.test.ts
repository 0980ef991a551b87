// Scaling by an API server with TLS that is busy, or behind a busy load balancer.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { callApi } from "../../../supervisor/scaling/inCluster.ts";
import { Scaler } from "../../../supervisor/scaling/scaler.ts";
import { counts } from "../../support/looks.ts";

type Answer = [status: number, type: string, body: string];
const BUSY: Answer = [429, "text/plain; charset=utf-8", "Too many requests, please try again later.\n"];
const GATEWAY: Answer = [502, "text/html", "<html><h1>502 Bad Gateway</h1></html>"];
const FORBIDDEN: Answer = [403, "application/json", '{"kind":"Status","message":"jobs \\"w\\" is forbidden"}'];
const JOB: Answer = [200, "application/json", '{"spec":{"parallelism":1}}'];

const THREE: Answer = [200, "application/json", '{"spec":{"parallelism":3}}'];

describe("the scaler", () => {
  const account = mkdtempSync(join(tmpdir(), "job-wq-2-account-"));
  const answers: Answer[] = [];
  const asked: string[] = [];
  let server: Server;
  before(async () => {
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key", "-out", "ca.crt"];
    await execa("openssl", ["req", "-x509", ...key, ...subject], { cwd: account });
    writeFileSync(join(account, "token"), "t0ken");
    const read = (name: string) => readFileSync(join(account, name));
    server = createServer({ key: read("key"), cert: read("ca.crt") }, (request, response) => {
      void text(request).then((body) => {
        asked.push(`${request.method} ${body}`);
        const [status, type, answer] = answers.shift() ?? JOB;
        response.writeHead(status, { "content-type": type }).end(answer);
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    process.env.KUBERNETES_SERVICE_HOST = "127.0.0.1";
    process.env.KUBERNETES_SERVICE_PORT = String((server.address() as AddressInfo).port);
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    rmSync(account, { recursive: true });
  });

  it("asks again after an answer that is no JSON, and says what is wrong once", async () => {
    const options = { min: 1, max: 9, concurrency: 1, idleAfterMs: 60_000 };
    const scaler = new Scaler("n", "w", options, (path, body) => callApi(path, body, account));
    const load = counts({ waiting: 3, running: 0 });
    const look = () => scaler.follow({ ...load, now: (load.now += 1_000) }, () => Promise.resolve(0));
    answers.push(BUSY, BUSY, GATEWAY, FORBIDDEN, JOB, BUSY, JOB, JOB);
    assert.equal(await look(), "The workers cannot be scaled: it answered 429");
    assert.equal(await look(), undefined);
    assert.equal(await look(), "The workers cannot be scaled: it answered 502");
    assert.equal(await look(), 'The workers cannot be scaled: jobs "w" is forbidden');
    assert.equal(await look(), "The workers cannot be scaled: it answered 429", "the change itself");
    assert.equal(await look(), "From 1 to 3 pods");
    assert.equal(asked.at(-1), 'PATCH {"spec":{"parallelism":3}}');
    // A change of its own whose answer was lost is not taken for somebody else's.
    load.waiting = 5;
    answers.push(THREE, BUSY, [200, "application/json", '{"spec":{"parallelism":5}}']);
    assert.deepEqual([await look(), await look()], ["The workers cannot be scaled: it answered 429", undefined]);
    load.waiting = 6;
    answers.push(THREE);
    assert.equal(await look(), "3 pods at most from now on, set from outside, for instance by `wq scale`");
  });

  it("removes no pod that has something in flight, however few pods would do", async () => {
    const options = { min: 1, max: 9, concurrency: 4, idleAfterMs: 0 };
    const scaler = new Scaler("n", "w", options, (path, body) => callApi(path, body, account));
    let [busy, now] = [3, 0];
    const look = () => scaler.follow(counts({ waiting: 0, running: busy, now: (now += 5_000) }), async () => busy);
    answers.push(THREE, THREE, THREE);
    assert.equal(await look(), undefined);
    busy = 2;
    assert.equal(await look(), "From 3 to 2 pods");
    assert.equal(asked.at(-1), 'PATCH {"spec":{"parallelism":2}}');
  });
});
