/** Google's own protos, out of google-proto-files: four services' and all that those import, 39 files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Protos, root } from "./compile-protos.js";

const everything = join(root, "node_modules/google-proto-files");

/** What the 39 are the imports of. */
export const realEntries: readonly string[] = [
  "google/firestore/v1/firestore.proto",
  "google/longrunning/operations.proto",
  "google/pubsub/v1/pubsub.proto",
  "google/spanner/v1/spanner.proto",
];

/** The files by path, well-known ones among them. */
export function realProtos(): Protos {
  const found = new Set(realEntries);
  const protos: { [path: string]: string } = {};
  for (const path of found) {
    const text = readFileSync(join(everything, path), "utf8");
    for (const [, imported] of text.matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)) found.add(imported!);
    protos[path] = text;
  }
  return protos;
}
