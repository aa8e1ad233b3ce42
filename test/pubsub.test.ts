/** Real input: Google Pub/Sub's own protos, generated, type-checked with every flag, and called. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { node } from "./node.js";

const example = "examples/pubsub";

beforeAll(() => {
  rmSync(`${example}/gen`, { recursive: true, force: true });
  mkdirSync(`${example}/gen`);
  const plugin = "--plugin=protoc-gen-ts=plugin/bin/protoc-gen-ts.js";
  const proto = ["-I", "node_modules/google-proto-files", "google/pubsub/v1/pubsub.proto"];
  node(["node_modules/protoc/protoc.cjs", plugin, ...proto, `--ts_out=${example}/gen`]);
}, 60_000);

test("what is emitted passes tsc with the strictest flags", () => {
  // See examples/pubsub/tsconfig.json and tsconfig.base.json.
  node(["node_modules/typescript/bin/tsc", "-p", example]);
}, 60_000);

test("service files say any nowhere", () => {
  const code = readFileSync(`${example}/gen/google/pubsub/v1/pubsub_grpc.ts`, "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  expect(code).toContain("export interface PublisherClient");
  expect(code).not.toMatch(/\bany\b/);
});

test("CreateTopic, Publish and StreamingPull carry bytes, maps, nanoseconds, oneofs and large integers whole", () => {
  const said = node(["--import", "tsx", `${example}/main.ts`]);
  expect(said).toBe("created, published, pulled, acknowledged\n");
}, 60_000);
