// The second step of a Batch: what all its Jobs share.
import * as pulumi from "@pulumi/pulumi";
import { makeCodeVolume } from "../image/codeVolume.ts";
import { makePullSecret } from "../image/pullSecret.ts";
import { labels } from "../labels.ts";
import { batchNames } from "../objectNames.ts";
import { accessFromElsewhere } from "../redis/redisAddress.ts";
import type { RedisAccess } from "../redis/reference.ts";
import type { JobDefaults } from "./jobs/jobArgs.ts";
import type { BatchPlan } from "./plan.ts";
import { makeNetworkPolicy } from "./pod/networkPolicy.ts";
import { nodeSelector } from "./pod/nodeSelector.ts";

/** The values for which no object is created. */
type Plain = Omit<JobDefaults, "redis" | "code" | "pullSecrets" | "ready">;

/** Creates what the Jobs share. */
export function makeJobDefaults(batch: pulumi.ComponentResource, plan: BatchPlan): JobDefaults {
  const { name, args, settings, jobName, queue, elsewhere, owner } = plan;
  const { redis, image } = args;
  const plain: Plain = {
    parent: batch,
    name: jobName,
    names: batchNames(jobName),
    namespace: elsewhere === undefined ? redis.namespace : pulumi.output(elsewhere),
    queue,
    owner: owner.name,
    image: image.image,
    runAsUser: settings.runAsUser,
    labels: args.labels,
    jobLabels: settings.kueueQueue ? { "kueue.x-k8s.io/queue-name": settings.kueueQueue } : {},
    nodeSelector: nodeSelector(image, settings.nodeSelector),
    tolerations: settings.tolerations,
    auxPod: settings.auxPod,
  };
  const login = makeLogin(plain, plan);
  const shared: JobDefaults = {
    ...plain,
    redis: accessTo(plain, plan),
    code: makeCode(plain, plan),
    pullSecrets: image.pullSecret === undefined ? login.names : [image.pullSecret],
    ready: login.ready,
  };
  return { ...shared, ready: [...shared.ready, makeNetworkPolicy(`${name}-policy`, shared, settings)] };
}

const metadataOf = ({ name, namespace, labels: own }: Plain, object: string) => ({
  name: object,
  namespace,
  labels: labels(name, "worker", own),
});

/** The way to Redis: by a Secret with its address, if that is in another namespace. */
function accessTo(plain: Plain, { name, args, elsewhere }: BatchPlan): RedisAccess {
  if (elsewhere === undefined) return args.redis.access;
  const metadata = metadataOf(plain, plain.names.redis);
  return accessFromElsewhere(`${name}-redis`, args.redis, metadata, { parent: plain.parent });
}

/** The code, if no image was built. */
function makeCode(plain: Plain, { name, args }: BatchPlan): JobDefaults["code"] {
  const { code, reference } = args.image.image;
  if (!code) return undefined;
  const metadata = metadataOf(plain, plain.names.code(code.digest));
  return makeCodeVolume(`${name}-code`, code, reference, metadata, { parent: plain.parent });
}

/** The Secret to pull with, if the image has a login and no Secret of its own. */
function makeLogin(plain: Plain, { name, args: { image } }: BatchPlan) {
  if (!image.login || image.pullSecret !== undefined) return { names: [], ready: [] };
  const metadata = metadataOf(plain, plain.names.login);
  const secret = makePullSecret(`${name}-registry`, metadata, image.login, { parent: plain.parent });
  return { names: [metadata.name], ready: [secret] };
}
