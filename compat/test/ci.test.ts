/** docs/ci.md, done: a repository with the files of the page, on the packed plugin; its step, and its jobs. */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { filesOfPage, npm, pack, tool, writeFiles } from "../../test/packages/project.js";

const page = filesOfPage("docs/ci.md");

/** What `buf lint` has nothing to say against. */
const greeter = `syntax = "proto3";

package greeter.v1;

service GreeterService {
  rpc SayHello(SayHelloRequest) returns (SayHelloResponse);
}

message SayHelloRequest {
  string name = 1;
}

message SayHelloResponse {
  string text = 1;
}
`;
const [proto, output] = ["proto/greeter/v1/greeter.proto", "gen/greeter/v1/greeter_grpc.ts"];
const farewell = greeter.replaceAll(/greeter/gi, (word) => (word === "greeter" ? "farewell" : "Farewell"));
const [otherProto, otherOutput] = ["proto/farewell/v1/farewell.proto", "gen/farewell/v1/farewell_grpc.ts"];

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Neither this machine's settings of git, nor those of the process of the tests. */
const env = {
  ...process.env,
  NODE_OPTIONS: "",
  npm_config_prefer_offline: "true",
  npm_config_loglevel: "silent",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  ...Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((who) => [
      [`GIT_${who}_NAME`, "Ada"],
      [`GIT_${who}_EMAIL`, "ada@example.com"],
    ]),
  ),
};

