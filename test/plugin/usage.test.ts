/** What the program says to a person who starts it, instead of waiting for a request. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { optionTable, usage } from "../../plugin/src/options.js";
import { usageText } from "../../plugin/src/usage.js";
import { inDirectoryOf, requestFor, root } from "./compile-protos.js";
import { pluginPath, runPlugin } from "./plugin-process.js";

interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Runs the built program with a stdin that stays open: one that reads it to its end does not answer, and is ended. */
async function answer(...args: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, [pluginPath, ...args], { timeout: 15_000 });
  try {
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    return { stdout, stderr, status };
  } finally {
    child.stdin.destroy();
  }
}

const { version } = JSON.parse(readFileSync(join(root, "plugin/package.json"), "utf8"));
const rows = optionTable.map((row) => ({ ...row, usage: usage(row) }));
const help = usageText(rows, 80);

test.each([["--help"], ["-h"]])("%s: the usage on stdout, 80 columns wide, exit code 0", async (arg) => {
  expect(await answer(arg)).toEqual({ stdout: help, stderr: "", status: 0 });
});

test.each([["--version"], ["-v"], ["-V"]])("%s: the package and its version on stdout, exit code 0", async (arg) => {
  expect(await answer(arg)).toEqual({ stdout: `@trunkline/protoc-gen-ts ${version}\n`, stderr: "", status: 0 });
});

test("help goes before all else that is asked", async () => {
  expect(await answer("--bogus", "--version", "--help")).toEqual({ stdout: help, stderr: "", status: 0 });
});

test.each([
  ["an unknown argument", "--hlep", '"--hlep"'],
  ["a proto", "a.proto", '"a.proto"'],
  ["an option of the plugin", "emit=services", '"emit=services"'],
  ["an empty argument", "", '""'],
  ["an argument of two lines", "a\nb", '"a\\nb"'],
])("%s: one line on stderr, exit code 2", async (_, arg, shown) => {
  expect(await answer(arg)).toEqual({
    stdout: "",
    stderr:
      `protoc-gen-ts: there is no argument ${shown}: there are --help and --version; ` +
      "protos and options are given to buf or protoc, which start this program\n",
    status: 2,
  });
});

test("a reader of the help that has seen enough is no fault", async () => {
  const child = spawn(process.execPath, [pluginPath, "--help"]);
  child.stdout.destroy();
  const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect(stderr).toBe("");
});

