/** `service_config` from end to end: through compilers, tsc and bundlers, and over a real connection. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type CallOptions, Code, dial, RpcError, Server, type ServerCall } from "@trunkline/runtime";
import { build } from "esbuild";
import { node } from "../node.js";
import { wireTransports } from "../runtime/transports.js";
import { inDirectoryOf, readAll, requestFor, root } from "./compile-protos.js";
import { generateWith, load, removeGenerated, writeGenerated } from "./configured.js";
import { pluginPath, runPlugin } from "./plugin-process.js";
import { decodeResponse, generate } from "./responses.js";

afterAll(removeGenerated);

const protos = {
  "jobs.proto": `syntax = "proto3"; package jobs;
    message Job { string name = 1; }
    service Jobs {
      rpc Run(Job) returns (Job);
      rpc Race(Job) returns (Job);
      rpc Wait(Job) returns (Job);
      rpc Follow(Job) returns (stream Job);
    }
    service Idle { rpc Rest(Job) returns (Job); }`,
};

const config = {
  methodConfig: [
    {
      name: [
        { service: "jobs.Jobs", method: "Run" },
        { service: "jobs.Jobs", method: "Follow" },
      ],
      timeout: "60s",
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "0.002s",
        maxBackoff: "0.01s",
        backoffMultiplier: 2,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
    {
      name: [{ service: "jobs.Jobs", method: "Race" }],
      hedgingPolicy: { maxAttempts: 3, nonFatalStatusCodes: ["UNAVAILABLE"] },
    },
    { name: [{ service: "jobs.Jobs", method: "Wait" }], timeout: "0.05s" },
    { name: [{}], timeout: "0.5s", retryPolicy: null },
  ],
};

interface Job {
  readonly name: string;
}

/** What is generated, as far as these tests use it. */
interface Generated {
  readonly UnimplementedJobsServer: new () => object;
  readonly registerJobsServer: (server: Server, jobs: object) => void;
  readonly jobsClient: (channel: unknown) => {
    readonly [method in "run" | "race" | "wait"]: (job: Partial<Job>, options?: CallOptions) => Promise<Job>;
  } & { readonly follow: (job: Partial<Job>, options?: CallOptions) => AsyncIterable<Job> };
}