function sh(cwd: string, command: string): Ended {
  const { status, stdout, stderr } = spawnSync("sh", ["-ec", command], { cwd, env, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Runs what is to succeed. */
function done(cwd: string, command: string): string {
  const { status, stdout, stderr } = sh(cwd, command);
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** A package that starts one of the repository's own tools: those are large, and in package-lock.json for one platform. */
function toolPackage(name: string, bin: string, script: string): (readonly [name: string, text: string])[] {
  const call = `[${JSON.stringify(tool(script))}, ...process.argv.slice(2)]`;
  return [
    [`tools/${bin}/package.json`, JSON.stringify({ name, version: "1.0.0", bin: { [bin]: `${bin}.cjs` } })],
    [
      `tools/${bin}/${bin}.cjs`,
      `#!/usr/bin/env node
const { status } = require("node:child_process").spawnSync(process.execPath, ${call}, { stdio: "inherit" });
process.exit(status ?? 1);
`,
    ],
  ];
}

let folder: string;
let repository: string;

beforeAll(() => {
  const packed = pack();
  folder = packed.folder;
  repository = join(folder, "repository");
  const devDependencies = {
    "@trunkline/protoc-gen-ts": `file:../${packed.packages.find((name) => name.includes("protoc-gen-ts"))}`,
    "@bufbuild/buf": "file:tools/buf",
    protoc: "file:tools/protoc",
  };
  writeFiles(repository, [
    ...page,
    ["package.json", JSON.stringify({ ...JSON.parse(page.get("package.json")!), devDependencies })],
    [".gitignore", "node_modules/\n.npm/\n"],
    [proto, greeter],
    ...toolPackage("@bufbuild/buf", "buf", "@bufbuild/buf/bin/buf"),
    ...toolPackage("protoc", "protoc", "protoc/protoc.cjs"),
  ]);
  npm(["install", "--prefer-offline"], repository);
  done(
    repository,
    "npm run generate; git init -q -b main; git add .; git commit -qm 'What is current'; git tag current",
  );
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** What the step says of a commit of these changes on top of what is current. */
function stepAfter(change: () => void): Ended {
  done(repository, "git switch -q --detach current");
  change();
  done(repository, "git add --all; git commit -qm 'A change' --allow-empty");
  const ended = sh(repository, "sh check-generated.sh");
  done(repository, "git reset -q --hard; git clean -qfdx -e node_modules");
  return ended;
}

const wanted = "gen/ is not what the protos give: run 'npm run generate' and commit gen/.\n";

/** What goes wrong, how git shows it, and how it comes to be. */
const faults: readonly (readonly [what: string, shown: string, change: () => void])[] = [
  [
    "a proto was changed",
    ` M ${output}`,
    () => writeFiles(repository, [[proto, greeter.replace("SayHello(", "Hail(")]]),
  ],
  ["a proto was added", `?? ${otherOutput}`, () => writeFiles(repository, [[otherProto, farewell]])],
  [
    "an output has no proto any more",
    ` D ${otherOutput}`,
    () => writeFiles(repository, [[otherOutput, "// Stale.\n"]]),
  ],
  [
    "an output was edited",
    ` M ${output}`,
    () => writeFiles(repository, [[output, `${readFileSync(join(repository, output), "utf8")}// By hand.\n`]]),
  ],
  ["an output was removed", `?? ${output}`, () => rmSync(join(repository, output))],
  [
    "an output is ignored",
    `!! ${output}`,
    () => {
      writeFiles(repository, [[".gitignore", "node_modules/\n*_grpc.ts\n"]]);
      done(repository, "git rm -q --cached gen -r");
    },
  ],
];

function expectFault(shown: string, { status, stdout, stderr }: Ended): void {
  expect({ status, stderr }).toEqual({ status: 1, stderr: wanted });
  expect(stdout.split("\n")).toContain(shown);
  // The difference itself, of what git has.
  if (!/^[?!]/.test(shown)) expect(stdout).toContain(`--- a/${shown.slice(3)}`);
}

describe("the step, with buf", () => {
  test("passes what is current, and leaves it as it is", () => {
    done(repository, "git switch -q --detach current");
    expect(sh(repository, "npm run check-generated")).toMatchObject({ status: 0, stderr: "" });
    expect(done(repository, "git status --porcelain --ignored")).toBe("!! node_modules/\n");
  }, 60_000);

  test("passes a change that has been generated", () => {
    const change = () => {
      writeFiles(repository, [
        [proto, greeter.replace("SayHello(", "SayHelloAgain(")],
        [otherProto, farewell],
      ]);
      done(repository, "npm run generate");
    };
    expect(stepAfter(change)).toMatchObject({ status: 0, stderr: "" });
  }, 60_000);

  test.each(faults)(
    "fails where %s, and says what to run",
    (_what, shown, change) => {
      expectFault(shown, stepAfter(change));
    },
    60_000,
  );

  test("fails where a proto does not compile, as the compiler says it", () => {
    const { status, stderr } = stepAfter(() => writeFiles(repository, [[proto, greeter.replace("rpc", "prc")]]));
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/greeter\.proto:6:/);
    expect(stderr).not.toContain(wanted);
  }, 60_000);

  test("fails where git does", () => {
    const { status, stderr } = stepAfter(() => {
      // The page's own script, but for a git that has no repository here.
      const script = page.get("check-generated.sh")!.replace("set -eu", "set -eu\nexport GIT_DIR=nowhere");
      writeFiles(repository, [["check-generated.sh", script]]);
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain("not a git repository");
  }, 60_000);

  test("fails where nothing is generated into the folder that it looks at", () => {
    const script = page.get("check-generated.sh")!.replace("generated=gen", "generated=generated");
    const { status, stderr } = stepAfter(() => writeFiles(repository, [["check-generated.sh", script]]));
    expect({ status, stderr }).toEqual({ status: 1, stderr: "'npm run generate' makes no generated/\n" });
  }, 60_000);
});

describe("the step, with protoc", () => {
  /** The page's other line of package.json. */
  function configure(): void {
    const { generate } = JSON.parse(page.get("package.json")!).scripts;
    const line = /`"generate": ("[^`]*")`/.exec(readFileSync("docs/ci.md", "utf8"))?.[1];
    const text = readFileSync(join(repository, "package.json"), "utf8");
    writeFiles(repository, [["package.json", text.replace(JSON.stringify(generate), line!)]]);
    expect(JSON.parse(readFileSync(join(repository, "package.json"), "utf8")).scripts.generate).toBe("sh generate.sh");
  }

  test("passes what buf has generated: it is the same", () => {
    expect(stepAfter(configure)).toMatchObject({ status: 0, stderr: "" });
  }, 60_000);

  test.each(faults.slice(0, 3))(
    "fails where %s, and says what to run",
    (_what, shown, change) => {
      const ended = stepAfter(() => {
        configure();
        change();
      });
      expectFault(shown, ended);
    },
    60_000,
  );

  test("fails where a proto does not compile, as the compiler says it", () => {
    const { status, stderr } = stepAfter(() => {
      configure();
      writeFiles(repository, [[proto, greeter.replace("rpc", "prc")]]);
    });
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/greeter\.proto:6:/);
    expect(stderr).not.toContain(wanted);
  }, 60_000);
});

describe.each([
  [".github/workflows/generated-code.yml", /^ +- run: (.*)$/gm],
  [".gitlab-ci.yml", /(?<=\n {2}script:\n(?: {4}.*\n)*) {4}- (.*)$/gm],
])("the job of %s", (file, commandLine) => {
  const text = page.get(file)!;
  const commands = [...text.matchAll(commandLine)].map(([, command]) => command!);

  test("has the commands that its page is about", () => {
    expect(commands.map((command) => command.split(" ", 3).join(" "))).toEqual([
      expect.stringMatching(/^npm ci( --prefer-offline)?$/),
      "npm run check-generated",
      "npx buf lint",
      "git fetch --depth=1",
      "npx buf breaking",
    ]);
    expect(text).not.toMatch(/\t|: \||: >/);
  });

  test("passes the main branch, and fails a change that breaks others", () => {
    done(repository, "git switch -q --force-create breaking current");
    writeFiles(repository, [[proto, greeter.replace("string text", "int64 text")]]);
    done(repository, "npm run generate; git commit -qam 'Not the same any more'; git switch -q main");

    // As a CI checks out: one commit, on no branch.
    const checkout = join(folder, file.replaceAll("/", "-"));
    done(folder, `git init -q "${checkout}"; git -C "${checkout}" remote add origin "file://${repository}"`);
    const branch = (name: string) =>
      done(checkout, `git fetch -q --depth=1 origin refs/heads/${name}; git checkout -q --force --detach FETCH_HEAD`);
    branch("main");
    for (const command of commands) done(checkout, command);

    branch("breaking");
    const { status, stdout } = sh(checkout, commands.at(-1)!);
    expect({ status, stdout }).toEqual({
      status: 100,
      stdout: expect.stringContaining('"text" on message "SayHelloResponse" changed type from "string" to "int64"'),
    });
  }, 300_000);
});
