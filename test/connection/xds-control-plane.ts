/**
 * A small xDS control plane on our own server, with code that our own plugin makes of the protos in @grpc/grpc-js-xds:
 * aggregated, state of the world, services whose endpoints a test changes.
 *
 * That code is 66 files for one service, so it is made by each run and not committed. Hence nothing here can be checked
 * against it by tsc, and resources are written in the JSON of protobuf, as in Envoy's own configuration files.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import {
  createRegistry,
  type DescFile,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { type MessageSource, type Sender, Server, type ServiceRegistrar, sender } from "@trunkline/runtime";
import { node } from "../node.js";

const generated = "test/tmp/xds";
const deps = "node_modules/@grpc/grpc-js-xds/deps";
const http = "envoy/extensions/filters";

/** What resources, and the messages that carry them, are declared in. */
const protos = {
  discovery: "envoy/service/discovery/v3/discovery",
  listener: "envoy/config/listener/v3/listener",
  connectionManager: `${http}/network/http_connection_manager/v3/http_connection_manager`,
  router: `${http}/http/router/v3/router`,
  route: "envoy/config/route/v3/route",
  cluster: "envoy/config/cluster/v3/cluster",
  endpoint: "envoy/config/endpoint/v3/endpoint",
};
const services = "envoy/service/discovery/v3/ads";

/** Makes the code that `ControlPlane.start` loads. */
export function generateXds(): void {
  rmSync(generated, { recursive: true, force: true });
  const roots = ["envoy-api", "xds", "googleapis", "protoc-gen-validate"].map((name) => `${deps}/${name}`);
  // One proto has an option that the package's own, older validate.proto does not know; its loader reads no options.
  const protocol = "envoy/config/core/v3/protocol.proto";
  const corrected = `${generated}/protos`;
  mkdirSync(dirname(`${corrected}/${protocol}`), { recursive: true });
  const text = readFileSync(`${deps}/envoy-api/${protocol}`, "utf8").replaceAll(" ignore_empty: true", "");
  writeFileSync(`${corrected}/${protocol}`, text);

  const plugin = "--plugin=protoc-gen-ts=plugin/bin/protoc-gen-ts.js";
  const imports = [corrected, ...roots].flatMap((root) => ["-I", root]);
  const options = [`--ts_out=${generated}`, "--ts_opt=messages=protobuf-es"];
  const files = [services, ...Object.values(protos)].map((name) => `${name}.proto`);
  node(["node_modules/protoc/protoc.cjs", plugin, ...imports, ...options, ...files]);
}

interface DiscoveryRequest extends Message {
  readonly typeUrl: string;
  readonly resourceNames: readonly string[];
  readonly responseNonce: string;
  readonly errorDetail?: { readonly message: string };
}

interface Services {
  readonly UnimplementedAggregatedDiscoveryServiceServer: new () => object;
  readonly registerAggregatedDiscoveryServiceServer: (server: ServiceRegistrar, implementation: object) => void;
}

const prefix = "type.googleapis.com/";
const types = {
  listener: `${prefix}envoy.config.listener.v3.Listener`,
  routes: `${prefix}envoy.config.route.v3.RouteConfiguration`,
  cluster: `${prefix}envoy.config.cluster.v3.Cluster`,
  endpoints: `${prefix}envoy.config.endpoint.v3.ClusterLoadAssignment`,
};

export class ControlPlane {
  readonly #server = new Server();
  readonly #encode: (response: JsonValue) => Message;
  readonly #streams = new Set<Stream>();
  readonly #whenTaken = new Set<() => void>();
  readonly #endpoints = new Map<string, readonly string[]>();
  #version = 1;
  #nonce = 0;
  #address = "";
  /** What clients have found wrong with resources. */
  readonly refusals: string[] = [];

  private constructor(encode: (response: JsonValue) => Message) {
    this.#encode = encode;
  }

