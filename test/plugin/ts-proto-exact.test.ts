/** Services beside messages that ts-proto's own plugin made with its own defaults, exact types among them. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { node } from "../node.js";

test("type-check", () => {
  const folder = "test/tmp/exact";
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const protoc = ["node_modules/protoc/protoc.cjs", "-I", "fixtures/proto", "kinds/v1/kinds.proto"];
  const theirs = "outputServices=none,esModuleInterop=true,importSuffix=.js";
  node([
    ...protoc,
    "--plugin=protoc-gen-ts_proto=node_modules/.bin/protoc-gen-ts_proto",
    `--ts_proto_out=${folder}`,
    `--ts_proto_opt=${theirs}`,
  ]);
  node([
    ...protoc,
    "--plugin=protoc-gen-ts=plugin/bin/protoc-gen-ts.js",
    `--ts_out=${folder}`,
    "--ts_opt=emit=services",
  ]);
  const compilerOptions = { noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
  writeFileSync(
    `${folder}/tsconfig.json`,
    JSON.stringify({ extends: "../../../tsconfig.base.json", compilerOptions, include: ["."] }),
  );
  node(["node_modules/typescript/bin/tsc", "-p", folder]);
}, 60_000);
