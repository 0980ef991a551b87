// Which level of the Pod Security Standards a pod needs (https://kubernetes.io/docs/concepts/security/pod-security-standards/).
type Tree = Record<string, unknown>;

/** The levels, the strictest first. */
export const LEVELS = ["restricted", "baseline", "privileged"] as const;
export type Level = (typeof LEVELS)[number];

const list = (value: unknown) => (Array.isArray(value) ? (value as Tree[]) : []);
const tree = (value: unknown) => (value ?? {}) as Tree;

const BASELINE_CAPABILITIES = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT".split(
    " ",
  ),
);
const RESTRICTED_VOLUMES = new Set([
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
]);

/** The strictest level that admits a pod. */
export function podSecurityLevel(spec: unknown): Level {
  const pod = tree(spec);
  const containers = [...list(pod.initContainers), ...list(pod.containers)];
  if (needsPrivileged(pod, containers)) return "privileged";
  const isRestricted = containers.every((container) => isRestrictedContainer(container, tree(pod.securityContext)));
  const hasOtherVolumes = list(pod.volumes).some((volume) =>
    Object.keys(volume).some((kind) => kind !== "name" && !RESTRICTED_VOLUMES.has(kind)),
  );
  return isRestricted && !hasOtherVolumes ? "restricted" : "baseline";
}

function needsPrivileged(pod: Tree, containers: Tree[]): boolean {
  if (pod.hostNetwork === true || pod.hostPID === true || pod.hostIPC === true) return true;
  if (list(pod.volumes).some((volume) => "hostPath" in volume)) return true;
  return containers.some(({ securityContext, ports }) => {
    const { privileged, capabilities, procMount } = tree(securityContext);
    const added = (tree(capabilities).add ?? []) as string[];
    const hasHostPort = list(ports).some(({ hostPort }) => hostPort !== undefined);
    return (
      privileged === true ||
      procMount === "Unmasked" ||
      hasHostPort ||
      added.some((name) => !BASELINE_CAPABILITIES.has(name))
    );
  });
}

function isRestrictedContainer({ securityContext }: Tree, pod: Tree): boolean {
  const own = tree(securityContext);
  const { add = [], drop = [] } = tree(own.capabilities) as Record<string, string[]>;
  const seccomp = tree(own.seccompProfile ?? pod.seccompProfile).type;
  return (
    own.allowPrivilegeEscalation === false &&
    (own.runAsNonRoot ?? pod.runAsNonRoot) === true &&
    (own.runAsUser ?? pod.runAsUser) !== 0 &&
    drop.includes("ALL") &&
    add.every((name) => name === "NET_BIND_SERVICE") &&
    (seccomp === "RuntimeDefault" || seccomp === "Localhost")
  );
}
