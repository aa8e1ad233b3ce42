/** Makes mocks, calls them in every way, lets go of them and closes nothing; prints what is left then. */
import { MockService } from "@trunkline/runtime/mock";
import { KindsDesc } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";

const before = process.getActiveResourcesInfo();
const made: WeakRef<MockService>[] = [];
let answered = 0;

async function use(): Promise<void> {
  const service = new MockService(KindsDesc);
  made.push(new WeakRef(service));
  const unary = service.unary(KindsDesc.methods.unary).answer({ text: "a" });
  const serverStream = service.serverStream(KindsDesc.methods.serverStream).answer([{ text: "a" }, { text: "b" }]);
  const clientStream = service.clientStream(KindsDesc.methods.clientStream).fail(new Error("no"));
  const bidiStream = service.bidiStream(KindsDesc.methods.bidiStream).answer((requests) => requests);
  if ((await unary({}, { timeoutMs: 3_600_000 })).text === "a") answered++;
  for await (const _left of serverStream({}, { timeoutMs: 3_600_000 })) break;
  answered++;
  await clientStream([{}, {}]).catch(() => answered++);
  for await (const { text } of bidiStream([{ text: "echo" }])) if (text === "echo") answered++;
}

for (let i = 0; i < 50; i++) await use();

// What is forgotten is so a few turns later.
for (let i = 0; i < 10; i++) {
  await new Promise(setImmediate);
  globalThis.gc!();
}
const left = made.filter((one) => one.deref() !== undefined).length;
const resources = process.getActiveResourcesInfo();
console.log(JSON.stringify({ made: made.length, answered, left, before, resources }));
