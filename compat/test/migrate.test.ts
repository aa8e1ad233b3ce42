/** The migration guides: their programs before and after, in every pairing, and the steps between. */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { buildGuide, GuideServer, installForGuides, readGuide, runClient } from "./guide.js";

const pages = ["migrate-grpc-js", "migrate-nice-grpc", "migrate-connect", "migrate-proto-loader"];

const pairings = ["before", "after"].flatMap((server) => ["before", "after"].map((client) => ({ server, client })));

let folder: string;
beforeAll(() => {
  folder = installForGuides();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(pages)("%s", (page) => {
  const guide = readGuide(page);
  let project: string;
  beforeAll(() => {
    project = buildGuide(folder, guide);
  });

  test.each(pairings)("server $server, client $client", async ({ server, client }) => {
    await using serving = new GuideServer(project, `${server}/server`);
    expect(await runClient(project, `${client}/client`, await serving.addresses())).toEqual(
      guide.outputs.get("client"),
    );
    const expected = guide.outputs.get("server")!;
    // A call that was left and one that ran out of time may end at the server in either order.
    expect((await serving.report(expected.length)).sort()).toEqual([...expected].sort());
    expect(await serving.stop()).toBe(0);
  });

  test("step by step", async () => {
    await using serving = new GuideServer(project, "steps/server");
    expect(await runClient(project, "steps/client", await serving.addresses())).toEqual(guide.outputs.get("steps"));
    expect(await serving.stop()).toBe(0);
  });
});

describe("what the guides have in common", () => {
  const guides = pages.map(readGuide);
  const distinct = (of: typeof guides, name: string) => new Set(of.map((guide) => guide.files.get(name)));
  const withTsProto = guides.filter((guide) => !guide.files.get("generate.sh")!.includes("messages=protobuf-es"));

  test("is that the index links them", () => {
    const links = [...readFileSync("docs/migrating.md", "utf8").matchAll(/\]\((migrate-\S+)\.md\)/g)].map(
      (link) => link[1]!,
    );
    expect(links.sort()).toEqual([...pages].sort());
    expect(readdirSync("docs").filter((name) => name.startsWith("migrate-"))).toEqual(
      links.map((page) => `${page}.md`),
    );
  });

  test("is the service, and what its programs print", () => {
    expect(distinct(guides, "proto/greeter.proto").size).toBe(1);
    for (const name of ["client", "server"]) {
      expect(new Set(guides.map((guide) => guide.outputs.get(name)?.join("\n"))).size).toBe(1);
    }
  });

  test("is the program that those with ts-proto's messages end at", () => {
    expect(withTsProto.length).toBe(3);
    for (const name of ["after/server.ts", "after/client.ts"]) expect(distinct(withTsProto, name).size).toBe(1);
  });
});
