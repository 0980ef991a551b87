// Components with Pulumi's mocks: what they create, and with which options. End-to-end tests show what the providers
// make of that.
import * as pulumi from "@pulumi/pulumi";

/* eslint-disable @typescript-eslint/no-explicit-any -- what a mock is given has no type */
export interface Created {
  type: string;
  name: string;
  inputs: any;
  secrets: unknown[];
}

/** Resources that were created since {@link reset}. */
export let created: Created[] = [];
const options = new Map<string, any>();

export function reset(): void {
  created = [];
  options.clear();
}

/** Records the options of every resource, children included; to be given to the components. */
export const recorder = {
  transformations: [
    ({ name, opts }: pulumi.ResourceTransformationArgs) => {
      options.set(name, opts);
      return undefined;
    },
  ],
};

/** Values without the mark of a secret. */
function unwrapped(value: any): any {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (typeof value !== "object" || value === null) return value;
  if ("4dabf18193072939515e22adb298388d" in value) return unwrapped(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrapped(inner)]));
}

/** Values that are secret, at any depth. */
function secretParts(value: any): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if ("4dabf18193072939515e22adb298388d" in value) return [unwrapped(value)];
  return Object.values(value).flatMap(secretParts);
}

const decoded = (data: Record<string, string> = {}) =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]));

/** Starts the mocks. Loading the Kubernetes SDK takes seconds. */
export async function startMocks(): Promise<void> {
  process.env.KUBECONFIG = "/nowhere"; // components look at the cluster, too
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        const secrets = secretParts(inputs);
        inputs = unwrapped(inputs);
        created.push({ type, name, inputs, secrets });
        const state = { ...inputs, metadata: { ...inputs.metadata, uid: `uid of ${name}` } };
        if (type.endsWith(":Service")) state.spec = { ...inputs.spec, clusterIP: "10.96.0.7" };
        if (type.endsWith(":Secret")) inputs.texts = decoded(inputs.data);
        if (type.startsWith("docker:")) state.repoDigest = `${inputs.imageName}@sha256:${"a".repeat(64)}`;
        return { id: `${name}-id`, state };
      },
      call: ({ inputs }) => inputs,
    },
    "job-wq-2",
    "test",
    // As in a preview: nothing watches a cluster.
    true,
  );
}

/** Waits until every resource that was declared is registered. */
export async function registered(): Promise<void> {
  // A registration leads to the next, since a child waits for its parent; with mocks each takes a few turns of the
  // event loop.
  for (let quiet = 0, count = 0; quiet < 300; quiet++) {
    await new Promise(setImmediate);
    if (created.length !== count) quiet = 0;
    count = created.length;
  }
}

/** `Pod redis-pod = redis-master`: kind, logical name and name in the cluster, sorted. */
export const summary = (pattern = /./): string[] =>
  created
    .map(({ type, name, inputs }) => `${type.split(":").at(-1)} ${name} = ${inputs?.metadata?.name ?? "-"}`)
    .filter((line) => pattern.test(line))
    .sort();

export const inputsOf = (name: string): any => created.find((resource) => resource.name === name)!.inputs;
export const secretsOf = (name: string): unknown[] => created.find((resource) => resource.name === name)!.secrets;
export const optionsOf = (name: string): any => options.get(name);

/** Plain variables of a Job's container, by name. */
export const variablesOf = (name: string): Record<string, string> =>
  Object.fromEntries(
    inputsOf(name).spec.template.spec.containers[0].env.map((variable: any) => [variable.name, variable.value]),
  );

/** The settings that the program of a Job is told. */
export const toldTo = (name: string): Record<string, any> =>
  JSON.parse(variablesOf(name).WQ_SETTINGS!.replaceAll("$$", "$")) as Record<string, any>;

/** Logical names of the resources whose replacement replaces this one, and the values whose change does so. */
export async function replacedBy(name: string): Promise<{ replaceWith: string[]; trigger: unknown }> {
  const { replaceWith, replacementTrigger } = optionsOf(name);
  const urns = await Promise.all(replaceWith.map(({ urn }: pulumi.Resource) => valueOf(urn)));
  return {
    replaceWith: urns.map((urn) => String(urn).split("::").at(-1)!),
    trigger: await valueOf(replacementTrigger),
  };
}

/** The value of an output. */
export const valueOf = <T>(output: pulumi.Input<T>): Promise<unknown> =>
  new Promise((resolve) => pulumi.output(output).apply(resolve));
