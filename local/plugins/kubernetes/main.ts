// The local platform's own `kubernetes` plugin: the kinds of kinds.ts, on the API server of the platform and no other.
// It does what the official plugin does; conformance.ts has the cases, with their sources.
import { isDeepStrictEqual } from "node:util";
import { InitError, type Operation, type Provider, serve } from "../serve.ts";
import {
  differences,
  type Fields,
  hasUnknown,
  isObject,
  type Json,
  merged,
  plain,
  secret,
  settled,
  UNKNOWN,
} from "../values.ts";
import { pluginVersions } from "../versions.ts";
import { ApiError, call, get, pathOf } from "./api.ts";
import { awaitGone, awaitReady, type Limits, readiness } from "./await.ts";
import { type Kind, kindOf, replacing } from "./kinds.ts";

/** Seconds that a resource may take where `customTimeouts` does not say, as in the official plugin. */
const DEFAULT_TIMEOUT = 600;

const AUTONAMED = "pulumi.com/autonamed";

interface Located {
  kind: Kind;
  /** Of the resource. */
  path: string;
  /** Of all of its kind. */
  collection: string;
  id: string;
}

function locate(urn: string, inputs: Fields): Located {
  const kind = kindOf(urn);
  const { name, namespace = "default" } = inputs.metadata as { name: string; namespace?: string };
  const version = String(inputs.apiVersion).split("/").at(-1)!;
  const id = kind.namespaced ? `${namespace}/${name}` : name;
  return { kind, path: pathOf(kind, version, namespace, name), collection: pathOf(kind, version, namespace), id };
}

/** The live object, with the inputs as they were given, secrets included. */
function outputs(inputs: Fields, live: Fields): Fields {
  const { managedFields: _, ...metadata } = (live.metadata ?? {}) as Fields;
  const data: Fields = live.kind === "Secret" && isObject(live.data) ? { data: secret(live.data) } : {};
  // Where the texts of a Secret end up: among its data.
  const { stringData: _texts, ...kept } = inputs;
  return { ...(merged({ ...live, metadata, ...data }, kept) as Fields), __inputs: inputs };
}

const before = (olds: Fields) => plain(olds.__inputs ?? olds) as Fields;

const limits = ({ timeout, signal }: Operation): Limits => ({ seconds: timeout || DEFAULT_TIMEOUT, signal });

/** Outputs of a resource that is as it should be. @throws InitError where it does not become so. */
async function ready({ id, kind, path }: Located, urn: string, inputs: Fields, operation: Operation): Promise<Fields> {
  const { live, reasons } = await awaitReady(kind.plural, path, limits(operation));
  if (!reasons) return outputs(inputs, live);
  const message = `resource "${urn}" was successfully created, but the Kubernetes API server reported that it failed to fully initialize or become live: ${reasons.join("; ")}`;
  throw new InitError(message, id, outputs(inputs, live), reasons);
}

/** Outputs in a preview: what only the API server gives is not known. */
function previewed(inputs: Fields): Fields {
  const metadata = { ...(inputs.metadata as Fields), uid: UNKNOWN };
  const data: Fields = inputs.stringData === undefined ? {} : { data: UNKNOWN };
  return { ...inputs, ...data, __inputs: inputs, metadata, status: UNKNOWN };
}

/**
 * What the API server refuses is refused in the preview, except where that may be because of what the preview did not
 * make.
 */
function isOfPreview({ code, message }: ApiError): boolean {
  return code === 403 || code === 409 || (code === 404 && message.startsWith("namespaces "));
}

/**
 * A call that changes something; in a preview it only asks whether that would be possible.
 * @returns Whether it is known.
 */
async function change(method: string, path: string, body: Fields, operation: Operation, type?: string) {
  try {
    await call(method, operation.preview ? `${path}?dryRun=All` : path, body, type);
  } catch (error) {
    if (!(operation.preview && error instanceof ApiError && isOfPreview(error))) throw error;
  }
}

/**
 * Whether an input field and the live one say the same: the server adds fields, and never takes one away that was asked
 * for.
 */
function drifted(input: Json, live: Json | undefined): boolean {
  if (isObject(input))
    return Object.entries(input).some(([key, value]) => drifted(value, isObject(live) ? live[key] : undefined));
  if (Array.isArray(input)) return !Array.isArray(live) || input.some((value, index) => drifted(value, live[index]));
  // What is absent was normalised away (stringData, an empty text); numbers and quantities come back in another form.
  return live !== undefined && typeof live === typeof input && typeof input !== "string" && live !== input;
}

/**
 * A merge patch: what is new, and null for what is no longer there; a list that is in it would lose what the server
 * added.
 */
