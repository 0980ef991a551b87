// Fields that Pod Security `restricted` demands of a pod.
import type * as k8s from "@pulumi/kubernetes";
import type { Known } from "./types.ts";

/** Security context of the pod. @param user Numeric, since images that name their user are refused. */
export function podSecurity(user: Known<number>): k8s.types.input.core.v1.PodSecurityContext {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    runAsGroup: user,
    fsGroup: user,
    seccompProfile: { type: "RuntimeDefault" },
  };
}

/** Security context of a container. */
export const containerSecurity: k8s.types.input.core.v1.SecurityContext = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
};
