/** Which of several addresses is connected to, and how soon: RFC 8305. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { jest } from "@jest/globals";
import { kindsClient } from "../../fixtures/golden/ts-proto/kinds/v1/kinds_grpc.js";
import { type Address, tcpAddress } from "../../runtime/src/connection/resolver/address.js";
import { ordered } from "../../runtime/src/connection/resolver/resolve.js";
import { type Attempt, Round } from "../../runtime/src/connection/subchannel/round.js";
import { startKinds } from "../runtime/kinds.js";
import { socketTransports } from "./node-http2.js";
import { dialled, echo, nextEvent, portOf, stopProxied } from "./proxied.js";

describe("addresses of both families", () => {
  test.each([
    [
      ["::1", "::2", "10.0.0.1"],
      ["::1", "10.0.0.1", "::2"],
    ],
    [
      ["10.0.0.1", "10.0.0.2", "::1", "::2", "::3"],
      ["10.0.0.1", "::1", "10.0.0.2", "::2", "::3"],
    ],
    [
      ["10.0.0.2", "10.0.0.1"],
      ["10.0.0.2", "10.0.0.1"],
    ],
    [
      ["::1", "::1", "10.0.0.1", "::1"],
      ["::1", "10.0.0.1"],
    ],
    [[], []],
  ])("%j are tried in turn, once each: %j", (found, tried) => {
    expect(ordered(found)).toEqual(tried);
  });
});

describe("a round", () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  function begin(count: number) {
    const log: string[] = [];
    const attempts: Attempt[] = [];
    const addresses = Array.from({ length: count }, (_, i) => tcpAddress(`10.0.0.${i + 1}`, 1));
    const start = ({ name }: Address) => {
      log.push(`begins ${name}`);
      const attempt = { abandon: () => log.push(`abandons ${name}`) };
      attempts.push(attempt);
      return attempt;
    };
    const round = new Round(addresses, start, (reason) => log.push(`lost: ${reason}`));
    return { round, attempts, log };
  }

  test("gives each address 250 ms to itself, and abandons the others when one is there", () => {
    const { round, attempts, log } = begin(3);
    jest.advanceTimersByTime(249);
    expect(log).toEqual(["begins 10.0.0.1:1"]);
    jest.advanceTimersByTime(1);
    round.won(attempts[1]!);
    jest.advanceTimersByTime(10_000);
    expect(log).toEqual(["begins 10.0.0.1:1", "begins 10.0.0.2:1", "abandons 10.0.0.1:1"]);
    expect(jest.getTimerCount()).toBe(0);
  });

  test("goes on at once when one fails, and is lost when all have", () => {
    const { round, attempts, log } = begin(2);
    round.failed(attempts[0]!, "refused");
    expect(log).toEqual(["begins 10.0.0.1:1", "begins 10.0.0.2:1"]);
    expect(jest.getTimerCount()).toBe(0);
    round.failed(attempts[1]!, "silent");
    round.failed(attempts[1]!, "told twice");
    expect(log.slice(2)).toEqual(["lost: refused; silent"]);
  });

  test("waits for those that are still at it when the last has failed", () => {
    const { round, attempts, log } = begin(2);
    jest.advanceTimersByTime(250);
    round.failed(attempts[1]!, "refused");
    expect(log).toEqual(["begins 10.0.0.1:1", "begins 10.0.0.2:1"]);
    round.failed(attempts[0]!, "refused");
    expect(log[2]).toBe("lost: refused");
  });

  test("says of many why in a line", () => {
    const { round, attempts, log } = begin(5);
    for (let i = 0; i < 5; i++) round.failed(attempts[i]!, `no ${i + 1}`);
    expect(log.at(-1)).toBe("lost: no 1; no 2; no 3; and 2 more");
  });

  test("that is abandoned begins no more", () => {
    const { round, log } = begin(2);
    round.abandon();
    jest.advanceTimersByTime(10_000);
    expect(log).toEqual(["begins 10.0.0.1:1", "abandons 10.0.0.1:1"]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe.each(socketTransports)("a channel on $name", ({ transport }) => {
  afterEach(stopProxied);

  test("reaches the address that answers, soon, where the first accepts and says nothing", async () => {
    const kinds = await startKinds("grpc-js", echo);
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.resume())).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const [first, second] = [`127.0.0.1:${(silent.address() as AddressInfo).port}`, `127.0.0.1:${portOf(kinds)}`];
    const channel = dialled(`ipv4:${first},${second}`, { transport, connectTimeoutMs: 60_000 });
    const connected = nextEvent(channel, "connected");
    const began = performance.now();
    expect(await kindsClient(channel).unary({ text: "soon" })).toMatchObject({ text: "soon" });
    // A timer of Node.js may be early by a millisecond.
    expect(performance.now() - began).toBeGreaterThanOrEqual(249);
    expect(await connected).toMatchObject({ peer: second });
    for (const socket of sockets) if (!socket.closed) await once(socket, "close");
    expect(sockets.size).toBe(1);
    silent.close();
  });

  test("tells of all addresses why none can be reached", async () => {
    const channel = dialled("ipv4:127.0.0.1:1,127.0.0.2:1", { transport });
    await expect(kindsClient(channel).unary({})).rejects.toMatchObject({
      details: "no connection could be made: connect ECONNREFUSED 127.0.0.1:1; connect ECONNREFUSED 127.0.0.2:1",
    });
  });
});
