// Downloads, from a mirror on loopback that serves what the publishers would.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import { checksumOf, releases } from "../../../../local/host/releases.ts";

const script = `
import { download, isReachable, releases } from "${join(import.meta.dirname, "../../../../local/host/releases.ts")}";
const [part, dir] = process.argv.slice(2);
try {
  console.log(await download(part, dir));
} catch (error) {
  console.log(error.name + ": " + error.message);
}
`;

describe("releases", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-releases-"));
  const program = join(dir, "download.ts");
  writeFileSync(program, script);
  /** Contents by their paths on the mirror. */
  const served = new Map<string, Buffer>();
  const redirects = new Map<string, string>();
  let mirror: Server;
  let address: string;
  let number = 0;

  before(async () => {
    mirror = createHttpServer((request, response) => {
      const location = redirects.get(request.url!);
      if (location) {
        response.writeHead(302, { location }).end();
        return;
      }
      const body = served.get(request.url!);
      response.setHeader("connection", "close");
      response.writeHead(body ? 200 : 404).end(request.method === "HEAD" ? undefined : body);
    }).listen(0, "127.0.0.1");
    await once(mirror, "listening");
    address = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  });
  after(() => {
    mirror.close();
    rmSync(dir, { recursive: true });
  });
  beforeEach(() => {
    served.clear();
    redirects.clear();
    pins = [];
  });

  const pathOf = (url: string) => `/${url.replace("https://", "")}`;
  const sum = (data: Buffer) => createHash("sha256").update(data).digest("hex");
  /** Lines of local/releases.sha256. */
  let pins: string[] = [];
  /** Serves a file; `pin`: its SHA-256 in the checkout, by default the right one. */
  function serve(url: string, data: Buffer, pin: string | undefined = sum(data), at = url): void {
    served.set(pathOf(at), data);
    // The mirror's own checksum, which must not count.
    for (const { checksums } of Object.values(releases).flat()) served.set(pathOf(checksums), Buffer.from(sum(data)));
    if (pin) pins.push(`${pin}  ${url}`);
  }
  /** Downloads in a process of its own, since a process remembers which hosts can be reached. */
  async function download(part: string, releasesFrom = address) {
    const target = join(dir, String(++number));
    await execa("mkdir", [target]);
    const JOB_WQ_2_PINS = join(dir, "releases.sha256");
    writeFileSync(JOB_WQ_2_PINS, pins.join("\n"));
    const env = { JOB_WQ_2_RELEASES: releasesFrom, JOB_WQ_2_PINS, XDG_STATE_HOME: dir };
    const { stdout } = await execa(process.execPath, [program, part, target], { env });
    return { said: stdout, target };
  }

  it("are taken if their checksums are right, and can be run", async () => {
    for (const { url } of releases.kubernetes!) serve(url, Buffer.from(`#!/bin/sh\necho ${basename(url)}\n`));
    const { said, target } = await download("kubernetes");
    assert.equal(said, "true");
    assert.equal(readdirSync(target).length, 5);
    assert.equal((await execa(join(target, "kubelet"))).stdout, "kubelet");
  });

  it("follow redirects, and are whole also if the server closes the connection", async () => {
    const { url } = releases.kubectl![0]!;
    const data = randomBytes(8 * 1024 * 1024);
    serve(url, data, undefined, `${url}-moved`);
    redirects.set(pathOf(url), pathOf(`${url}-moved`));
    const { said, target } = await download("kubectl");
    assert.equal(said, "true");
    assert.ok(readFileSync(join(target, "kubectl")).equals(data));
  });

  it("are unpacked", async () => {
    const { url } = releases.pulumi![0]!;
    await execa("mkdir", [join(dir, "pulumi")]);
    for (const name of ["pulumi", "pulumi-language-nodejs"]) {
      writeFileSync(join(dir, "pulumi", name), "#!/bin/sh\n", { mode: 0o755 });
    }
    const archive = join(dir, "archive.tar.gz");
    await execa("tar", ["-C", dir, "-czf", archive, "pulumi"]);
    serve(url, readFileSync(archive));
    const { said, target } = await download("pulumi");
    assert.equal(said, "true");
    assert.deepEqual(readdirSync(target).sort(), ["pulumi", "pulumi-language-nodejs"]);
    assert.equal(statSync(join(target, "pulumi")).mode & 0o777, 0o755);
  });

  it("are refused if the checksum differs, whatever the mirror says, and nothing of them stays", async () => {
    serve(releases.kubectl![0]!.url, Buffer.from("tampered with"), sum(Buffer.from("as published")));
    const { said, target } = await download("kubectl");
    assert.match(
      said,
      /^UserError: https:\/\/dl\.k8s\.io\/\S+\/kubectl has the SHA-256 [0-9a-f]{64}, but local\/releases\.sha256 says/,
    );
    assert.deepEqual(readdirSync(target), []);
  });

  it("are refused from a mirror if the checkout has no checksum for them", async () => {
    serve(releases.kubectl![0]!.url, Buffer.from("x"), "");
    assert.match(
      (await download("kubectl")).said,
      /^UserError: JOB_WQ_2_RELEASES has \S+, and local\/releases\.sha256 has no/,
    );
  });

  it("are built instead if the host lacks them, refuses, or is `none`", async () => {
    for (const from of [address, "http://127.0.0.1:1", "none"]) {
      const { said, target } = await download("kubernetes", from);
      assert.equal(said, "false");
      assert.ok(existsSync(target) && readdirSync(target).length === 0);
    }
  });

  it("are built instead if no host answers; all hosts are asked at once", async () => {
    let [now, most] = [0, 0];
    const silent = createServer((socket) => {
      most = Math.max(most, ++now);
      socket.on("error", () => {}).on("close", () => now--);
    }).listen(0, "127.0.0.1");
    await once(silent, "listening");
    try {
      const from = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const { said } = await download("kubernetes", from);
      assert.equal(said, "false");
      assert.ok(most > 1, `${most} at once`);
    } finally {
      silent.close();
    }
  });
});

describe("a published checksum", () => {
  const hash = "a".repeat(64);
  it("is the only word of its file, or the hash of the line with the file's name", () => {
    assert.equal(checksumOf("kubelet", `${hash}\n`), hash);
    assert.equal(checksumOf("a.tgz", `${"b".repeat(64)}  b.tgz\n${hash} *dist/a.tgz\n`), hash);
    assert.equal(checksumOf("a.tgz", `${hash}  b.tgz\n`), undefined);
    assert.equal(checksumOf("a.tgz", "<html>not found</html>"), undefined);
  });
});
