/** What calls without interceptors do not pay for. */
import { createHook } from "node:async_hooks";
import { type CallSpec, dial, type Interceptor, type Transport } from "@trunkline/runtime";
import { type KindsClient, kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { collect, startKinds, stopKinds } from "./kinds.js";
import { loopback } from "./loopback.js";

afterEach(stopKinds);

const pass: Interceptor = (next) => (call) => next(call);
const later: Interceptor = (next) => async (call) => next(call);

const methods = { unary: () => ({}), clientStream: () => ({}), serverStream: () => [{}], bidiStream: () => [{}] };

test("no metadata is made for a call that has none", async () => {
  let specs: CallSpec<unknown, unknown>[] = [];
  const transport: Transport = {
    ...loopback,
    name: "loopback that is watched",
    async connect(options, observer) {
      const channel = await loopback.connect(options, observer);
      return {
        ...channel,
        start(spec, sink) {
          specs.push(spec as CallSpec<unknown, unknown>);
          return channel.start(spec, sink);
        },
      };
    },
  };
  const { address } = await startKinds(transport, methods);
  const callAll = async (interceptors: Interceptor[]) => {
    specs = [];
    const client = kindsClient(dial(address, { transport, interceptors }));
    await client.unary({});
    await client.clientStream([]);
    await collect(client.serverStream({}));
    await collect(client.bidiStream([]));
    return specs.map(({ metadata }) => metadata?.size);
  };
  expect(await callAll([])).toEqual([undefined, undefined, undefined, undefined]);
  // An interceptor may want to set some.
  expect(await callAll([pass])).toEqual([0, 0, 0, 0]);
});

/** Promises that are made in this process from a unary call's first step to its answer, the call's own among them. */
function promisesOf(client: KindsClient): Promise<number> {
  return new Promise((resolve, reject) => {
    let promises = 0;
    const hook = createHook({ init: (_id, type) => void (type === "PROMISE" && promises++) });
    hook.enable();
    client.unary({}).then(() => {
      hook.disable();
      resolve(promises - 2); // Without that of then() here, and that of the await that waits for us.
    }, reject);
  });
}

test("a unary call makes one promise, the caller's, at both ends together; interceptors that pass on no more at a client", async () => {
  const bare = await startKinds(loopback, methods);
  await bare.client.unary({});
  expect(await promisesOf(bare.client)).toBe(1);
  expect(await promisesOf(bare.dial({ interceptors: [pass, pass, pass] }))).toBe(1);
  expect(await promisesOf(bare.dial({ interceptors: [later] }))).toBeGreaterThan(1);
  const intercepted = await startKinds(loopback, methods, { interceptors: [pass] });
  await intercepted.client.unary({});
  expect(await promisesOf(intercepted.client)).toBeGreaterThan(1);
});
