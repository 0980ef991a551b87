// Serves a resource plugin to the engine. The SDK's own server leaves out previews, timeouts and cancellation, which
// the official plugins have, so this one speaks the protocol itself.
import { flushCompileCache } from "node:module";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import status from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Fields } from "./values.ts";

/** How a resource is to be changed. */
export interface Operation {
  /** Nothing is to be changed in fact. */
  preview: boolean;
  /** Seconds that it may take; 0: as the plugin likes. */
  timeout: number;
  /** Aborted when the user interrupts the engine. */
  signal: AbortSignal;
}

/** What a plugin does for each resource. */
export interface Provider {
  version: string;
  check(
    urn: string,
    olds: Fields | undefined,
    news: Fields,
    seed: Uint8Array,
  ): Promise<{ inputs: Fields; failures?: { property: string; reason: string }[] }>;
  diff(
    urn: string,
    olds: Fields,
    news: Fields,
  ): Promise<{ changes: boolean; replaces: string[]; deleteBeforeReplace?: boolean }>;
  create(urn: string, inputs: Fields, operation: Operation): Promise<{ id: string; outs: Fields }>;
  /** Answers undefined where the resource is gone. */
  read?(id: string, urn: string, props: Fields): Promise<{ props: Fields; inputs: Fields } | undefined>;
  update(urn: string, olds: Fields, news: Fields, operation: Operation): Promise<Fields>;
  delete(urn: string, props: Fields, operation: Operation): Promise<void>;
}

/** A resource that was made, but is not as it should be. The engine keeps it with its outputs, and fails. */
export class InitError extends Error {
  readonly id: string;
  readonly outputs: Fields;
  readonly reasons: string[];

  constructor(message: string, id: string, outputs: Fields, reasons: string[]) {
    super(message);
    this.id = id;
    this.outputs = outputs;
    this.reasons = reasons;
  }
}

type Message = InstanceType<typeof struct.Struct>;

const toStruct = (fields: Fields) => struct.Struct.fromJavaScript(fields);
const toFields = (message: Message | undefined) => message?.toJavaScript() ?? {};

/** An error as the engine reads it: where a resource was made nevertheless, with its state. */
function toServiceError(error: unknown): Partial<grpc.ServiceError> {
  const { message } = error as Error;
  const metadata = new grpc.Metadata();
  if (error instanceof InitError) {
    const detail = new proto.ErrorResourceInitFailed();
    detail.setId(error.id);
    detail.setProperties(toStruct(error.outputs));
    detail.setReasonsList(error.reasons);
    const packed = new any.Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const all = new status.Status();
    all.setCode(grpc.status.UNKNOWN);
    all.setMessage(message);
    all.addDetails(packed);
    metadata.add("grpc-status-details-bin", Buffer.from(all.serializeBinary()));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** One call of the protocol. */
function unary<Request, Response>(handle: (request: Request) => Promise<Response> | Response) {
  const call: grpc.handleUnaryCall<Request, Response> = ({ request }, callback) => {
    Promise.resolve()
      .then(() => handle(request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(toServiceError(error)),
      );
  };
  return call;
}

const unimplemented: grpc.handleUnaryCall<unknown, never> = (_, callback) =>
  callback({ code: grpc.status.UNIMPLEMENTED, details: "not implemented" });

function configured() {
  const response = new proto.ConfigureResponse();
  response.setAcceptsecrets(true);
  response.setAcceptresources(true);
  response.setAcceptoutputs(true);
  response.setSupportspreview(true);
  return response;
}

function service(provider: Provider): grpc.UntypedServiceImplementation {
  const cancellation = new AbortController();
  const { signal } = cancellation;
  return {
    handshake: unimplemented,
    parameterize: unimplemented,
    checkConfig: unimplemented,
    diffConfig: unimplemented,
    invoke: unimplemented,
    call: unimplemented,
    construct: unimplemented,
    getMapping: unimplemented,
    getMappings: unimplemented,
    getSchema: unimplemented,
    attach: unary(() => new empty.Empty()),
    configure: unary(configured),
    cancel: unary(() => {
      cancellation.abort();
      return new empty.Empty();
    }),
    getPluginInfo: unary(() => {
      const response = new plugin.PluginInfo();
      response.setVersion(provider.version);
      return response;
    }),

    check: unary(async (request: proto.CheckRequest) => {
      const olds = request.hasOlds() ? toFields(request.getOlds()) : undefined;
      const seed = request.getRandomseed_asU8();
      const { inputs, failures = [] } = await provider.check(request.getUrn(), olds, toFields(request.getNews()), seed);
      const response = new proto.CheckResponse();
      response.setInputs(toStruct(inputs));
      for (const { property, reason } of failures) {
        const failure = new proto.CheckFailure();
        failure.setProperty(property);
        failure.setReason(reason);
        response.addFailures(failure);
      }
      return response;
    }),

    diff: unary(async (request: proto.DiffRequest) => {
      const { SOME, NONE } = { SOME: 2, NONE: 1 } as const;
      const diff = await provider.diff(request.getUrn(), toFields(request.getOlds()), toFields(request.getNews()));
      const response = new proto.DiffResponse();
      response.setChanges(diff.changes ? SOME : NONE);
      response.setReplacesList(diff.replaces);
      response.setDeletebeforereplace(diff.deleteBeforeReplace ?? false);
      return response;
    }),

    create: unary(async (request: proto.CreateRequest) => {
      const operation = { preview: request.getPreview(), timeout: request.getTimeout(), signal };
      const { id, outs } = await provider.create(request.getUrn(), toFields(request.getProperties()), operation);
      const response = new proto.CreateResponse();
      response.setId(id);
      response.setProperties(toStruct(outs));
      return response;
    }),

    read: unary(async (request: proto.ReadRequest) => {
      const found = provider.read
        ? await provider.read(request.getId(), request.getUrn(), toFields(request.getProperties()))
        : { props: toFields(request.getProperties()), inputs: undefined };
      const response = new proto.ReadResponse();
      if (!found) return response;
      response.setId(request.getId());
      response.setProperties(toStruct(found.props));
      if (found.inputs) response.setInputs(toStruct(found.inputs));
      return response;
    }),

    update: unary(async (request: proto.UpdateRequest) => {
      const operation = { preview: request.getPreview(), timeout: request.getTimeout(), signal };
      const [olds, news] = [toFields(request.getOlds()), toFields(request.getNews())];
      const response = new proto.UpdateResponse();
      response.setProperties(toStruct(await provider.update(request.getUrn(), olds, news, operation)));
      return response;
    }),

    delete: unary(async (request: proto.DeleteRequest) => {
      const operation = { preview: false, timeout: request.getTimeout(), signal };
      await provider.delete(request.getUrn(), toFields(request.getProperties()), operation);
      return new empty.Empty();
    }),
  };
}

/** Messages may be as large as the engine's: a resource can be some MiB. */
const SIZE = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/**
 * Serves the engine that started this process. An engine that was killed cannot end its plugins, so they end by
 * themselves, as the official ones do.
 */
export async function serve(provider: Provider): Promise<void> {
  const engine = process.ppid;
  setInterval(() => process.ppid === engine || process.exit(1), 1000).unref();
  const server = new grpc.Server(SIZE);
  server.addService(rpc.ResourceProviderService, service(provider));
  const bind = promisify(server.bindAsync.bind(server));
  console.log(String(await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure())));
  // For the next start; the engine ends its plugins with SIGKILL.
  flushCompileCache();
}
