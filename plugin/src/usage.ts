/** What a person who starts the program reads. Compilers never do, so it is loaded only when it is asked for. */
import { createRequire } from "node:module";

/** An option, as its row of the table says it. */
export interface UsageRow {
  /** `emit=all|services` */
  readonly usage: string;
  readonly default: string | undefined;
  /** Markdown: it is also a cell of docs/options.md. */
  readonly help: string;
}

/** The whole help, its sentences no wider than `width` columns. The examples and names of options are not wrapped. */
export function usageText(rows: readonly UsageRow[], width: number): string {
  const paragraph = (text: string, indent = "") => wrap(text, width, indent);
  const entry = (head: string, text: string) => `  ${head}\n${paragraph(text, "      ")}`;
  return `${paragraph("protoc-gen-ts makes typed gRPC clients and servers in TypeScript of .proto files. buf and protoc start it: it reads their request on stdin and answers on stdout.")}
${paragraph('With buf, by "npx buf generate proto" and a buf.gen.yaml:')}
  version: v2
  plugins:
    - { local: protoc-gen-ts, out: gen, opt: [messages=ts-proto] }

With protoc:

  mkdir -p gen
  protoc --plugin=protoc-gen-ts=node_modules/.bin/protoc-gen-ts -I proto \\
    --ts_out=gen --ts_opt=messages=ts-proto proto/greeter.proto

${paragraph("Options, in opt: of buf.gen.yaml, or separated by commas in --ts_opt of protoc:")}
${rows.map((row) => entry(row.usage, sentences(row))).join("")}
Arguments, by hand:

${entry("-h, --help", "Prints this.")}${entry("-v, -V, --version", "Prints the package and its version.")}
${paragraph("The same program is installed as protoc-gen-trunkline, since other packages have a protoc-gen-ts too. More is in the project's docs/options.md, docs/generated-code.md and docs/ci.md.")}`;
}

/** `@trunkline/protoc-gen-ts 0.1.0`: of several packages with a protoc-gen-ts, it tells which one this is. */
export function versionText(): string {
  const { name, version } = createRequire(import.meta.url)("../package.json");
  return `${name} ${version}\n`;
}

function sentences({ help, default: value }: UsageRow): string {
  const text = withoutMarkdown(`${help[0]?.toUpperCase()}${help.slice(1)}.`);
  return value === undefined ? text : `${text} Default: ${value}.`;
}

/** Links lead beside docs/options.md. */
function withoutMarkdown(text: string): string {
  return text.replace(/\[[^\]]*\]\(([^)#]*)[^)]*\)/g, "docs/$1").replaceAll("`", "");
}

/** Lines of whole words; a word that is wider than all of them has a line of its own. */
function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indent + word);
  }
  return `${lines.join("\n")}\n`;
}
