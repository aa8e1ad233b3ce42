/** The certificates of the tests, for `--use_tls`: made for localhost and 127.0.0.1, and no secret. */
import { readFileSync } from "node:fs";

const pem = (name: string): Buffer => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));

/** A name that the certificate of the servers has, and that no name server knows: for `--server_host_override`. */
export const serverName = "server.test";

/** What a client trusts. */
export const authority = (): Buffer => pem("ca.pem");

/** What a server shows. */
export const identity = (): { readonly cert: Buffer; readonly key: Buffer } => ({
  cert: pem("server.pem"),
  key: pem("server.key"),
});
