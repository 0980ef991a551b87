import assert from "node:assert/strict";
import { foreseen } from "../../../../cli/stack/predictedOutputs.ts";
import { findStack } from "../../../../cli/stack/stack.ts";

const config = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [key, { value }]));

const outputs: [what: string, config: Record<string, string>, outputs: object][] = [
  [
    "the defaults",
    {},
    {
      ...{ namespace: "default", queue: "job2", workerJob: "job-wq-2", redisPod: "redis-master" },
      redisSecret: "redis",
    },
  ],
  [
    "names, a context and a kubeconfig",
    {
      ...{ "job-wq-2:namespace": "batch", "job-wq-2:queue": "fruit" },
      ...{ "kubernetes:context": "prod", "kubernetes:kubeconfig": "/k" },
    },
    {
      ...{ namespace: "batch", queue: "fruit", workerJob: "job-wq-2", redisPod: "redis-master", redisSecret: "redis" },
      ...{ kubeContext: "prod", kubeconfig: "/k" },
    },
  ],
  [
    "a Redis on a volume, without a password, without workers",
    { "job-wq-2:redisStorage": "1Gi", "job-wq-2:redisAuth": "false", "job-wq-2:workers": "false" },
    { namespace: "default", queue: "job2", redisPod: "redis-master-0" },
  ],
  [
    "a managed Redis",
    { "job-wq-2:redisUrl": "rediss://there" },
    { namespace: "default", queue: "job2", workerJob: "job-wq-2", redisUrl: "rediss://there" },
  ],
];

describe("what a stack's first `up` will export", () => {
  for (const [what, given, wanted] of outputs) it(what, () => assert.deepEqual(foreseen(config(given)), wanted));
});

describe("which stack", () => {
  it("the one that is named, and the one the environment chose", () => {
    assert.deepEqual(findStack("prod", {}), { stack: "prod", env: {} });
    assert.deepEqual(findStack(undefined, { PULUMI_STACK: "prod" }), { stack: "prod", env: {} });
    assert.deepEqual(findStack(undefined, { PULUMI_BACKEND_URL: "file://there" }), { env: {} });
  });
});
