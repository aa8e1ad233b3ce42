/** `clientAuth`: a token on every call, refreshed once. `serverAuth`: who calls, typed. */
import { readFileSync } from "node:fs";
import {
  type CallOptions,
  Code,
  type DialOptions,
  dial,
  type Interceptor,
  RpcError,
  Server,
  type ServerCall,
  type ServerOptions,
  serverTls,
  tls,
} from "@trunkline/runtime";
import {
  type ClientAuthOptions,
  clientAuth,
  type ServerAuth,
  serverAuth,
  type TokenRequest,
  tokenOf,
} from "@trunkline/runtime/interceptors/auth";
import {
  type KindsClient,
  type KindsServer,
  kindsClient,
  registerKindsServer,
  UnimplementedKindsServer,
} from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, event, startKinds, stopKinds } from "../runtime/kinds.js";
import { transports } from "../runtime/transports.js";

const pem = (name: string) => readFileSync(`fixtures/tls/${name}`);
const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await stopKinds();
});

interface User {
  readonly name: string;
}

describe.each(transports)("auth on $name", ({ transport }) => {
  /** Over TLS; `more` dials again. */
  async function secure(
    methods: Partial<KindsServer>,
    options: ServerOptions,
  ): Promise<(more: DialOptions) => KindsClient> {
    const server = new Server({ transport, ...options });
    registerKindsServer(server, Object.assign(new UnimplementedKindsServer(), methods));
    const credentials = serverTls({ cert: pem("server.pem"), key: pem("server.key") });
    const { address } = await server.listen("127.0.0.1:0", { credentials });
    const target = { transport, credentials: tls({ ca: pem("ca.pem"), serverName: "localhost" }) };
    const channel = dial(address, target);
    stops.push(
      () => channel.close(),
      () => server.shutdown(),
    );
    return (more) => kindsClient(dial(address, { ...target, ...more }));
  }

  /** Lets in who has the token that counts now; says in its answers which that was. */
  function gate(valid: { token: string }) {
    const seen: (string | undefined)[] = [];
    const auth: ServerAuth<User> = serverAuth((call) => {
      seen.push(call.metadata.get("authorization"));
      const token = tokenOf(call);
      return token === valid.token ? { name: `owner of ${token}` } : undefined;
    });
    const answer = (_request: unknown, call: ServerCall) => ({ text: auth.identityOf(call).name });
    const methods: Partial<KindsServer> = {
      unary: answer,
      serverStream: (request, call) => [answer(request, call), {}],
      clientStream: answer,
      bidiStream: (requests, call) => [answer(requests, call)],
    };
    return { auth, seen, methods };
  }

  test("a token that does not change goes with every call", async () => {
    const { auth, seen, methods } = gate({ token: "t1" });
    const client = (await secure(methods, { interceptors: [auth] }))({ ...clientAuth({ token: "t1" }) });
    const owner = { text: "owner of t1" };
    expect(await client.unary({})).toMatchObject(owner);
    expect(await collect(client.serverStream({}))).toMatchObject([owner, {}]);
    expect(await client.clientStream([])).toMatchObject(owner);
    expect(await collect(client.bidiStream([]))).toMatchObject([owner]);
    expect(seen).toEqual(Array(4).fill("Bearer t1"));
  });

  test.each<[string, string]>([
    ["Basic", "Basic t1"],
    ["", "t1"],
  ])("scheme %p", async (scheme, expected) => {
    const { auth, seen, methods } = gate({ token: "other" });
    const client = (await secure(methods, { interceptors: [auth] }))({ ...clientAuth({ token: "t1", scheme }) });
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(seen).toEqual([expected]);
  });

  test("a token never travels in plaintext", async () => {
    const { auth, seen, methods } = gate({ token: "t1" });
    const kinds = await startKinds(transport, methods, { interceptors: [auth] });
    let asked = 0;
    const client = kinds.dial({ ...clientAuth({ getToken: () => `t${++asked}` }) });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
      details: expect.stringMatching(/TLS/),
    });
    expect([seen, asked]).toEqual([[], 0]);
  });

  test.each<[string, (client: KindsClient) => Promise<unknown>]>([
    ["unary", (client) => client.unary({})],
    ["server streaming", async (client) => (await collect(client.serverStream({})))[0]],
  ])("%s: refused calls share one refresh and are tried once more", async (_kind, start) => {
    const valid = { token: "t1" };
    const { auth, seen, methods } = gate(valid);
    const connect = await secure(methods, { interceptors: [auth] });
    const requests: TokenRequest[] = [];
    const release = event();
    const getToken = async (request: TokenRequest) => {
      requests.push(request);
      if (request.refused !== undefined) await release.happened;
      return `t${requests.length}`;
    };
    let refusals = 0;
    const options = clientAuth({ getToken });
    const count: Interceptor = (next) => (call) => {
      const reply = next(call);
      void reply.status.then(({ code }) => {
        if (code !== Code.UNAUTHENTICATED || ++refusals < 3) return;
        // All three have been refused: only now is there a new token.
        valid.token = "t2";
        release.happen();
      });
      return reply;
    };
    const client = connect({ ...options, interceptors: [...options.interceptors, count] });
    expect(await start(client)).toMatchObject({ text: "owner of t1" });
    valid.token = "none";
    const answers = await Promise.all([start(client), start(client), start(client)]);
    expect(answers).toMatchObject(Array(3).fill({ text: "owner of t2" }));
    expect(requests).toEqual([{ refused: undefined }, { refused: "t1" }]);
    expect(seen).toEqual([...Array(4).fill("Bearer t1"), ...Array(3).fill("Bearer t2")]);
  });

  test("a call is tried once more, not for ever, and a token that stays the same is asked for each time", async () => {
    const { auth, seen, methods } = gate({ token: "other" });
    let asked = 0;
    const getToken = () => {
      asked++;
      return "same";
    };
    const client = (await secure(methods, { interceptors: [auth] }))({ ...clientAuth({ getToken }) });
    for (const calls of [1, 2]) {
      await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
      expect([seen.length, asked]).toEqual([2 * calls, calls + 1]);
    }
  });

  test("calls that stream requests fail, and the next one has the new token", async () => {
    const valid = { token: "t1" };
    const { auth, methods } = gate(valid);
    let asked = 0;
    const options: ClientAuthOptions = { getToken: () => `t${++asked}` };
    const client = (await secure(methods, { interceptors: [auth] }))({ ...clientAuth(options) });
    await client.clientStream([]);
    valid.token = "t2";
    await expect(client.clientStream([])).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(await client.clientStream([])).toMatchObject({ text: "owner of t2" });
    valid.token = "t3";
    await expect(collect(client.bidiStream([]))).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(await collect(client.bidiStream([]))).toMatchObject([{ text: "owner of t3" }]);
  });

  test("a stream is not tried again after a message has come", async () => {
    let started = 0;
    const connect = await secure(
      {
        async *serverStream() {
          started++;
          yield { text: "one" };
          throw new RpcError(Code.UNAUTHENTICATED, "late");
        },
      },
      {},
    );
    const client = connect({ ...clientAuth({ getToken: () => "t" }) });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const { text } of client.serverStream({})) texts.push(text);
    })();
    await expect(reading).rejects.toMatchObject({ code: Code.UNAUTHENTICATED, details: "late" });
    expect([texts, started]).toEqual([["one"], 1]);
  });

  test("leaving a stream early cancels it", async () => {
    const closed = event();
    const connect = await secure(
      {
        async *serverStream() {
          try {
            for (;;) yield { text: "more" };
          } finally {
            closed.happen();
          }
        },
      },
      {},
    );
    for await (const _ of connect({ ...clientAuth({ token: "t" }) }).serverStream({})) break;
    await closed.happened;
  });

  test("a getToken that fails fails the call, and is asked again by the next", async () => {
    const { auth, methods } = gate({ token: "t2" });
    let asked = 0;
    const getToken = async () => {
      if (++asked === 1) throw new Error("no network");
      return `t${asked}`;
    };
    const client = (await secure(methods, { interceptors: [auth] }))({ ...clientAuth({ getToken }) });
    await expect(client.unary({})).rejects.toMatchObject({
      code: Code.UNAUTHENTICATED,
      details: "getToken of clientAuth() failed: no network",
    });
    expect(await client.unary({})).toMatchObject({ text: "owner of t2" });
  });

  test("a refresh that fails fails all calls that share it; the next asks again, and names the token that was refused", async () => {
    const valid = { token: "t1" };
    const { auth, methods } = gate(valid);
    const requests: TokenRequest[] = [];
    const allRefused = event();
    const getToken = async (request: TokenRequest) => {
      if (requests.push(request) !== 2) return valid.token;
      await allRefused.happened;
      throw new RpcError(Code.UNAVAILABLE, "no network");
    };
    let refusals = 0;
    const options = clientAuth({ getToken });
    const count: Interceptor = (next) => (call) => {
      const reply = next(call);
      void reply.status.then(({ code }) => {
        // One turn later, all of them wait for the new token.
        if (code === Code.UNAUTHENTICATED && ++refusals === 3) setImmediate(allRefused.happen);
      });
      return reply;
    };
    const connect = await secure(methods, { interceptors: [auth] });
    const client = connect({ ...options, interceptors: [...options.interceptors, count] });
    await client.unary({});
    valid.token = "t2";
    const calls = await Promise.allSettled([client.unary({}), client.unary({}), collect(client.serverStream({}))]);
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: { code: Code.UNAVAILABLE } });
    expect(await client.unary({})).toMatchObject({ text: "owner of t2" });
    expect(requests).toEqual([{ refused: undefined }, { refused: "t1" }, { refused: "t1" }]);
  });

  test("at a server it is refused: it would run handlers twice", async () => {
    const { interceptors } = clientAuth({ getToken: () => "t" });
    const reported: unknown[] = [];
    const onError = (error: unknown) => reported.push(String(error));
    const { client } = await startKinds(transport, { unary: () => ({}) }, { interceptors, onError });
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.UNKNOWN });
    expect(reported).toEqual([expect.stringMatching(/clientAuth\(\) is for clients/)]);
  });

  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["with a line break", "a\nb"],
    ["empty", ""],
  ])("a token that cannot be sent: %s", async (_what, token) => {
    const connect = await secure({ unary: () => ({}) }, {});
    const client = connect({ ...clientAuth({ getToken: () => token as string }) });
    await expect(client.unary({})).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("a call's own credentials are not refreshed", async () => {
    const { auth, seen, methods } = gate({ token: "t1" });
    const client = (await secure(methods, { interceptors: [auth] }))({ ...clientAuth({ getToken: () => "t1" }) });
    const options: CallOptions = { credentials: () => ({ authorization: "Bearer mine" }) };
    await expect(client.unary({}, options)).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    expect(seen).toEqual(["Bearer mine"]);
  });

  test.each<[string, () => User | null, Code, RegExp]>([
    [
      "throws an RpcError",
      () => {
        throw new RpcError(Code.PERMISSION_DENIED, "not you");
      },
      Code.PERMISSION_DENIED,
      /not you/,
    ],
    [
      "throws something else",
      () => {
        throw new TypeError("secret");
      },
      Code.UNAUTHENTICATED,
      /not accepted$/,
    ],
    ["finds nobody", () => null, Code.UNAUTHENTICATED, /not accepted$/],
  ])("a check that %s keeps the handler from running", async (_what, check, code, details) => {
    let handled = 0;
    const { client } = await startKinds(
      transport,
      { unary: () => ({ number: BigInt(++handled) }), serverStream: () => [{ number: BigInt(++handled) }] },
      { interceptors: [serverAuth(check)] },
    );
    const expected = { code, details: expect.stringMatching(details) };
    await expect(client.unary({})).rejects.toMatchObject(expected);
    await expect(collect(client.serverStream({}))).rejects.toMatchObject(expected);
    expect(handled).toBe(0);
  });

  test("no identity without the interceptor, nor on a client", async () => {
    const auth = serverAuth(() => ({ name: "x" }));
    const kinds = await startKinds(transport, { unary: (_request, call) => ({ text: auth.identityOf(call).name }) });
    await expect(kinds.client.unary({})).rejects.toMatchObject({ code: Code.UNAUTHENTICATED });
    await expect(kinds.dial({ interceptors: [auth] }).unary({})).rejects.toMatchObject({
      code: Code.FAILED_PRECONDITION,
    });
  });
});

test.each<[string, unknown]>([
  ["no token", {}],
  ["two", { token: "a", getToken: () => "b" }],
  ["no function", { getToken: "a" }],
  ["a token with a space", { token: "a b" }],
])("clientAuth() refuses %s", (_what, options) => {
  expect(() => clientAuth(options as ClientAuthOptions)).toThrow(
    expect.objectContaining({ code: Code.INVALID_ARGUMENT }),
  );
});

test("serverAuth() refuses what is no function", () => {
  expect(() => serverAuth(undefined as never)).toThrow(expect.objectContaining({ code: Code.INVALID_ARGUMENT }));
});
