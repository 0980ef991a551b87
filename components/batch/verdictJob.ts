import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { envVars, type JobShared, makeJob } from "./job.ts";
import { names } from "../naming.ts";
import type { Made } from "../types.ts";

/** Arguments of {@link VerdictJob}. */
export interface VerdictJobArgs {
  shared: JobShared;
  /** Failed items do not fail it. */
  allowFailures: boolean;
  /** The Jobs before it: with each of them, it judges anew. */
  after: Made[];
}

/** It reads a few numbers. */
const DEADLINE = 5 * 60_000;

/** The last step: fails `up`, with one line, when an item failed for good or the batch was aborted. */
export class VerdictJob extends pulumi.ComponentResource {
  readonly job: k8s.batch.v1.Job;

  /**
   * @param name Name of the component; its child is named after it.
   * @param args What passes.
   * @param opts Options of the component.
   */
  constructor(name: string, args: VerdictJobArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workqueue:index:VerdictJob", name, {}, opts);
    this.job = makeJob(
      `${name}-job`,
      {
        name: names.verdict,
        part: "verdict",
        shared: args.shared,
        program: "verdict",
        deadline: DEADLINE,
        trigger: [args.allowFailures],
        after: args.after,
        annotations: { "pulumi.com/replaceUnready": "true" },
        spec: { backoffLimit: 0 },
        env: envVars({ WQ_ALLOW_FAILURES: String(args.allowFailures) }),
      },
      { parent: this, dependsOn: args.after },
    );
    this.registerOutputs({});
  }
}
