/** What contenders are called, for whoever judges what was measured of them and loads none. */

export const rawNetName = "raw node:net echo";
export const rawHttp2Name = "raw node:http2 echo";
export const readyMadeName = "grpc-js client, answers made beforehand";
export const grpcJsName = "grpc-js by hand, ts-proto";
export const grpcJsTlsName = `${grpcJsName}, TLS`;

export interface TrunklineNames {
  readonly tsProto: string;
  readonly protobufEs: string;
  readonly tsProtoTls: string;
  readonly client: string;
  readonly server: string;
}

export function trunklineNames(transport: string): TrunklineNames {
  const name = `trunkline ${transport}`;
  return {
    tsProto: `${name}, ts-proto`,
    protobufEs: `${name}, protobuf-es`,
    tsProtoTls: `${name}, ts-proto, TLS`,
    client: `${name} client, grpc-js server`,
    server: `grpc-js client, ${name} server`,
  };
}
