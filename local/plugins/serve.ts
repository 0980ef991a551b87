// Serves a resource plugin to the engine. The SDK's own server leaves out previews, so this one speaks the protocol
// itself.
import { flushCompileCache } from "node:module";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import proto from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import type { Fields } from "./values.ts";

/** Operations of a plugin on a resource. */
export interface Provider {
  version: string;
  /** @returns The inputs as they are kept. */
  check(urn: string, news: Fields): Promise<Fields>;
  /** @returns Whether it is to be updated. */
  diff(olds: Fields, news: Fields): Promise<boolean>;
  /** In a preview, nothing is really created. */
  create(inputs: Fields, preview: boolean): Promise<{ id: string; outs: Fields }>;
  update(news: Fields, preview: boolean): Promise<Fields>;
  delete(): Promise<void>;
}

type Message = InstanceType<typeof struct.Struct>;

const toStruct = (fields: Fields) => struct.Struct.fromJavaScript(fields);
const toFields = (message: Message | undefined) => message?.toJavaScript() ?? {};

/** One call of the protocol. */
function unary<Request, Response>(handle: (request: Request) => Promise<Response> | Response) {
  const call: grpc.handleUnaryCall<Request, Response> = ({ request }, callback) => {
    Promise.resolve()
      .then(() => handle(request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback({ code: grpc.status.UNKNOWN, details: (error as Error).message }),
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
    cancel: unary(() => new empty.Empty()),
    getPluginInfo: unary(() => {
      const response = new plugin.PluginInfo();
      response.setVersion(provider.version);
      return response;
    }),

    check: unary(async (request: proto.CheckRequest) => {
      const response = new proto.CheckResponse();
      response.setInputs(toStruct(await provider.check(request.getUrn(), toFields(request.getNews()))));
      return response;
    }),

    diff: unary(async (request: proto.DiffRequest) => {
      const { SOME, NONE } = { SOME: 2, NONE: 1 } as const;
      const response = new proto.DiffResponse();
      const isOther = await provider.diff(toFields(request.getOlds()), toFields(request.getNews()));
      response.setChanges(isOther ? SOME : NONE);
      return response;
    }),

    create: unary(async (request: proto.CreateRequest) => {
      const { id, outs } = await provider.create(toFields(request.getProperties()), request.getPreview());
      const response = new proto.CreateResponse();
      response.setId(id);
      response.setProperties(toStruct(outs));
      return response;
    }),

    read: unary((request: proto.ReadRequest) => {
      const response = new proto.ReadResponse();
      response.setId(request.getId());
      response.setProperties(toStruct(toFields(request.getProperties())));
      return response;
    }),

    update: unary(async (request: proto.UpdateRequest) => {
      const response = new proto.UpdateResponse();
      response.setProperties(toStruct(await provider.update(toFields(request.getNews()), request.getPreview())));
      return response;
    }),

    delete: unary(async () => {
      await provider.delete();
      return new empty.Empty();
    }),
  };
}

/** Messages may be as large as those of the engine, since a resource can take some MiB. */
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
