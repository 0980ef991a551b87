import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { Consumer, type Handler, Seeder } from "../../../queue/index.ts";
import { startChromium } from "../../support/chromium.ts";
import { quick } from "../../support/consuming.ts";
import { wqScript } from "../../support/fruits.ts";
import { withQueue } from "../../support/withQueue.ts";

describe("wq ui in Chromium", function () {
  this.timeout(600_000); // a machine without Chromium installs it
  const t = withQueue({ args: ["--appendonly", "yes"] });
  let browser: Browser;
  const children: ChildProcess[] = [];
  const contexts: BrowserContext[] = [];
  const consumers: Consumer[] = [];

  before(async () => void (browser = await startChromium()));
  after(() => browser?.close());
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    for (const context of contexts.splice(0)) await context.close();
    await Promise.all(consumers.splice(0).map((consumer) => consumer.stop(0)));
  });

  const seed = (items: string[], queue = "job2") =>
    new Seeder({ url: t.url, queue }).seed(items, { owner: "a/b", run: "1", seedId: "1" });
  const names = (count: number) => Array.from({ length: count }, (_, i) => `item-${i + 1}`);
  function work(handler: Handler, more: Partial<ConstructorParameters<typeof Consumer>[0]> = {}): Promise<unknown> {
    const retry = { maxAttempts: 1, backoff: { min: 1, max: 1 } };
    const consumer = new Consumer({ ...quick(t.url), retry, abortWhenNothingSucceeds: false, ...more, handler });
    consumers.push(consumer);
    return consumer.run();
  }
  function gate() {
    let open = () => {};
    const passed = new Promise<void>((resolve) => (open = resolve));
    return { open, passed };
  }

  /** Starts the server. `path` is that of the page. */
  async function serve(args = ["--no-open"], other = {}) {
    const env = { ...process.env, WQ_REDIS_URL: t.url, ...other };
    const child = spawn(process.execPath, [wqScript, "ui", "--json", ...args], {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.push(child);
    const [line] = (await once(createInterface(child.stdout), "line")) as [string];
    const { address } = JSON.parse(line) as { address: string };
    const { origin, pathname, searchParams } = new URL(address);
    return { child, address, origin, path: pathname, token: searchParams.get("token")! };
  }

  /** Opens the page. `bad` gets its errors, and its requests to other hosts. */
  async function open(
    address: string,
    viewport = { width: 1280, height: 900 },
  ): Promise<{ page: Page; bad: string[] }> {
    const context = await browser.newContext({ viewport });
    contexts.push(context);
    const page = await context.newPage();
    const bad: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) bad.push(message.text());
    });
    page.on("pageerror", (error) => bad.push(String(error)));
    page.on("request", (sent) => {
      if (!/^(http:\/\/127\.0\.0\.1:|data:)/.test(sent.url())) bad.push(sent.url());
    });
    await page.goto(address);
    await page.waitForSelector("html[data-ready]");
    return { page, bad };
  }
  const sum = (page: Page, id: string) => page.textContent(`#sum-${id}`);
  const shows = (page: Page, id: string, value: string) => t.until(async () => (await sum(page, id)) === value);

  it("shows a batch at work, and failures, as text and not as HTML", async () => {
    await seed([...names(5), "<img src=x onerror=alert(1)>"]);
    const last = gate();
    const over = work(
      async (item) => {
        if (item.startsWith("<")) throw new Error(`<b>bad</b> ${item}`);
        if (item === "item-3") await last.passed;
      },
      { concurrency: 2 },
    );
    const { page, bad } = await open((await serve()).address);
    assert.ok(!page.url().includes("token"), page.url());
    await shows(page, "done", "4");
    assert.deepEqual([await sum(page, "dead"), await sum(page, "running")], ["1", "1"]);
    assert.equal(await page.textContent("#workers tbody td"), "pod-1");
    assert.match((await page.textContent("#workers li"))!, /^item-3 /);
    await page.waitForSelector("#reasons li");
    assert.match((await page.textContent("#reasons p"))!, /^1: <b>bad<\/b> …$/);
    assert.deepEqual(await page.$$("img, #reasons b"), []);
    last.open();
    await over;
    await t.until(async () => /^finished in .*, 1 item failed$/.test((await page.textContent("#state"))!));
    assert.equal(await page.getAttribute("#pause", "disabled"), "");
    await t.until(async () => (await page.$$("#table tbody tr")).length === 6);
    assert.match((await page.textContent("#quantiles"))!, /^Last attempt of each settled item\. p50 /);
    assert.deepEqual(bad, []);
  });

  it("shows an item with its attempts and its log, as it is written", async () => {
    await seed(["apple", "pear"]);
    const [second, end] = [gate(), gate()];
    void work(
      async (item, { log }) => {
        log(`${item} begins`);
        await second.passed;
        log(`${item} goes on`);
        await end.passed;
        throw new Error(`${item} is bad\n    at somewhere`);
      },
      { concurrency: 2 },
    );
    const { page, bad } = await open((await serve()).address);
    await page.fill("#text", "apple");
    await t.until(async () => (await t.admin.counts()).running === 2);
    await page.click("#search-item button");
    await page.waitForSelector("#item[open]");
    await t.until(async () => (await t.redis.pubsub("NUMSUB", "{job2}:log"))[1] === 1);
    second.open();
    await t.until(async () => (await page.textContent("#log"))!.includes("apple goes on"));
    assert.ok(!(await page.textContent("#log"))!.includes("pear"));
    end.open();
    await t.until(async () => (await page.textContent("#outcome")) === "failed: apple is bad");
    const cells = await page.$$eval("#attempts td", (cells) => cells.map((cell) => cell.textContent));
    assert.deepEqual([cells[0], cells[1], ...cells.slice(4)], ["1", "pod-1", "failed", "apple is bad"]);
    await page.keyboard.press("Escape");
    assert.equal(await page.$("#item[open]"), null);
    assert.deepEqual(bad, []);
  });

  it("pauses, resumes and retries, one, a group and all", async () => {
    await seed(names(6));
    let isMended = false;
    const hold = gate();
    void work(
      async (item) => {
        const number = Number(item.slice(5));
        if (number === 6) await hold.passed;
        if (!isMended && number <= 2) throw new Error(`page ${number} is missing`);
        if (!isMended && number <= 4) throw new Error("no route");
      },
      { concurrency: 3 },
    );
    const { page } = await open((await serve()).address);
    await shows(page, "dead", "4");
    await page.click("#pause");
    await t.until(async () => (await page.textContent("#message"))!.startsWith("Paused"));
    assert.equal((await t.admin.counts()).state, "paused");
    await t.until(async () => (await page.getAttribute("#resume", "disabled")) === null);
    isMended = true;
    await page.waitForSelector("#reasons li:nth-child(2)");
    await page.click("#reasons li:has-text('is missing') button");
    await t.until(async () => (await t.admin.counts()).dead === 2);
    await t.until(
      async () => (await page.textContent("#message")) === "Put 2 items back: the workers that are there take them.",
    );
    await page.click("#resume");
    await shows(page, "done", "3");
    const [id] = await t.admin.find("item-3");
    await page.fill("#text", `#${id}`);
    await page.click("#search-item button");
    await page.click("#retry-item");
    await t.until(async () => (await t.admin.counts()).done === 4);
    await page.click("#close");
    await page.click("#retry");
    await t.until(async () => (await t.admin.counts()).done === 5);
    hold.open();
    await t.until(async () => (await t.admin.counts()).state === "finished");
  });

  it("cancels an item, and all that are left", async () => {
    await seed(["apple", "banana", "cherry"]);
    void work(
      (_, { signal }) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    );
    const { page } = await open((await serve()).address);
    await shows(page, "running", "1");
    await page.fill("#text", "#1");
    await page.click("#search-item button");
    await page.click("#cancel-item");
    await shows(page, "dead", "1");
    assert.equal(await page.textContent("#message"), "Cancelled 1 item.");
    await page.click("#close");
    page.once("dialog", (dialog) => void dialog.accept());
    await page.click("#cancel");
    await t.until(async () => (await t.admin.counts()).state === "finished");
    const { done, dead } = await t.admin.counts();
    assert.deepEqual([done, dead], [0, 3]);
  });

  it("cancels one item of several with the same text", async () => {
    await seed(["apple", "apple", "apple"]);
    const hold = gate();
    void work(() => hold.passed, { concurrency: 2 });
    const { page } = await open((await serve()).address);
    await shows(page, "running", "2");
    await page.fill("#text", "#2");
    await page.click("#search-item button");
    await page.click("#cancel-item");
    await shows(page, "dead", "1");
    assert.equal(await page.textContent("#message"), "Cancelled 1 item.");
    for await (const { id } of t.admin.dead()) assert.equal(id, 2);
    hold.open();
    await t.until(async () => (await t.admin.counts()).state === "finished");
    assert.equal((await t.admin.counts()).done, 2);
  });

  it("drops an answer about an item that is no longer shown", async () => {
    await seed(["apple", "pear"]);
    const hold = gate();
    void work(() => hold.passed, { concurrency: 2 });
    const { page } = await open((await serve()).address);
    await shows(page, "running", "2");
    const [late, asked] = [gate(), gate()];
    let answers = 0;
    await page.route(/items\/1$/, async (route) => {
      if (answers++ === 0) return route.continue();
      asked.open();
      await late.passed;
      await route.continue();
    });
    const show = async (id: number) => {
      await page.fill("#text", `#${id}`);
      await page.click("#search-item button");
      await page.waitForSelector("#item[open]");
    };
    await show(1);
    await asked.passed; // the next look at the item is under way
    await page.keyboard.press("Escape");
    await show(2);
    await page.evaluate(`window.titles = []; new MutationObserver((changes) => window.titles.push(changes[0].target.textContent))
      .observe(document.querySelector("#item h2"), { childList: true })`);
    const answered = page.waitForResponse(/items\/1$/);
    late.open();
    await (await answered).finished();
    await page.waitForResponse(/items\/2$/);
    await t.until(async () => (await page.evaluate<string[]>("window.titles")).length > 0);
    const titles = await page.evaluate<string[]>("window.titles");
    assert.deepEqual(new Set(titles), new Set(["pear (2)"]));

    await page.keyboard.press("Escape");
    const search = gate();
    await page.route(/items\?text=apple$/, async (route) => {
      await search.passed;
      await route.continue();
    });
    await page.fill("#text", "apple");
    await page.click("#search-item button");
    await show(2);
    const found = page.waitForResponse(/items\?text=apple$/);
    search.open();
    await (await found).finished();
    await page.waitForResponse(/items\/2$/);
    assert.equal(await page.textContent("#item h2"), "pear (2)");
    hold.open();
  });

  it("is used by keyboard alone", async () => {
    await seed(["apple"]);
    const hold = gate();
    void work(() => hold.passed);
    const { page } = await open((await serve()).address);
    await shows(page, "running", "1");
    const focused = () => page.evaluate<string>("document.activeElement.id || document.activeElement.textContent");
    const press = async (wanted: string) => {
      for (let i = 0; (await focused()) !== wanted; i++) {
        assert.ok(i < 30, `no way to ${wanted}`);
        await page.keyboard.press("Tab");
      }
      await page.keyboard.press("Enter");
    };
    await press("pause");
    await t.until(async () => (await t.admin.counts()).state === "paused");
    await t.until(async () => (await page.getAttribute("#resume", "disabled")) === null);
    await press("resume");
    await t.until(async () => (await t.admin.counts()).state === "open");
    await press("apple");
    await page.waitForSelector("#item[open]");
    await page.keyboard.press("Escape");
    await t.until(async () => (await focused()) === "apple");
    hold.open();
  });

  it("keeps the focus on a button while its list changes", async () => {
    await seed(names(6));
    const [third, fourth, last] = [gate(), gate(), gate()];
    void work(
      async (item) => {
        const number = Number(item.slice(5));
        if (number > 2) await [third, fourth, last, last][number - 3]!.passed;
        if (number < 4) throw new Error("no route");
      },
      { concurrency: 6 },
    );
    const { page, bad } = await open((await serve()).address);
    const focused = () => page.evaluate<string>("document.activeElement.textContent");
    await page.waitForSelector("#reasons p:text-is('2: no route')");
    await page.focus("#reasons button");
    third.open();
    await page.waitForSelector("#reasons p:text-is('3: no route')");
    assert.equal(await focused(), "Retry these");
    await page.focus("#table tbody tr:nth-child(2) button");
    fourth.open();
    await page.waitForSelector("#table tbody tr:nth-child(4) td.done");
    assert.equal(await focused(), "2");
    assert.deepEqual(bad, []);
    last.open();
    await t.until(async () => (await t.admin.counts()).state === "finished");
  });

  it("lists the batches of its Redis, and shows another one", async () => {
    await seed(["apple"]);
    await seed(names(3), "other");
    const { page } = await open((await serve()).address);
    await t.until(async () => (await page.$$("#batches option")).length === 2);
    await page.selectOption("#batches", "other");
    await shows(page, "items", "3");
    assert.equal(await page.textContent("h1"), "other");
    assert.ok(await page.isHidden("#scale"), "there is no Job");
  });

  it("says that Redis is away, and goes on when it is back", async () => {
    await seed(names(3));
    const { page } = await open((await serve()).address);
    await shows(page, "waiting", "3");
    await t.server.kill();
    await page.waitForSelector("#away:not([hidden])");
    assert.match(
      (await page.textContent("#away"))!,
      /^Redis is away: .+\. Trying again; the page shows the last state that is known\.$/,
    );
    await t.server.restart();
    await page.waitForSelector("#away[hidden]", { state: "attached" });
    await new Seeder({ url: t.url, queue: "job2" }).seed(names(4), { owner: "a/b", run: "1", seedId: "2" });
    await shows(page, "items", "4");
  });

  it("catches up in a browser that has slept", async () => {
    await seed(names(200));
    const hold = gate();
    void work(() => hold.passed, { concurrency: 4 });
    const { address, origin, path, token } = await serve();
    const { page } = await open(address);
    await shows(page, "running", "4");
    const { stdout: chromium } = await execa("pgrep", ["-P", String(process.pid), "-f", "chromium"]);
    process.kill(-Number(chromium), "SIGSTOP");
    try {
      hold.open();
      const events = request(`${origin}${path}api/batches/job2/events`, { headers: { cookie: `wq=${token}` } });
      const [answer] = (await once(events.end(), "response")) as [IncomingMessage];
      for await (const chunk of answer as AsyncIterable<Buffer>) if (/"done":200/.test(chunk.toString())) break;
    } finally {
      process.kill(-Number(chromium), "SIGCONT");
    }
    await shows(page, "done", "200");
    await t.until(async () => (await page.textContent("#state"))!.startsWith("finished"));
  });

  for (const width of [1280, 400])
    it(`cuts nothing off at ${width} px, with 200 workers`, async () => {
      await seed(names(400));
      const hold = gate();
      void work(() => hold.passed, { pod: "thumbnails-of-photos-10000", concurrency: 20 });
      await t.until(async () => (await t.admin.counts()).running === 20);
      // 199 more workers report themselves (docs/queue/keys.md).
      for (let i = 1; i < 200; i++) {
        const pod = `thumbnails-of-photos-${10_000 + i}`;
        const row = { pod, node: `node-${i % 7}`, slots: 4, startedAt: Date.now(), done: i * 1000, failed: i };
        await t.redis.hset(t.k.workers, `session${i}`, `${Date.now()} ${JSON.stringify(row)}`);
        await t.redis.zadd(t.k.alive, Date.now() + 600_000, `session${i}`);
      }
      const { page, bad } = await open((await serve()).address, { width, height: 800 });
      await shows(page, "workers", "200");
      await t.until(async () => (await page.$$("#workers tbody tr")).length === 200);
      const wide = await page.evaluate<string[]>(`[...document.querySelectorAll("body *")]
        .filter((one) => !one.closest(".wide, canvas, select, dialog:not([open])") && one.getClientRects().length > 0)
        .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 || one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline" && !one.closest(".chart"))
        .map((one) => one.tagName + "#" + one.id)`);
      assert.deepEqual(wide, []);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), width);
      assert.deepEqual(bad, []);
      hold.open();
    });

  describe("refuses", () => {
    /** A request that anybody may send. @returns Status and text of the answer. */
    async function ask(origin: string, path: string, headers: Record<string, string> = {}, method = "GET", body = "") {
      const { hostname, port } = new URL(origin);
      const sent = request({ hostname, port, path, method, headers });
      sent.end(body);
      const [answer] = (await once(sent, "response")) as [IncomingMessage];
      let text = "";
      for await (const chunk of answer as AsyncIterable<Buffer>) text += chunk.toString();
      return { status: answer.statusCode, text, headers: answer.headers };
    }
    const json = { "content-type": "application/json" };

    it("requests without the token, under other host names, from other pages, and changes by GET", async () => {
      await seed(names(2));
      const { origin, path, token } = await serve();
      const { port } = new URL(origin);
      const cookie = `wq=${token}`;
      const good = await ask(origin, `${path}?token=${token}`);
      assert.equal(good.status, 200);
      assert.equal(good.headers["set-cookie"]?.[0], `${cookie}; Path=${path}; HttpOnly; SameSite=Strict`);
      assert.match(
        String(good.headers["content-security-policy"]),
        /^default-src 'none'; script-src 'self'; style-src 'self';/,
      );
      assert.ok(!good.text.includes("<script>") && !/https?:/.test(good.text), "nothing inline, nothing foreign");
      const pause = `${path}api/batches/job2/pause`;
      const own = { ...json, cookie, origin };
      const refused: [why: string, status: number, answer: Awaited<ReturnType<typeof ask>>][] = [
        ["no token", 401, await ask(origin, path)],
        ["no path", 401, await ask(origin, "/")],
        ["a token below no path", 404, await ask(origin, `/api/batches?token=${token}`)],
        ["a wrong token", 401, await ask(origin, `${path}?token=${token.slice(1)}x`)],
        ["a wrong cookie", 401, await ask(origin, `${path}api/batches`, { cookie: "wq=x" })],
        ["no token for events", 401, await ask(origin, `${path}api/batches/job2/events`)],
        ...(await Promise.all(
          ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhost.", "[::1]", "0.0.0.0"].map(
            async (name): Promise<[string, number, Awaited<ReturnType<typeof ask>>]> => [
              `the host ${name}`,
              403,
              await ask(origin, `${path}?token=${token}`, { host: `${name}:${port}` }),
            ],
          ),
        )),
        ["another port's page", 403, await ask(origin, pause, { ...own, origin: "http://127.0.0.1:1" }, "POST", "{}")],
        ["a change by GET", 404, await ask(origin, pause, { cookie })],
        [
          "another page's change",
          403,
          await ask(origin, pause, { ...own, origin: "http://evil.example" }, "POST", "{}"),
        ],
        ["a change of no page", 403, await ask(origin, pause, { ...json, cookie }, "POST", "{}")],
        ["a form", 415, await ask(origin, pause, { ...own, "content-type": "text/plain" }, "POST", "{}")],
        ["a change without a token", 401, await ask(origin, pause, { ...json, origin }, "POST", "{}")],
      ];
      for (const [why, status, answer] of refused) assert.equal(answer.status, status, `${why}: ${answer.text}`);
      assert.equal((await t.admin.counts()).state, "open");
      const { status, text } = await ask(origin, pause, own, "POST", "{}");
      assert.deepEqual(
        [status, JSON.parse(text)],
        [200, { message: "Paused: what is in flight finishes, nothing new starts." }],
      );
      assert.equal((await t.admin.counts()).state, "paused");
    });

    it("to show its cookie to a server on another port of this machine", async () => {
      await seed(names(2));
      const { address, token } = await serve();
      const { page } = await open(address);
      const heard: string[] = [];
      const other = createServer(({ headers }, response) => {
        heard.push(headers.cookie ?? "");
        response.end("<!doctype html><title>other</title>");
      }).listen(0, "127.0.0.1");
      await once(other, "listening");
      // For a browser, both pages are of one site: only their ports differ.
      await page.goto(`http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
      await page.evaluate("fetch('/more').then((answer) => answer.text())");
      other.close();
      assert.ok(heard.length >= 2);
      assert.ok(!heard.join().includes(token), heard.join());
    });

    it("to show its token in the arguments of the browser's process", async () => {
      await seed(names(2));
      const home = mkdtempSync(join(tmpdir(), "wq-ui-home-"));
      const [browser, note] = [join(home, "browser.sh"), join(home, "note")];
      writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" > ${note}.part && mv ${note}.part ${note}\n`, { mode: 0o755 });
      const { child, address, token } = await serve([], { HOME: home, BROWSER: browser, DISPLAY: undefined });
      await t.until(() => existsSync(note));
      const opened = readFileSync(note, "utf8").replace(/^file:\/\//, "");
      assert.ok(!opened.includes(token), opened);
      assert.equal(statSync(opened).mode & 0o777, 0o600);
      const { page, bad } = await open(`file://${opened}`);
      assert.equal(page.url(), address.replace(/\?.*/, ""));
      await page.reload();
      await page.waitForSelector("html[data-ready]");
      assert.deepEqual(
        bad.filter((url) => !url.startsWith("file://")),
        [],
      );
      child.kill("SIGINT");
      await once(child, "close");
      assert.ok(!existsSync(opened));
      rmSync(home, { recursive: true });
    });

    it("changes that cannot be made, in one line", async () => {
      await seed(names(2));
      const { origin, path, token } = await serve();
      const own = { ...json, cookie: `wq=${token}`, origin };
      const post = async (batch: string, body: object) => {
        const { status, text } = await ask(origin, `${path}api/batches/${batch}`, own, "POST", JSON.stringify(body));
        return [status, text];
      };
      assert.deepEqual(await post("job2/scale", { pods: 3 }), [
        409,
        "only the workers of a stack can be scaled from here\n",
      ]);
      assert.deepEqual(await post("job2/retry", {}), [409, "none of these items is failed any more\n"]);
      assert.deepEqual(await post("nosuch/pause", {}), [409, "this Redis has no batch nosuch\n"]);
    });
  });
});
