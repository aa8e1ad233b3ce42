/** CodeGeneratorResponses, decoded by a library that the plugin does not use for them. */
import { fromBinary } from "@bufbuild/protobuf";
import { CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { run } from "../../plugin/src/run.js";

export interface Response {
  readonly error: string;
  readonly supportedFeatures: bigint;
  readonly minimumEdition: number;
  readonly maximumEdition: number;
  /** Name to content. */
  readonly files: ReadonlyMap<string, string>;
}

export function decodeResponse(bytes: Uint8Array): Response {
  const { error, supportedFeatures, minimumEdition, maximumEdition, file } = fromBinary(
    CodeGeneratorResponseSchema,
    bytes,
  );
  const files = new Map(file.map(({ name, content }) => [name, content]));
  if (files.size !== file.length) throw new Error("a file is in the response twice");
  return { error, supportedFeatures, minimumEdition, maximumEdition, files };
}

/** Runs the plugin in this process. */
export async function generate(request: Uint8Array): Promise<Response> {
  return decodeResponse(await responseBytes(request));
}

export async function responseBytes(request: Uint8Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of run(request)) parts.push(part);
  return Buffer.concat(parts);
}

/** The module specifiers of a TypeScript file. */
export function imports(content: string): string[] {
  return [...content.matchAll(/^import .* from ["']([^"']*)["'];$/gm)].map((match) => match[1]!);
}

/** Those that are paths. */
export function relativeImports(content: string): string[] {
  return imports(content).filter((specifier) => specifier.startsWith("."));
}
