// The local platform's own `kubernetes` resource plugin: the kinds of kinds.ts, on the API server of the platform. Behaviour: DESIGN, section 6.
import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Provider } from "@pulumi/pulumi/provider/index.js";
import { serve } from "../serve.ts";
import { differences, type Fields, isObject, type Json, plain, settled } from "../values.ts";
import { ApiError, call, get, pathOf } from "./api.ts";
import { awaitGone, awaitReady, standing } from "./await.ts";
import { type Kind, kindOf, replacing } from "./kinds.ts";
import { pluginVersions } from "../versions.ts";

/** What an awaited resource may take when `customTimeouts` says nothing, s. The engine's own timeout does not reach a plugin of this SDK. */
const PATIENCE = 90_000;

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

/** Inputs as they were given, and beside them what only the API server knows. */
function outputs(inputs: Fields, live: Fields): Fields {
  const { uid } = (live.metadata ?? {}) as Fields;
  const all: Fields = { ...inputs, __inputs: inputs, metadata: { ...(inputs.metadata as Fields), uid: uid as Json } };
  if (isObject(inputs.spec) && isObject(live.spec)) all.spec = { ...live.spec, ...inputs.spec };
  if (live.status !== undefined) all.status = live.status;
  return all;
}

const before = (olds: Fields) => plain((olds.__inputs as Fields | undefined) ?? olds) as Fields;

/** The error with which the engine keeps the resource and knows that it is not ready. */
function initFailed(located: Located, inputs: Fields, live: Fields, reasons: string[]): Error {
  const message = `the Kubernetes API server reported that "${located.id}" failed to fully initialize or become live: ${reasons.join("; ")}`;
  return Object.assign(new Error(message), { id: located.id, properties: outputs(inputs, live), reasons });
}

async function ready(located: Located, inputs: Fields): Promise<Fields> {
  const { live, reasons } = await awaitReady(located.kind.plural, located.path, PATIENCE);
  if (reasons) throw initFailed(located, inputs, live, reasons);
  return outputs(inputs, live);
}

/** Whether an input field and the live one say the same: the server adds fields, and never takes one away that was asked for. */
function drifted(input: Json, live: Json | undefined): boolean {
  if (isObject(input))
    return Object.entries(input).some(([key, value]) => drifted(value, isObject(live) ? live[key] : undefined));
  if (Array.isArray(input)) return !Array.isArray(live) || input.some((value, index) => drifted(value, live[index]));
  // What is absent was normalised away (stringData, an empty text); numbers and quantities come back in another form.
  return live !== undefined && typeof live === typeof input && typeof input !== "string" && live !== input;
}

/** A merge patch: what is new, and null for what is no longer there; a list that is in it would lose what the server added. */
function patch(old: Json | undefined, now: Json): Json {
  if (!isObject(old) || !isObject(now)) return now;
  const gone = Object.keys(old).filter((key) => !(key in now));
  const changed = Object.entries(now).filter(([key, value]) => !isDeepStrictEqual(old[key], value));
  return Object.fromEntries([
    ...changed.map(([key, value]) => [key, patch(old[key], value)] as const),
    ...gone.map((key) => [key, null] as const),
  ]);
}

/** A name made from the resource's, kept as long as the resource is [src: pulumi-kubernetes provider/pkg/metadata/naming.go]. */
function autonamed(urn: string, olds: Fields | undefined, metadata: Fields): Fields {
  const old = (plain(olds?.metadata) as Fields | null)?.name;
  const name = old ?? `${urn.split("::").at(-1)}-${randomBytes(4).toString("hex")}`;
  return { ...metadata, name, annotations: { ...(metadata.annotations as Fields), "pulumi.com/autonamed": "true" } };
}

const provider: Provider = {
  version: pluginVersions.kubernetes,

  async check(urn, olds: Fields, news: Fields) {
    kindOf(urn);
    const inputs = settled(news) as Fields;
    const metadata = (inputs.metadata ?? {}) as Fields;
    return "name" in metadata ? { inputs } : { inputs: { ...inputs, metadata: autonamed(urn, olds, metadata) } };
  },

  async diff(_id, urn, olds: Fields, news: Fields) {
    const kind = kindOf(urn);
    const now = plain(news) as Fields;
    const paths = differences(before(olds), now);
    const replaces = replacing(kind, paths);
    // A Job that is not complete at this moment is made anew, also one that runs.
    const annotations = (now.metadata as Fields).annotations as Fields | undefined;
    if (annotations?.["pulumi.com/replaceUnready"] === "true") {
      const { path } = locate(urn, now);
      const live = await get(path);
      if (live && !("ready" in standing(kind.plural, live)))
        replaces.push("metadata.annotations.pulumi.com/replaceUnready");
    }
    // Names are literal here, so the old one must go first.
    return { changes: paths.length > 0 || replaces.length > 0, replaces, deleteBeforeReplace: replaces.length > 0 };
  },

  async create(urn, inputs: Fields) {
    const body = plain(inputs) as Fields;
    const located = locate(urn, body);
    try {
      await call("POST", located.collection, body);
    } catch (error) {
      if (error instanceof ApiError)
        throw new Error(
          `resource "${located.id}" was not successfully created by the Kubernetes API server: ${error.message}`,
          { cause: error },
        );
      throw error;
    }
    return { id: located.id, outs: await ready(located, inputs) };
  },

  async read(id, urn, props: Fields) {
    const inputs = before(props);
    const { path } = locate(urn, inputs);
    const live = await get(path);
    if (!live) return {};
    const same = (live.metadata as Fields).uid === (plain(props.metadata) as Fields | null)?.uid;
    if (!drifted(inputs, live)) {
      return { id, props: same ? props : outputs(inputs, live), inputs: (props.__inputs ?? inputs) as Fields };
    }
    // Only fields that were asked for are compared, and take the live value.
    const seen = (input: Json, now: Json | undefined): Json =>
      isObject(input) && isObject(now)
        ? Object.fromEntries(Object.entries(input).map(([key, value]) => [key, seen(value, now[key])]))
        : drifted(input, now) && !Array.isArray(input)
          ? now!
          : input;
    const found = seen(inputs, live) as Fields;
    return { id, props: outputs(found, live), inputs: found };
  },

  async update(_id, urn, olds: Fields, news: Fields) {
    const now = plain(news) as Fields;
    const located = locate(urn, now);
    await call("PATCH", located.path, patch(before(olds), now), "application/merge-patch+json");
    return { outs: await ready(located, news) };
  },

  async delete(_id, urn, props: Fields) {
    const { path } = locate(urn, before(props));
    const live = await get(path);
    if (!live) return;
    await call("DELETE", path, { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Foreground" }).catch(
      (error: unknown) => {
        if (!(error instanceof ApiError && error.code === 404)) throw error;
      },
    );
    await awaitGone(path, (live.metadata as Fields).uid, 600);
  },
};

await serve(provider);
