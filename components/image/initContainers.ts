// The containers that run before the worker's own container if no image was built. One installs Python packages, one
// copies Node.js.
import { readFileSync } from "node:fs";
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { REQUIREMENTS } from "../../kube/podEnds.ts";
import { containerSecurity } from "../podSecurity.ts";
import type { Known } from "../types.ts";
import { COPY_NODE, NODE_DIR, PACKAGES_DIR } from "./layout.ts";
import { INSTALL } from "./python.ts";

/** The parts of a pod that code needs. */
export interface CodeParts {
  volumes: k8s.types.input.core.v1.Volume[];
  initContainers: k8s.types.input.core.v1.Container[];
  volumeMounts: k8s.types.input.core.v1.VolumeMount[];
  /** The working directory; undefined: that of the image. */
  workingDir: string | undefined;
}

/** Adds the container that installs the packages of `requirements.txt`, with a volume for them. */
export function installPackages(parts: CodeParts, image: pulumi.Input<string>): void {
  const packages = { name: "packages", mountPath: PACKAGES_DIR };
  parts.initContainers.push({
    name: REQUIREMENTS,
    image,
    command: ["sh", "-c", INSTALL],
    env: [{ name: "HOME", value: "/tmp" }],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "512Mi" } },
    securityContext: containerSecurity,
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }, ...parts.volumeMounts, packages],
  });
  parts.volumes.push({ name: "packages", emptyDir: {} });
  parts.volumeMounts.push({ ...packages, readOnly: true });
}

/** Adds the container that copies Node.js, before all others, with a volume for it. */
export function copyNode(parts: CodeParts, nodeImage: Known<string>): void {
  parts.initContainers.unshift({
    name: "node",
    image: nodeImage,
    command: ["sh", "-c", readFileSync(COPY_NODE, "utf8"), "copy-node.sh", NODE_DIR],
    resources: { requests: { cpu: "50m", memory: "32Mi" }, limits: { cpu: "500m", memory: "128Mi" } },
    securityContext: containerSecurity,
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: "node", mountPath: NODE_DIR }],
  });
  parts.volumes.push({ name: "node", emptyDir: {} });
  parts.volumeMounts.push({ name: "node", mountPath: NODE_DIR, readOnly: true });
}