function patch(old: Json | undefined, now: Json): Json {
  if (!isObject(old) || !isObject(now)) return now;
  const gone = Object.keys(old).filter((key) => !(key in now));
  const changed = Object.entries(now).filter(([key, value]) => !isDeepStrictEqual(old[key], value));
  return Object.fromEntries([
    ...changed.map(([key, value]) => [key, patch(old[key], value)] as const),
    ...gone.map((key) => [key, null] as const),
  ]);
}

/** The name that a resource without one has, or gets. */
function autoname(urn: string, olds: Fields | undefined, seed: Uint8Array): string {
  const old = (olds && plain(olds.metadata)) as Fields | null | undefined;
  if (((old?.annotations ?? {}) as Fields)[AUTONAMED] === "true") return String(old!.name);
  const random = Buffer.from(seed).toString("hex").slice(0, 8).padEnd(8, "0");
  return `${urn.split("::").at(-1)!}-${random}`;
}

const isAutonamed = (inputs: Fields) =>
  (((inputs.metadata as Fields).annotations ?? {}) as Fields)[AUTONAMED] === "true";

const provider: Provider = {
  version: pluginVersions.kubernetes,

  async check(urn, olds, news, seed) {
    kindOf(urn);
    const inputs = settled(news) as Fields;
    const metadata = (inputs.metadata ?? {}) as Fields;
    if ("name" in metadata) return { inputs };
    const annotations = { ...((metadata.annotations ?? {}) as Fields), [AUTONAMED]: "true" };
    return { inputs: { ...inputs, metadata: { ...metadata, name: autoname(urn, olds, seed), annotations } } };
  },

  async diff(urn, olds, news) {
    const kind = kindOf(urn);
    const now = plain(news) as Fields;
    const paths = differences(before(olds), now);
    const replaces = replacing(kind, paths);
    // A Job that is not complete at this moment is replaced, also one that runs.
    const annotations = (now.metadata as Fields).annotations as Fields | undefined;
    if (annotations?.["pulumi.com/replaceUnready"] === "true") {
      const live = await get(locate(urn, now).path);
      if (live && !("ready" in readiness(kind.plural, live)))
        replaces.push("metadata.annotations.pulumi.com/replaceUnready");
    }
    const changes = paths.length > 0 || replaces.length > 0;
    // Two resources cannot have one name, so the old one goes first; an automatic name is a new one.
    return { changes, replaces, deleteBeforeReplace: replaces.length > 0 && !isAutonamed(now) };
  },

  async create(urn, inputs, operation) {
    const body = plain(inputs) as Fields;
    if (operation.preview && hasUnknown(body)) return { id: "", outs: inputs };
    const located = locate(urn, body);
    try {
      await change("POST", located.collection, body, operation);
    } catch (error) {
      const reason = (error as Error).message;
      if (!(error instanceof ApiError)) throw error;
      const message = `resource "${urn}" was not successfully created by the Kubernetes API server: ${reason}`;
      throw new Error(message, { cause: error });
    }
    if (operation.preview) return { id: "", outs: previewed(inputs) };
    return { id: located.id, outs: await ready(located, urn, inputs, operation) };
  },

  async read(_id, urn, props) {
    const inputs = before(props);
    const { path } = locate(urn, inputs);
    const live = await get(path);
    if (!live) return undefined;
    const same = (live.metadata as Fields).uid === (plain(props.metadata) as Fields | null)?.uid;
    if (!drifted(inputs, live)) {
      return { props: same ? props : outputs(inputs, live), inputs: (props.__inputs ?? inputs) as Fields };
    }
    // Only fields that were asked for are compared, and take the live value.
    const seen = (input: Json, now: Json | undefined): Json =>
      isObject(input) && isObject(now)
        ? Object.fromEntries(Object.entries(input).map(([key, value]) => [key, seen(value, now[key])]))
        : drifted(input, now) && !Array.isArray(input)
          ? now!
          : input;
    const found = seen(inputs, live) as Fields;
    return { props: outputs(found, live), inputs: found };
  },

  async update(urn, olds, news, operation) {
    const now = plain(news) as Fields;
    if (operation.preview && hasUnknown(now)) return news;
    const located = locate(urn, now);
    try {
      await change(
        "PATCH",
        located.path,
        patch(before(olds), now) as Fields,
        operation,
        "application/merge-patch+json",
      );
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new Error(`update of resource "${urn}" failed: ${error.message}`, { cause: error });
    }
    if (operation.preview) return outputs(news, plain(olds) as Fields);
    return ready(located, urn, news, operation);
  },

  async delete(urn, props, operation) {
    const { path } = locate(urn, before(props));
    const live = await get(path);
    if (!live) return;
    await call("DELETE", path, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" }).catch(
      (error: unknown) => {
        if (!(error instanceof ApiError && error.code === 404)) throw error;
      },
    );
    await awaitGone(path, (live.metadata as Fields).uid, limits(operation));
  },
};

await serve(provider);