  /** @param address to take the place of one that was there */
  static async start(address = "127.0.0.1:0"): Promise<ControlPlane> {
    const { UnimplementedAggregatedDiscoveryServiceServer, registerAggregatedDiscoveryServiceServer } = (await load(
      `${services}_grpc`,
    )) as unknown as Services;
    const files: DescFile[] = [];
    // One after the other: the module loader of jest trips over itself.
    for (const name of Object.values(protos)) files.push(...Object.values(await load(`${name}_pb`)).filter(isFile));
    const registry = createRegistry(...files);
    const { DiscoveryResponseSchema } = (await load(`${protos.discovery}_pb`)) as Record<string, DescMessage>;
    const plane = new ControlPlane((json) => fromJson(DiscoveryResponseSchema!, json, { registry }));
    const methods = {
      streamAggregatedResources: (requests: AsyncIterable<DiscoveryRequest>): MessageSource<Message> =>
        new Stream(plane, plane.#streams, requests).responses,
    };
    registerAggregatedDiscoveryServiceServer(
      plane.#server,
      Object.assign(new UnimplementedAggregatedDiscoveryServiceServer(), methods),
    );
    plane.#address = (await plane.#server.listen(address)).address;
    return plane;
  }

  async stop(): Promise<void> {
    await this.#server.shutdown();
  }

  get address(): string {
    return this.#address;
  }

  /** What GRPC_XDS_BOOTSTRAP_CONFIG has to say. */
  get bootstrap(): string {
    return JSON.stringify({
      xds_servers: [{ server_uri: this.#address, channel_creds: [{ type: "insecure" }], server_features: ["xds_v3"] }],
      node: { id: "test", locality: {} },
    });
  }

  /** Clients that are connected. */
  get streams(): number {
    return this.#streams.size;
  }

  /** Sends calls to `xds:///service` to these addresses from now on. Resolves when every client has taken that in. */
  async assign(service: string, endpoints: readonly string[]): Promise<void> {
    this.#endpoints.set(service, endpoints);
    this.#version++;
    for (const stream of this.#streams) for (const type of Object.values(types)) stream.answer(type);
    await new Promise<void>((resolve) => {
      const look = () => {
        if ([...this.#streams].some((stream) => stream.isWaitedFor)) return;
        this.#whenTaken.delete(look);
        resolve();
      };
      this.#whenTaken.add(look);
      look();
    });
  }

  /** A stream has heard of its client, or has ended. */
  heard(): void {
    for (const look of this.#whenTaken) look();
  }

  /** What there is of a type under these names; a client takes what is missing for gone. */
  response(typeUrl: string, names: readonly string[]): { readonly nonce: string; readonly message: Message } {
    const nonce = String(++this.#nonce);
    const resources = [...this.#endpoints]
      .flatMap(([service, endpoints]) => resourcesOf(service, endpoints))
      .filter(({ type, name }) => type === typeUrl && names.includes(name))
      .map(({ content }) => ({ "@type": typeUrl, ...content }));
    return { nonce, message: this.#encode({ versionInfo: String(this.#version), typeUrl, nonce, resources }) };
  }
}

interface Resource {
  readonly type: string;
  readonly name: string;
  readonly content: Record<string, JsonValue>;
}

/** The path from the name in a target to addresses: each resource names the next. */
function resourcesOf(service: string, addresses: readonly string[]): readonly Resource[] {
  const [routes, cluster, endpoints] = [`${service} routes`, `${service} cluster`, `${service} endpoints`];
  const router = { "@type": `${prefix}envoy.extensions.filters.http.router.v3.Router` };
  const manager = {
    "@type": `${prefix}envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    rds: { routeConfigName: routes, configSource: { ads: {} } },
    httpFilters: [{ name: "router", typedConfig: router }],
  };
  const all = { match: { prefix: "" }, route: { cluster } };
  return [
    { type: types.listener, name: service, content: { name: service, apiListener: { apiListener: manager } } },
    {
      type: types.routes,
      name: routes,
      content: { name: routes, virtualHosts: [{ name: service, domains: [service], routes: [all] }] },
    },
    {
      type: types.cluster,
      name: cluster,
      content: {
        name: cluster,
        type: "EDS",
        edsClusterConfig: { edsConfig: { ads: {} }, serviceName: endpoints },
        lbPolicy: "ROUND_ROBIN",
      },
    },
    {
      type: types.endpoints,
      name: endpoints,
      content: {
        clusterName: endpoints,
        endpoints: [{ locality: { region: "here" }, loadBalancingWeight: 1, lbEndpoints: addresses.map(endpointAt) }],
      },
    },
  ];
}

function endpointAt(hostAndPort: string): JsonValue {
  const [address, port] = hostAndPort.split(":");
  return { endpoint: { address: { socketAddress: { address: address!, portValue: Number(port) } } } };
}

/** What one client has asked for, and been told. */
class Stream {
  readonly responses: Sender<Message> = sender();
  readonly #plane: ControlPlane;
  readonly #names = new Map<string, readonly string[]>();
  /** Of the last response of each type, until the client says what it thinks of it. */
  readonly #unanswered = new Map<string, string>();

  constructor(plane: ControlPlane, all: Set<Stream>, requests: AsyncIterable<DiscoveryRequest>) {
    this.#plane = plane;
    all.add(this);
    const end = () => {
      all.delete(this);
      this.responses.close();
      plane.heard();
    };
    // A client that has gone without a word is gone all the same.
    this.#read(requests).then(end, end);
  }

  /** The client has not said yet what it thinks of a response. */
  get isWaitedFor(): boolean {
    return this.#unanswered.size > 0;
  }

  answer(typeUrl: string): void {
    const names = this.#names.get(typeUrl) ?? [];
    if (names.length === 0) return;
    const { nonce, message } = this.#plane.response(typeUrl, names);
    this.#unanswered.set(typeUrl, nonce);
    void this.responses.send(message);
  }

  async #read(requests: AsyncIterable<DiscoveryRequest>): Promise<void> {
    for await (const { typeUrl, resourceNames, responseNonce, errorDetail } of requests) {
      if (errorDetail !== undefined) this.#plane.refusals.push(errorDetail.message);
      if (this.#unanswered.get(typeUrl) === responseNonce) this.#unanswered.delete(typeUrl);
      const known = this.#names.get(typeUrl) ?? [];
      this.#names.set(typeUrl, resourceNames);
      // All else is a client that agrees, or wants less.
      if (resourceNames.some((name) => !known.includes(name))) this.answer(typeUrl);
      this.#plane.heard();
    }
  }
}

function load(name: string): Promise<Record<string, unknown>> {
  return import(`../tmp/xds/${name}.js`);
}

function isFile(value: unknown): value is DescFile {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "file";
}
