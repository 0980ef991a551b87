// The supervisor's metrics as a real Prometheus reads them, and the queries of the dashboard.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { Consumer, DoNotRetry } from "../../../queue/index.ts";
import { Metrics } from "../../../supervisor/metrics.ts";
import { quick } from "../../support/consuming.ts";
import { debianPackage } from "../../support/debianPackage.ts";
import { freePort } from "../../support/freePort.ts";
import { SeederFixture } from "../../support/seederFixture.ts";

const dashboard = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../docs/grafana-dashboard.json"), "utf8"),
) as { panels: { title: string; targets: { expr: string }[] }[] };

interface Answer {
  status: string;
  data: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

describe("the supervisor's metrics", () => {
  const fixture = SeederFixture.register();
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-prometheus-"));
  let metrics: Metrics;
  let scraped: string;
  let url: string;
  let bin: string;
  const stop = new AbortController();

  before(async () => {
    bin = join(await debianPackage("bookworm", "prometheus"), "usr/bin");
    metrics = new Metrics("job2");
    const target = `127.0.0.1:${await metrics.listen(0)}`;
    scraped = `http://${target}/metrics`;
    const job = { job_name: "job-wq-2", static_configs: [{ targets: [target] }] };
    const config = { global: { scrape_interval: "200ms", scrape_timeout: "200ms" }, scrape_configs: [job] };
    writeFileSync(join(dir, "prometheus.yml"), JSON.stringify(config));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const options = [`--web.listen-address=127.0.0.1:${port}`, `--storage.tsdb.path=${dir}/data`];
    execa(join(bin, "prometheus"), [`--config.file=${dir}/prometheus.yml`, ...options], {
      cancelSignal: stop.signal,
      forceKillAfterDelay: 5_000,
      reject: false,
      stdio: "ignore",
    }).catch(() => {});
  });
  after(async () => {
    stop.abort();
    await metrics.close(0);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });

  /** The answer to a query, once there is one. */
  async function ask(query: string): Promise<Answer["data"]["result"]> {
    for (let turn = 0; ; turn++, await sleep(200)) {
      const answer = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query }).toString()}`)
        .then((response) => response.json() as Promise<Answer>)
        .catch(() => undefined);
      if (answer && answer.status !== "success") throw new Error(`${query}: ${JSON.stringify(answer)}`);
      if (answer?.data.result.length) return answer.data.result;
      if (turn > 150) throw new Error(`${query} has no answer`);
    }
  }

  it("are scraped, equal the final counts, and answer each query of the dashboard", async () => {
    await fixture.seed(["good", "bad", "fine", "slow"]);
    const look = async () => metrics.update(await fixture.admin.counts(), fixture.admin);
    const consumer = new Consumer({
      ...quick(fixture.server.url),
      handler: async (item) => {
        if (item === "bad") throw new DoNotRetry("no good");
        if (item !== "slow") return;
        await sleep(1_000);
        await look();
        const [oldest] = await ask("job_wq_2_oldest_running_seconds > 0.5");
        assert.ok(Number(oldest!.value[1]) < 30);
        assert.equal((await ask("job_wq_2_items_running"))[0]!.value[1], "1");
      },
    });
    await consumer.run();
    await look();

    const counts = await fixture.admin.counts();
    await ask(`job_wq_2_items_done_total == ${counts.done}`);
    const expected = {
      items_done_total: 3,
      items_failed_total: 1,
      items: 4,
      items_waiting: 0,
      items_running: 0,
      attempt_seconds_count: 4,
    };
    for (const [name, value] of Object.entries(expected)) {
      const [{ metric, value: answer }] = (await ask(`job_wq_2_${name}`)) as [Answer["data"]["result"][number]];
      assert.deepEqual([name, Number(answer[1]), metric.queue], [name, value, "job2"]);
    }

    const [slow] = await ask(
      'job_wq_2_attempt_seconds_bucket{le="+Inf"} - ignoring(le) job_wq_2_attempt_seconds_bucket{le="0.3"}',
    );
    assert.equal(slow!.value[1], "1");

    await sleep(1_000); // a rate needs two samples
    for (const { title, targets } of dashboard.panels)
      for (const { expr } of targets) {
        const [first] = await ask(expr.replaceAll("$queue", ".*"));
        assert.ok(Number.isFinite(Number(first!.value[1])), `${title}: ${expr}`);
      }
  });

  it("ask Redis once for each look, however many read them, and serve nothing else", async () => {
    let asked = 0;
    const own = new Metrics("q");
    const url = `http://127.0.0.1:${await own.listen(0)}`;
    const admin = { workers: () => Promise.resolve([]), durations: () => (asked++, Promise.resolve(undefined)) };
    own.update(await fixture.admin.counts(), admin as never);
    for (let read = 0; read < 20; read++) assert.equal((await fetch(`${url}/metrics`)).status, 200);
    assert.equal(asked, 1);
    for (const path of ["/", "/metrics/x", "/debug"]) assert.equal((await fetch(url + path)).status, 404);
    assert.equal((await fetch(`${url}/metrics`, { method: "POST" })).status, 404);
    await own.close(0);
  });

  it("are what promtool accepts", async () => {
    const input = await (await fetch(scraped)).text();
    const { stderr } = await execa(join(bin, "promtool"), ["check", "metrics"], { input });
    assert.equal(stderr, "");
  });
});
