// Scaling by the supervisor, and its rights for that: to read one Job, and to change its number of pods.
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { batchSettings, RANGE_IDLE_AFTER } from "../../../config/settings.ts";
import { labels } from "../../labels.ts";
import type { Values } from "../../readArgs.ts";
import type { JobDefaults } from "./jobArgs.ts";

/** Bounds of the number of worker pods, and how long they are not needed before they go, ms. */
export interface Scale {
  min: number;
  max: number;
  idleAfter: number;
}

/** Scaling by the supervisor; undefined if it does not scale. */
export function scaleOf({
  parallelism: { min, max },
  idleAfter,
}: Pick<Values<typeof batchSettings>, "parallelism" | "idleAfter">): Scale | undefined {
  if (min !== max)
    return { min, max, idleAfter: idleAfter ?? batchSettings.idleAfter.parse("idleAfter", RANGE_IDLE_AFTER) };
  return idleAfter === undefined || max === 1 ? undefined : { min: 1, max, idleAfter };
}

/** An account, and what must be there before it is used. */
export interface ScaleRights {
  serviceAccountName: pulumi.Output<string>;
  ready: pulumi.Resource;
}

/** Creates a ServiceAccount that may `get` and `patch` the worker Job, and nothing else. */
export function makeScaleRights(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
): ScaleRights {
  const metadata = { name: names.supervisor, namespace, labels: labels(name, "supervisor", own) };
  const opts = { parent, deleteBeforeReplace: true };
  const account = new k8s.core.v1.ServiceAccount(resource, { metadata, automountServiceAccountToken: false }, opts);
  const role = new k8s.rbac.v1.Role(
    resource,
    {
      metadata,
      rules: [{ apiGroups: ["batch"], resources: ["jobs"], resourceNames: [names.workers], verbs: ["get", "patch"] }],
    },
    opts,
  );
  const ready = new k8s.rbac.v1.RoleBinding(
    resource,
    {
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
      subjects: [{ kind: "ServiceAccount", name: account.metadata.name, namespace }],
    },
    opts,
  );
  return { serviceAccountName: account.metadata.name, ready };
}
