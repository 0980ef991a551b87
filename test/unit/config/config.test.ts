import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import { type BatchItems, itemsOf as batchItems } from "../../../components/batch/items.ts";
import { exposed, isForNobody, readConfig, type Source } from "../../../loadConfig.ts";
import { redisUrl } from "../../../config/parse.ts";
import { plainValues } from "../../../config/plainValues.ts";

type Values = Record<string, unknown>;

/** Settings as Pulumi gives them: texts; lists and maps as JSON. */
function source(values: Values, secrets: string[] = []): Source {
  const get = (key: string) => {
    const value = values[key];
    return value === undefined || typeof value === "string" ? value : JSON.stringify(value);
  };
  const secret = (key: string) => (get(key) === undefined ? undefined : pulumi.secret(get(key)!));
  const isSecret = (key: string) => secrets.includes(key);
  return { stack: "dev", names: () => Object.keys(values), get, getSecret: secret, isSecret };
}

const enough = { imageName: "ghcr.io/you/job-wq-2" };
const read = (values: Values) => readConfig(source({ ...enough, ...values }));
const itemsOf = (values: Values) =>
  batchItems("Batch b", read(values).batch, undefined) as Extract<BatchItems, { kind: "file" }>;

describe("config", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-config-"));
  const file = (name: string, content: string) => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  after(() => rmSync(dir, { recursive: true }));

  it("refuses names and labels that Kubernetes would refuse later", () => {
    const what = "at most 63 letters, digits, dashes, dots and underscores";
    const table: [settings: Record<string, unknown>, message: string][] = [
      [
        { labels: { team: "data science" } },
        `Expected \`labels.team\` to be a label's value, ${what}, got "data science".`,
      ],
      [
        { labels: { "my team": "x" } },
        `Expected \`labels\` to be a map of labels, by names of ${what}, got "my team".`,
      ],
      [
        { env: { "A B": "x" } },
        'Expected `env` to be a map of variables, by names of letters, digits, `_`, `-` and `.`, got "A B".',
      ],
      [
        { env: { PATH: "/opt/venv/bin:$PATH" } },
        "Expected `env.PATH` to be the whole value, since $PATH is not replaced in it.",
      ],
      [
        { secretEnv: { LIB: "/x:${LIB}" } },
        "Expected `secretEnv.LIB` to be the whole value, since $LIB is not replaced in it.",
      ],
      [
        { secretEnv: { "a/b": "x" } },
        "Expected `secretEnv` to be a map of variables, by names of letters, digits, `_`, `-` and `.`, got something else.",
      ],
    ];
    for (const [settings, message] of table) assert.throws(() => read(settings), { message });
    read({
      labels: { "acme.com/team": "a.b_c-1", empty: "" },
      nodeSelector: { "kubernetes.io/os": "linux" },
      env: { "a-b.c": "x" },
    });
  });

  it("passes the settings that are set to the components, and leaves others to their defaults", () => {
    assert.deepEqual(readConfig(source({ ...enough, parallelism: "3", redisMemory: "1Gi" })), {
      redis: { name: "redis", createNamespace: false, memory: "1Gi" },
      image: { ...enough, handler: "worker/handler.ts" },
      batch: { name: "job-wq-2", queue: "job2", parallelism: "3" },
    });
  });

  it("derives every name in the namespace from `name`; by default these are the page's names", () => {
    const { redis, batch } = read({ name: "thumbs" });
    assert.deepEqual([redis.name, batch.name], ["thumbs-redis", "thumbs"]);
  });

  it("uses the Redis of another stack, in a queue named after this one", () => {
    const { redis, batch } = read({ redisFrom: "store" });
    assert.deepEqual([redis.from, batch.queue], ["store", "dev"]);
    assert.equal(read({ redisFrom: "store", queue: "q" }).batch.queue, "q");
  });

  it("keeps secrets secret", async () => {
    const { redis, image, batch } = readConfig(
      source({
        ...enough,
        redisUrl: "redis://u:p@h",
        registryUsername: "u",
        registryPassword: "p",
        secretEnv: { A: "1" },
      }),
    );
    for (const value of [redis.url, image.registryPassword, batch.secretEnv])
      assert.ok(await pulumi.isSecret(value as never));
  });

  it("never repeats a bad secret", () => {
    const wrong = { secretEnv: "TOKEN=hunter2", notify: "hunter2", redisUrl: "hunter2" };
    for (const [key, value] of Object.entries(wrong))
      assert.throws(() => read({ [key]: value }), {
        message: new RegExp(`^Expected \`${key}\` to be a [^]*, got something else\\.$`),
      });
    assert.throws(() => read({ secretEnv: ["TOKEN=hunter2"] }), { message: /to be a map, got something else\.$/ });
  });

  it("refuses a secret value for a setting that the cluster shows", () => {
    for (const [key, value] of Object.entries({
      env: { TOKEN: "x" },
      items: ["a"],
      pod: {},
      command: ["a"],
      namespace: "n",
    }))
      assert.throws(() => readConfig(source({ ...enough, [key]: value }, [key])), {
        message: `Expected \`${key}\` to be set without \`--secret\`, since it is readable in the cluster and in Pulumi's state; secret variables belong in \`secretEnv\`.`,
      });
  });

  it("notices an image of the user that runs the shipped handler", () => {
    const baseImage = "me/thumbs:1";
    assert.ok(isForNobody(source({ baseImage })));
    for (const values of [{}, { baseImage, command: ["a"] }, { baseImage, handler: "a.ts" }])
      assert.ok(!isForNobody(source(values)));
  });

  it("notices secrets that are not encrypted", () => {
    const values = { notify: "https://h", redisUrl: "redis://u:p@h", secretEnv: { A: "1" }, registryPassword: "p" };
    assert.deepEqual(exposed(source(values)).sort(), Object.keys(values).sort());
    assert.deepEqual(exposed(source(values, Object.keys(values))), []);
    assert.deepEqual(exposed(source({ redisUrl: "redis://h:6379" })), []);
  });

  it("refuses a value that YAML takes for a number or a date and changes", () => {
    const path = file(
      "Pulumi.dev.yaml",
      "config:\n  p:items: [01234, 'x', 12, \"1.10\", yes]\n  p:env: {ZIP: 01234, A: b}\n",
    );
    const written = (key: string) => plainValues(path, `p:${key}`);
    const refusal = (values: Values, message: string) =>
      assert.throws(() => readConfig({ ...source({ ...enough, ...values }), plainValues: written }), { message });
    const items = 'Expected `items[0]` to be a text, but YAML reads 01234 as 668: quote it, "01234".';
    refusal({ items: [668, "x", 12, "1.10", "yes"] }, items);
    refusal({ env: { ZIP: 668, A: "b" } }, items.replace("items[0]", "env.ZIP"));
    // The values come from another file, by `--config-file`.
    for (const other of [["01234", "x", 12, "1.10", "yes"], ["fig"], [7]])
      readConfig({ ...source({ ...enough, items: other }), plainValues: written });
    assert.equal(plainValues(join(dir, "nowhere.yaml"), "p:items").size, 0);
    const short = file("Pulumi.short.yaml", "config:\n  items: [01234]\n");
    assert.deepEqual([...plainValues(short, "p:items")], [["0", { written: "01234", value: 668 }]]);
  });

  it("accepts the key of a Redis as it is copied from a portal", () => {
    const cases = [
      ["rediss://:aB/c+d#e=@x.redis.cache.windows.net:6380", ":aB%2Fc+d%23e=@"],
      ["rediss://me:p@ss:w%rd?@h:1", "me:p%40ss%3Aw%25rd%3F@"],
      ["rediss://me:p%40ss@h:1", "me:p%40ss@"],
    ] as const;
    for (const [url, login] of cases) {
      const encoded = redisUrl("redisUrl", url);
      assert.ok(encoded.includes(`//${login}`), encoded);
      assert.ok(URL.canParse(encoded));
      assert.equal(redisUrl("redisUrl", encoded), encoded, "and twice does no harm");
    }
    assert.equal(redisUrl("redisUrl", "redis://h:6379"), "redis://h:6379");
  });

  it("takes items as texts, also numbers and flags", () => {
    const items = itemsOf({ items: ["a b", 7, true, "two\nlines"] });
    assert.equal(items.format, "strings");
    assert.equal(
      gunzipSync(Buffer.from(items.base64 as string, "base64")).toString(),
      '"a b"\n"7"\n"true"\n"two\\nlines"',
    );
  });

  it("tells the kind of an items file by its name", () => {
    const kinds = [file("a.txt", "x\ny\n"), file("a.ndjson", '{"a":1}\n')].map((itemsFile) => {
      return itemsOf({ itemsFile }).format;
    });
    assert.deepEqual(kinds, ["text", "ndjson"]);
  });

  it("gives the same list the same digest, and another list another", () => {
    const digest = (items: unknown[]) => itemsOf({ items }).digest;
    assert.equal(digest(["a", "b"]), digest(["a", "b"]));
    assert.notEqual(digest(["a", "b"]), digest(["b", "a"]));
  });

  it("sends a list that does not fit into a ConfigMap in an image", () => {
    const noise = Array.from({ length: 40_000 }, (_, i) => `${(i * 2654435761) % 2 ** 32} ${Math.sin(i)}`);
    assert.equal(itemsOf({ itemsFile: file("big.txt", noise.join("\n")) }).inline, false);
  });

  it("chooses the default image by the handler: Pulumi.yaml has no default that would prevent that", () => {
    const project = readFileSync(join(import.meta.dirname, "../../../Pulumi.yaml"), "utf8");
    assert.doesNotMatch(project, /^ +baseImage:/m);
    assert.equal(read({ handler: "work.py" }).image.baseImage, undefined);
  });

  it("accepts any image name that Docker accepts", () => {
    const named = ["docker.io/you/x", "localhost:5000/x:1.2", "127.0.0.1:5000/a/b_c", "reg.example.com/x-y.z/q:T_1"];
    for (const imageName of named) assert.equal(read({ imageName }).image.imageName, imageName);
    assert.equal(read({ imageName: "job-wq-2", push: "false" }).image.imageName, "job-wq-2");
  });

  const long = "x".repeat(2 ** 20 + 1);
  const refused: [title: string, values: Values, message: string | RegExp][] = [
    ["no items", { items: [] }, "Expected `items` to be a list with at least one item, got []."],
    ["one text as items", { items: '"apple"' }, 'Expected `items` to be a list of texts, got "apple".'],
    [
      "items that are no list",
      { items: "apple," },
      'Expected `items` to be a list in the stack file, like ["a", "b"], got "apple,".',
    ],
    [
      "a text where a map is wanted",
      { nodeSelector: "gpu" },
      'Expected `nodeSelector` to be a map in the stack file, got "gpu".',
    ],
    [
      "a command in one word",
      { command: ["sh -c ls"] },
      'Expected `command` to be a list with an entry for each word, like ["python3", "process.py"], got ["sh -c ls"].',
    ],
    [
      "variables before a command",
      { command: ["A=1", "python3"] },
      'Expected `command` to be a list that begins with a program, since variables belong into `env`, got ["A=1","python3"].',
    ],
    [
      "a `finish` in one word",
      { finish: ["jq -s ."] },
      'Expected `finish` to be a list with an entry for each word, like ["python3", "process.py"], got ["jq -s ."].',
    ],
    [
      "a `finish` that needs a shell",
      { finish: ["jq", "-s", ".", ">", "all.json"] },
      'Expected `finish` to have no ">", since no shell reads it: write ["sh", "-c", "…"].',
    ],
    [
      "settings below the project's name",
      { "job-wq-2": { parallelism: 3 } },
      "There is no setting `job-wq-2`: in the stack file, each is a key of its own, like `job-wq-2:parallelism`.",
    ],
    [
      "an entry of a map as a key",
      { "env.MODE": "fast" },
      "`env.MODE` was set without `--path`: `pulumi config rm env.MODE`, then `pulumi config set --path 'env.MODE' …`.",
    ],
    [
      "a secret entry of a map as a key",
      { "secretEnv.TOKEN": "x" },
      "`secretEnv.TOKEN` was set without `--path`: `pulumi config rm secretEnv.TOKEN`, then `pulumi config set --secret --path 'secretEnv.TOKEN' …`.",
    ],
    [
      "memory without a unit",
      { resources: { limits: { memory: 512 } } },
      "Expected `resources.limits.memory` to be a quantity with its unit, like 512Mi, got 512.",
    ],
    [
      "memory in thousandths of a byte",
      { resources: { requests: { memory: "512m" } } },
      'Expected `resources.requests.memory` to be a quantity with its unit, like 512Mi, got "512m".',
    ],
    [
      "a claim without a path",
      { claims: { films: "films" } },
      'Expected `claims.films` to be a path in the pod from its root, like /films, got "films".',
    ],
    [
      "an object in the list",
      { items: ["a", { b: 1 }] },
      /^Expected `items\[1\]` to be a text \(for JSON use itemsFile/,
    ],
    ["an item over 1 MiB", { items: [long] }, /^Expected items\[0\] to be at most 1 MiB/],
    [
      "a line over 1 MiB",
      { itemsFile: file("long.txt", `a\n${long}\n`) },
      /^Expected line 2 of .* to be at most 1 MiB/,
    ],
    [
      "two sources",
      { items: ["a"], itemsRange: "1..2" },
      "Expected at most one of `items`, `itemsFile` and `itemsRange`, got items and itemsRange.",
    ],
    [
      "a file that is not there",
      { itemsFile: "nowhere.txt" },
      `Expected \`itemsFile\` to be the path of a readable file, seen from the project (there is no ${resolve("nowhere.txt")}), got "nowhere.txt".`,
    ],
    ["a folder as file", { itemsFile: dir }, /^Expected `itemsFile` to be .* \(it is a folder: .*\), got/],
    [
      "an empty file",
      { itemsFile: file("empty", "\n\r\n\n") },
      /^Expected `itemsFile` to be a file with at least one item/,
    ],
    [
      "a line that is no JSON",
      { itemsFile: file("b.ndjson", "1\n{\n") },
      /^Expected line 2 of .*b.ndjson to be JSON, got {$/,
    ],
    [
      "a range backwards",
      { itemsRange: "9..1" },
      'Expected `itemsRange` to be two whole numbers, the smaller first, like 1..1000, got "9..1".',
    ],
    ["parallelism 0", { parallelism: "0" }, /^Expected `parallelism` to be .*, got "0"\.$/],
    ...["1.5", "two", "1-10", "9..1"].map((parallelism): (typeof refused)[number] => [
      `parallelism ${parallelism}`,
      { parallelism },
      `Expected \`parallelism\` to be an integer from 1 up, or a range like 2..100, got "${parallelism}".`,
    ]),
    ["a flag that is none", { wait: "no" }, 'Expected `wait` to be true or false, got "no".'],
    ["a word that is none", { logFormat: "xml" }, 'Expected `logFormat` to be one of text, json, got "xml".'],
    [
      "a bad duration",
      { itemTimeout: "soon" },
      'Expected `itemTimeout` to be a duration from 1s up, like 500ms, 10s, 5m, 2h or 1d, got "soon".',
    ],
    [
      "a backoff backwards",
      { backoff: "5m..1s" },
      'Expected `backoff` to be two durations, the shorter first, like 1s..5m, got "5m..1s".',
    ],
    [
      "a bad quantity",
      { redisMemory: "lots" },
      'Expected `redisMemory` to be a quantity of bytes from 32Mi up, like 256Mi or 1Gi, got "lots".',
    ],
    [
      "a bad image name",
      { imageName: "ghcr.io/You/Job" },
      'Expected `imageName` to be an image\'s name like ghcr.io/you/job-wq-2 or redis:8, in lower case, got "ghcr.io/You/Job".',
    ],
    [
      "a name without its registry, to be pushed",
      { imageName: "you/job-wq-2" },
      'Expected `imageName` to be a name that begins with its registry, like docker.io/you/job-wq-2, to be pushed, got "you/job-wq-2".',
    ],
    ["both kinds of image", { image: "x" }, "Expected one of `imageName` and `image`, got both."],
    [
      "a username alone",
      { registryUsername: "me" },
      "Expected both `registryUsername` and `registryPassword` or neither, got `registryUsername` without `registryPassword`.",
    ],
    [
      "a password alone",
      { registryPassword: "hush" },
      "Expected both `registryUsername` and `registryPassword` or neither, got `registryPassword` without `registryUsername`.",
    ],
    [
      "a bad namespace",
      { namespace: "My_Space" },
      'Expected `namespace` to be lower-case letters, digits and dashes, at most 63 of them, got "My_Space".',
    ],
    ["a queue with braces", { queue: "{a}" }, /^Expected `queue` to be at most 100 letters, .* got "{a}"\.$/],
    ["a command as text", { command: '"ls -l"' }, /^Expected `command` to be a list of texts like .*, got "ls -l"\.$/],
    [
      "another platform",
      { platform: "windows" },
      'Expected `platform` to be linux/amd64 or linux/arm64, got "windows".',
    ],
    [
      "a URL that is none, whose password is not repeated",
      { redisUrl: "http://u:hush@h" },
      "Expected `redisUrl` to be a URL like rediss://user:password@host:6380, got something else.",
    ],
    [
      "storage for another's Redis",
      { redisUrl: "redis://h", redisStorage: "1Gi" },
      /^Expected at most one of `redisUrl` and/,
    ],
    [
      "a storage for another stack's Redis",
      { redisFrom: "store", redisStorage: "1Gi" },
      "Expected at most one of `redisFrom`, `redisUrl` and `redisStorage`: another stack's Redis has its own storage.",
    ],
    [
      "a certificate without a Redis of one's own",
      { redisCa: "-----BEGIN CERTIFICATE-----" },
      "Expected `redisUrl` with `redisCa`: only a Redis of your own has a certificate.",
    ],
    ["an unknown key", { paralelism: "3" }, "There is no setting `paralelism`; did you mean `parallelism`?"],
  ];
  for (const [title, values, message] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => itemsOf(values), { name: "ConfigError", message });
      const told = (() => {
        try {
          return void itemsOf(values);
        } catch (error) {
          return (error as Error).message;
        }
      })();
      assert.doesNotMatch(told!, /\n|hush/);
    });
  }
});