describe.each([["ts-proto"], ["protobuf-es"]])("with messages=%s", (library) => {
  let folder = "";
  beforeAll(async () => {
    folder = writeGenerated(await generateWith(config, protos, `messages=${library}`));
  });

  test("tsc passes with every flag", () => {
    const paths = {
      "@trunkline/runtime": [join(root, "runtime/src/index.ts")],
      "@trunkline/runtime/*": [join(root, "runtime/src/*.ts")],
    };
    const tsconfig = join(folder, "tsconfig.json");
    const settings = { extends: join(root, "fixtures/tsconfig.json"), include: ["*.ts"], compilerOptions: { paths } };
    writeFileSync(tsconfig, JSON.stringify(settings));
    node([join(root, "node_modules/typescript/bin/tsc"), "-p", tsconfig]);
    // It would not, were a field of another name or type.
    const file = join(folder, "jobs_grpc.ts");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace("initialBackoffMs", "initialBackoff"));
    expect(() => node([join(root, "node_modules/typescript/bin/tsc"), "-p", tsconfig])).toThrow(/TS2353|TS2561/);
    writeFileSync(file, text);
  }, 60_000);

  test("a bundler drops the tables that nobody uses", async () => {
    const contents = `import { requireContract } from "@trunkline/runtime"; import "./jobs_grpc.ts"; requireContract(1);`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: folder },
      bundle: true,
      write: false,
      format: "esm",
      packages: "external",
    });
    expect(outputFiles[0]?.text).not.toMatch(/maxAttempts|Method\(/);
  });

  describe.each(wireTransports)("over $name", ({ transport }) => {
    const stops: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const stop of stops.splice(0)) await stop();
    });

    async function serve(jobs: object) {
      const generated = (await load(folder, "jobs_grpc.ts")) as unknown as Generated;
      const server = new Server({ transport });
      generated.registerJobsServer(server, Object.assign(new generated.UnimplementedJobsServer(), jobs));
      const channel = dial((await server.listen("127.0.0.1:0")).address, { transport });
      stops.push(
        () => channel.close(),
        () => server.shutdown(),
      );
      return generated.jobsClient(channel);
    }

    /** Fails so many times with UNAVAILABLE, and keeps what the server is told of earlier attempts. */
    function failing(times: number) {
      const attempts: (string | undefined)[] = [];
      const fail = (call: ServerCall) => {
        attempts.push(call.metadata.get("grpc-previous-rpc-attempts"));
        if (attempts.length <= times) throw new RpcError(Code.UNAVAILABLE, `attempt ${attempts.length}`);
      };
      return { attempts, fail };
    }

    test("a call is tried again as its table entry says", async () => {
      const { attempts, fail } = failing(2);
      const timesLeft: number[] = [];
      const client = await serve({
        run: (job: Job, call: ServerCall) => {
          timesLeft.push(call.timeLeftMs());
          fail(call);
          return { name: job.name };
        },
      });
      expect(await client.run({ name: "sweep" })).toMatchObject({ name: "sweep" });
      expect(attempts).toEqual([undefined, "1", "2"]);
      for (const left of timesLeft) {
        expect(left).toBeGreaterThan(30_000);
        expect(left).toBeLessThanOrEqual(60_000);
      }
    });

    test("and no more often, nor where the caller wants none", async () => {
      const { attempts, fail } = failing(Number.POSITIVE_INFINITY);
      const client = await serve({ run: (_job: Job, call: ServerCall) => fail(call) });
      await expect(client.run({})).rejects.toMatchObject({ code: Code.UNAVAILABLE, attempts: 3 });
      expect(attempts).toEqual([undefined, "1", "2"]);
      await expect(client.run({}, { retry: false })).rejects.toMatchObject({ code: Code.UNAVAILABLE, attempts: 1 });
      expect(attempts).toHaveLength(4);
    });

    test("so is a stream that has not begun", async () => {
      const { attempts, fail } = failing(2);
      const client = await serve({
        async *follow(job: Job, call: ServerCall) {
          fail(call);
          yield { name: job.name };
        },
      });
      const names: string[] = [];
      for await (const { name } of client.follow({ name: "log" })) names.push(name);
      expect(names).toEqual(["log"]);
      expect(attempts).toEqual([undefined, "1", "2"]);
    });

    test("a call is hedged as its table entry says", async () => {
      const { attempts, fail } = failing(2);
      const client = await serve({
        race: (job: Job, call: ServerCall) => {
          fail(call);
          return { name: job.name };
        },
      });
      expect(await client.race({ name: "quick" })).toMatchObject({ name: "quick" });
      expect(attempts).toHaveLength(3);
    });

    test("a call ends when the time of its table entry is up, at both ends", async () => {
      let left = Number.POSITIVE_INFINITY;
      let aborted!: () => void;
      const abort = new Promise<void>((resolve) => {
        aborted = resolve;
      });
      const client = await serve({
        wait: (_job: Job, call: ServerCall) => {
          left = call.timeLeftMs();
          return new Promise((_resolve, reject) => {
            call.signal.addEventListener("abort", () => {
              aborted();
              reject(call.signal.reason);
            });
          });
        },
      });
      const began = performance.now();
      await expect(client.wait({})).rejects.toMatchObject({ code: Code.DEADLINE_EXCEEDED });
      expect(performance.now() - began).toBeGreaterThanOrEqual(49);
      await abort;
      expect(left).toBeLessThanOrEqual(50);
    });
  });
});