describe("the usage", () => {
  test("has every option of the table, with its default", () => {
    for (const row of rows) {
      expect(help).toContain(`\n  ${row.usage}\n`);
      if (row.default !== undefined) expect(help.replace(/\s+/g, " ")).toContain(`Default: ${row.default}.`);
    }
  });

  test("has no marks of Markdown, and leads to pages that are there", () => {
    expect(help).not.toMatch(/`|\]\(|\*\*/);
    const pages = help.match(/docs\/[\w-]+\.md/g) ?? [];
    expect(pages).toEqual(expect.arrayContaining(["docs/reflection.md", "docs/retries.md", "docs/options.md"]));
    for (const page of pages) expect({ page, isThere: existsSync(join(root, page)) }).toEqual({ page, isThere: true });
  });

  test.each([[40], [60], [80], [200]])("keeps to %i columns, and uses them", (width) => {
    const lines = usageText(rows, width).split("\n");
    // Names of options and examples stay whole, so that they can be copied.
    const examples = /^ {2}\S|^ {4}(- \{|--ts_out)/;
    const sentences = lines.filter((line) => !examples.test(line));
    expect(sentences.filter((line) => line.length > width)).toEqual([]);
    expect(Math.max(...sentences.map((line) => line.length))).toBeGreaterThan(width * 0.9);
    // Whatever the width, it says the same.
    expect(lines.join(" ").replace(/\s+/g, " ")).toBe(help.replace(/\s+/g, " "));
  });

  test("shows a call of buf and one of protoc that work", () => {
    const [buf, protoc] = [...help.matchAll(/^With [^\n]*:\n\n((?: {2}.*\n)+)/gm)].map(([, lines]) =>
      lines!.replace(/^ {2}/gm, ""),
    );
    inDirectoryOf(
      {
        "proto/greeter.proto": readFileSync(join(root, "fixtures/proto/no_package.proto"), "utf8"),
        "buf.gen.yaml": buf!,
      },
      (directory) => {
        // As in a project that has them installed: README's project, installed, is a test of its own.
        const { PATH } = process.env;
        const bin = join(directory, "node_modules/.bin");
        const tools = {
          "protoc-gen-ts": pluginPath,
          buf: join(root, "node_modules/.bin/buf"),
          protoc: join(root, "node_modules/.bin/protoc"),
        };
        const links = Object.entries(tools).map(([name, target]) => `ln -s "${target}" "${bin}/${name}"`);
        const run = (commands: string) =>
          spawnSync("sh", ["-euc", commands], { cwd: directory, env: { ...process.env, PATH: `${bin}:${PATH}` } });
        run(`mkdir -p "${bin}"\n${links.join("\n")}`);
        const generated = ["greeter.ts", "greeter_grpc.ts"].map((name) => join("gen", name)).join(" ");
        for (const commands of ["buf generate proto", protoc!]) {
          const { status, stderr } = run(`rm -rf gen; ${commands}\nls ${generated}`);
          expect({ commands, status, stderr: stderr.toString() }).toEqual({ commands, status: 0, stderr: "" });
        }
      },
    );
  });
});

const hasScript = /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "");
const atTerminal = hasScript ? test : test.skip;

describe(`at a terminal, made by script of util-linux${hasScript ? "" : ", which is not there: skipped"}`, () => {
  /** Runs a command of the shell whose stdin, stdout and stderr are a terminal; `shown` is what is on its screen. */
  function terminal(command: string): { readonly shown: string; readonly status: number | null } {
    const env = { ...process.env, NODE: process.execPath, PLUGIN: pluginPath, SHELL: "/bin/sh" };
    const { stdout, status } = spawnSync("script", ["-qec", command, "/dev/null"], { env, encoding: "utf8" });
    return { shown: stdout.replaceAll("\r\n", "\n"), status };
  }

  atTerminal("without arguments: the usage on stderr, exit code 1", () => {
    inDirectoryOf({}, (directory) => {
      const to = (name: string) => join(directory, name);
      const command = `"$NODE" "$PLUGIN" > "${to("stdout")}" 2> "${to("stderr")}"`;
      expect(terminal(command)).toEqual({ shown: "", status: 1 });
      expect(readFileSync(to("stdout"), "utf8")).toBe("");
      expect(readFileSync(to("stderr"), "utf8")).toBe(help);
    });
  });

  atTerminal("the usage is as wide as the terminal", () => {
    expect(terminal('stty cols 57; "$NODE" "$PLUGIN"').shown).toBe(usageText(rows, 57));
    expect(terminal('stty cols 123; "$NODE" "$PLUGIN" --help').shown).toBe(usageText(rows, 123));
    expect(terminal('stty cols 0; "$NODE" "$PLUGIN" --help').shown).toBe(help);
  });

  atTerminal("a request that is piped in is answered, whatever the other two are", () => {
    const request = requestFor({ "a.proto": 'syntax = "proto3"; service S {}' });
    inDirectoryOf({}, (directory) => {
      const [input, output] = [join(directory, "request.bin"), join(directory, "response.bin")];
      const encoded = Buffer.from(request).toString("base64");
      const command = `echo ${encoded} | base64 -d > "${input}"; "$NODE" "$PLUGIN" < "${input}" > "${output}"`;
      expect(terminal(command)).toEqual({ shown: "", status: 0 });
      expect(Buffer.compare(readFileSync(output), runPlugin(request).stdout)).toBe(0);
    });
  });
});
