/** Custom options out of tables, for interceptors: `@trunkline/runtime/options`. */
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  Code,
  dial,
  type Interceptor,
  insecure,
  RpcError,
  resetConnectionsForTest,
  Server,
  type ServiceDesc,
} from "@trunkline/runtime";
import { methodOption, serviceOption } from "@trunkline/runtime/options";
import * as clients from "../../fixtures/golden/clients/options/v1/index.js";
import { KindsDesc } from "../../fixtures/golden/protobuf-es/kinds/v1/kinds_grpc.js";
import {
  access,
  registerVaultServer,
  reviewed_by,
  tags,
  team,
  VaultDesc,
} from "../../fixtures/golden/servers/options/v1/index.js";
import { transports } from "./transports.js";

afterEach(() => resetConnectionsForTest());

describe("of a table made with options=embed", () => {
  test("a method's, typed by their extensions", () => {
    const rule = methodOption(VaultDesc.methods.open, access);
    const role: string | undefined = rule?.role;
    expect([role, rule?.audited]).toEqual(["keeper", true]);
    const all: string[] | undefined = methodOption(VaultDesc.methods.open, tags);
    expect(all).toEqual(["heavy", "slow"]);
  });

  test("one that is not set is undefined, whatever else is", () => {
    expect([methodOption(VaultDesc.methods.look, access), methodOption(VaultDesc.methods.knock, tags)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("what is for readers of the source alone is not there", () => {
    expect(methodOption(VaultDesc.methods.open, reviewed_by)).toBeUndefined();
  });

  test("a service's, also in tables for clients", () => {
    const name: string | undefined = serviceOption(VaultDesc, team);
    expect(name).toBe("storage");
    expect(serviceOption(clients.VaultDesc, clients.team)).toBe("storage");
    expect(clients.vaultOptions).toBe(clients.VaultDesc);
  });

  test("an extension of something else is a type error", () => {
    // @ts-expect-error: `team` is an option of services.
    expect(methodOption(VaultDesc.methods.open, team)).toBeUndefined();
  });
});

test.each<[string, () => unknown]>([
  [
    "/kinds.v1.Kinds/Unary: its table has no options: generate it with options=embed",
    () => methodOption(KindsDesc.methods.unary, access),
  ],
  ["kinds.v1.Kinds: its table has no options: generate it with options=embed", () => serviceOption(KindsDesc, team)],
])("without them it throws: %s", (details, read) => {
  expect(read).toThrow(expect.objectContaining({ code: Code.FAILED_PRECONDITION, details }));
});

test("a server refuses a table that is for clients alone", () => {
  const register = () => new Server().register(clients.VaultDesc as ServiceDesc, {} as never);
  expect(register).toThrow("options.v1.Vault: its table is for clients alone: generate it with server=on");
});

describe.each(transports)("$name: an interceptor of a server reads the rule of its call", ({ transport }) => {
  test("and a client that was made with server=off calls", async () => {
    const allow: Interceptor = (next) => (call) => {
      const needed = methodOption(call.method, access)?.role;
      if (needed !== undefined && call.metadata.get("role") !== needed) {
        throw new RpcError(Code.PERMISSION_DENIED, `${needed}s only`);
      }
      return next(call);
    };
    const server = new Server({ transport, interceptors: [allow] });
    registerVaultServer(server, { open: (door) => door, look: (door) => door, knock: (door) => door });
    const { address } = await server.listen("localhost:0");
    const vault = clients.vaultClient(dial(address, { transport, credentials: insecure() }));
    expect((await vault.knock({ name: "front" })).name).toBe("front");
    expect((await vault.open({ name: "front" }, { metadata: { role: "keeper" } })).name).toBe("front");
    await expect(vault.open({ name: "front" })).rejects.toMatchObject({ details: "keepers only" });
    await server.shutdown();
  });
});
