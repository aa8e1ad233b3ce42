/** What connections are: plaintext, or TLS, for all stacks with the same certificate. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export type Security = "plaintext" | "TLS";

/** From dist/contenders. The certificates are the tests' own: committed, for 127.0.0.1 too, and valid for a hundred years. */
const pem = (name: string) => readFileSync(fileURLToPath(new URL(`../../../fixtures/tls/${name}`, import.meta.url)));

/** What a client trusts. */
export const authority = (): Buffer => pem("ca.pem");

/** What a server shows. */
export const identity = () => ({ cert: pem("server.pem"), key: pem("server.key") });
