/** A resource in the text of `pulumi stack export --show-secrets`. */
export interface StateResource {
  urn: string;
  type: string;
  id?: string;
  parent?: string;
  /** `urn::id` of its provider. */
  provider?: string;
  /** Marked for deletion: an earlier form of a resource that was replaced. */
  delete?: boolean;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** The resources of a stack, its secrets as plain values. */
export interface StackState {
  /** The stack's name; undefined while it is empty. */
  stack: string | undefined;
  resources: StateResource[];
  /** Resources whose creation was cut off. They may exist. */
  pending: StateResource[];
}

/** The parts of the text that are read. */
interface Deployment {
  resources?: StateResource[];
  pending_operations?: { type: string; resource: StateResource }[];
}

/** Key and value that mark a secret in the state. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

/** A value of the state, with the secrets in it as plain values. */
function reveal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reveal);
  if (typeof value !== "object" || value === null) return value;
  const object = value as Record<string, unknown>;
  if (object[SIGNATURE] === SECRET) {
    const { plaintext } = object;
    return typeof plaintext === "string" ? reveal(JSON.parse(plaintext)) : undefined;
  }
  return Object.fromEntries(Object.entries(object).map(([key, inner]) => [key, reveal(inner)]));
}

/** Reads the text of `pulumi stack export --show-secrets`. */
export function parseStackExport(text: string): StackState {
  const { deployment = {} } = JSON.parse(text) as { deployment?: Deployment };
  const resources = (deployment.resources ?? []).filter((resource) => !resource.delete);
  const operations = deployment.pending_operations ?? [];
  const pending = operations.filter(({ type }) => type === "creating").map(({ resource }) => resource);
  const revealed = resources.map((resource) => ({
    ...resource,
    inputs: reveal(resource.inputs) as Record<string, unknown> | undefined,
    outputs: reveal(resource.outputs) as Record<string, unknown> | undefined,
  }));
  // urn:pulumi:STACK::PROJECT::TYPE::NAME
  const stack = revealed[0]?.urn.split("::")[0]?.split(":")[2];
  return { stack, resources: revealed, pending };
}