describe("the plugin as compilers run it", () => {
  const files = {
    "conf/jobs.json": JSON.stringify(config),
    "work/here.json": JSON.stringify({ methodConfig: [{ name: [{}], timeout: "7s" }] }),
    "protos/jobs.proto": protos["jobs.proto"],
    "work/out/.keep": "",
  };

  /** Runs buf or protoc in `work`; what they wrote, or what they said. */
  function compile(directory: string, tool: "buf" | "protoc", path: string): { output: string; said: string } {
    const opt = `service_config=${path}`;
    const template = JSON.stringify({ version: "v2", plugins: [{ local: ["node", pluginPath], out: "out", opt }] });
    const [script, ...args] =
      tool === "buf"
        ? ["@bufbuild/buf/bin/buf", "generate", "../protos", "--template", template]
        : [
            "protoc/protoc.cjs",
            "-I../protos",
            `--plugin=protoc-gen-ts=${pluginPath}`,
            "--ts_out=out",
            `--ts_opt=${opt}`,
            "jobs.proto",
          ];
    const { stderr } = spawnSync(process.execPath, [join(root, "node_modules", script!), ...args], {
      cwd: join(directory, "work"),
      encoding: "utf8",
    });
    return { output: readAll(join(directory, "work/out"), "_grpc.ts")["jobs_grpc.ts"] ?? "", said: stderr };
  }

  test.each([["buf"], ["protoc"]] as const)(
    "reads relative to where %s is run, and anywhere",
    (tool) => {
      inDirectoryOf(files, (directory) => {
        expect(compile(directory, tool, "../conf/jobs.json").output).toContain("initialBackoffMs: 2,");
        expect(compile(directory, tool, "here.json").output).toContain("timeoutMs: 7000,");
        expect(compile(directory, tool, join(directory, "conf/jobs.json")).output).toContain("initialBackoffMs: 2,");
      });
    },
    60_000,
  );

  test.each([["buf"], ["protoc"]] as const)("says through %s where it has looked for what is not there", (tool) => {
    inDirectoryOf(files, (directory) => {
      const { output, said } = compile(directory, tool, "jobs.json");
      const whole = join(directory, "work", "jobs.json");
      expect(said).toContain("service_config: jobs.json: cannot be read (ENOENT: no such file or directory, open '");
      expect(said).toContain(`${whole}'): write the path of a file, absolute or from the directory in which buf or`);
      expect(output).toBe("");
    });
  });

  test("says of a directory that it is none", () => {
    const { stdout, status, stderr } = runPlugin(requestFor(protos, "service_config=."));
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(decodeResponse(stdout).error).toMatch(
      /^service_config: \.: cannot be read \(EISDIR: illegal operation on a directory[^\n]*\): write the path of a file/,
    );
  });
});

describe("docs/retries.md", () => {
  /** The first block of a language in a text, and the one after it. */
  const blocks = (text: string, language: string) => {
    const [, first, second] = text.split(`\`\`\`${language}\n`).map((part) => part.split("```")[0]!);
    return [first!, second] as const;
  };
  const section = readFileSync(join(root, "docs/retries.md"), "utf8").split("## From a service config")[1]!;
  const [conf] = blocks(section, "json");
  const [entry, fault] = blocks(section, "text");
  const [greeter] = blocks(readFileSync(join(root, "README.md"), "utf8"), "proto");

  test("shows what becomes of its file", async () => {
    const output = (await generateWith(conf, { "greeter.proto": greeter })).files.get("greeter_grpc.ts");
    expect(output).toContain(entry);
    expect(output).toContain("      defaults: {\n        timeoutMs: 60000,\n      },\n");
  });

  test("shows what is said of a mistake in it", async () => {
    const { error } = await generateWith(conf.replace('"0.05s"', "50"), { "greeter.proto": greeter });
    expect(`${error}\n`).toBe(fault!.replace("greeter.json", "conf.json"));
  });
});

test("who has no files says so", async () => {
  expect((await generate(requestFor(protos, "service_config=a.json"))).error).toMatch(
    /^service_config: a\.json: cannot be read \(there are no files here\): write the path of a file/,
  );
});
