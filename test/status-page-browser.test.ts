/** The status page as a reader sees it, in a real browser. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { Code, closeAllConnections, dial, RpcError, type Server, type ServerStats } from "@trunkline/runtime";
import { type StatusPageOptions, statusPage } from "@trunkline/runtime/status-page";
import type { Browser, Page } from "playwright-core";
import { missingChromium, startChromium } from "../scripts/chromium.js";
import { event, type Kinds, startKinds, stopKinds } from "./runtime/kinds.js";
import { row, untilRow } from "./status-page-rows.js";

// In a run of many files jest does not show the titles of what it skips.
if (missingChromium !== undefined) console.warn(`status-page-browser.test.ts is skipped: ${missingChromium}`);
const describeInChromium = missingChromium === undefined ? describe : describe.skip;
const testInChromium = missingChromium === undefined ? test : test.skip;

let browser: Browser;
beforeAll(async () => {
  if (missingChromium === undefined) browser = await startChromium();
}, 60_000);
afterAll(() => browser?.close());

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const context of browser?.contexts() ?? []) await context.close();
  for (const http of servers.splice(0)) await stop(http);
  await stopKinds();
  await closeAllConnections();
});

async function serve(server: Pick<Server, "stats">, options: StatusPageOptions = {}, port = 0): Promise<HttpServer> {
  const http = createServer(statusPage(server, { everyMs: 100, ...options })).listen(port, "127.0.0.1");
  servers.push(http);
  await once(http, "listening");
  return http;
}

async function stop(http: HttpServer): Promise<void> {
  if (!http.listening) return;
  http.closeAllConnections();
  await once(http.close(), "close");
}

const portOf = (http: HttpServer) => (http.address() as AddressInfo).port;

/** A page, and what the browser had to say against it. */
async function look(http: HttpServer, options: Parameters<Browser["newPage"]>[0] = {}, path = "/") {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => complaints.push(message.text()));
  await page.goto(`http://127.0.0.1:${portOf(http)}${path}`);
  await news(page, "Live");
  return { page, complaints };
}

const news = (page: Page, text: string | RegExp) => page.getByRole("status").filter({ hasText: text }).waitFor();

const answering = { unary: ({ text }: { text: string }) => ({ text }) };

describeInChromium("what it shows", () => {
  test("changes with what happens: calls, failures, calls in flight, the histogram", async () => {
    const going = event();
    const answered = event();
    const kinds = await startKinds("grpc-js", {
      async unary({ text }) {
        if (text === "bad") throw new RpcError(Code.NOT_FOUND, text);
        if (text === "long") {
          going.happen();
          await answered.happened;
        }
        return { text };
      },
    });
    const { page, complaints } = await look(await serve(kinds.server));
    await untilRow(page, "Unary", "Started", "0");
    expect(await row(page, "Unary")).toMatchObject({ p50: "–", Failed: "0", "In flight": "0" });
    expect(await page.getByRole("img").count()).toBe(0);

    for (const text of ["a", "b", "c"]) await kinds.client.unary({ text });
    await kinds.client.unary({ text: "bad" }).catch(() => {});
    await untilRow(page, "Unary", "Failed", "1");
    expect(await row(page, "Unary")).toMatchObject({
      Started: "4",
      "In flight": "0",
      p50: expect.stringMatching(/ m?s$/),
    });
    await page.getByRole("img", { name: /^Latency of 4 calls, most often .* ms$/ }).waitFor();
    const bars = await page.locator(".histogram .bar title").allTextContents();
    expect(bars).toHaveLength(17);
    expect(bars[0]).toMatch(/^up to 0.1 ms: \d calls?$/);
    expect(bars.at(-1)).toBe("over 10 s: 0 calls");
    expect(bars.reduce((sum, text) => sum + Number(/(\d+) calls?$/.exec(text)![1]), 0)).toBe(4);

    const long = kinds.client.unary({ text: "long" });
    await going.happened;
    await untilRow(page, "Unary", "In flight", "1");
    answered.happen();
    await long;
    await untilRow(page, "Unary", "In flight", "0");
    await untilRow(page, "Unary", "Started", "5");
    expect(complaints).toEqual([]);
  });

  test("is what the server says, and how many calls a second that comes to", async () => {
    const kinds = await startKinds("grpc-js", answering);
    const { page } = await look(await serve(kinds.server));
    const figure = (name: string) =>
      page.locator(".figure", { has: page.getByText(name, { exact: true }) }).locator(".value");
    // Many in a row, so that at least one event falls among them.
    let calling = true;
    const calls = (async () => {
      while (calling) await kinds.client.unary({ text: "a" });
    })();
    await figure("Calls per second")
      .filter({ hasText: /^[1-9][\d,]*$/ })
      .waitFor();
    await page.locator("#rate-line[d^=M]").waitFor({ state: "attached" });
    calling = false;
    await calls;
    const { callsStarted } = kinds.server.stats().services[0]!.methods.find(({ path }) => path.endsWith("/Unary"))!;
    await untilRow(page, "Unary", "Started", callsStarted.toLocaleString("en"));
    await figure("Calls per second").filter({ hasText: /^0$/ }).waitFor();
    expect(await figure("Connections").textContent()).toBe("1");
    expect(await page.locator("#addresses").textContent()).toBe(kinds.address);
    expect(await page.locator("#server-state").textContent()).toBe("Serving");
    await kinds.server.shutdown();
    await page.locator("#server-state", { hasText: "Stopped" }).waitFor();
  });

  test("has the state of each long connection, in words, and what happened to it", async () => {
    const one = await startKinds("grpc-js", answering);
    const other = await startKinds("grpc-js", answering);
    const { page } = await look(await serve(one.server));
    const card = ({ channel }: Kinds) =>
      page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: channel.target }) });
    await card(one).getByText("Idle").waitFor();
    await one.client.unary({ text: "a" });
    await other.client.unary({ text: "a" });
    await card(one).getByText("Ready").waitFor();
    await other.server.shutdown();
    const happened = page.locator(".events li").filter({ hasText: other.channel.target });
    await happened.filter({ hasText: "Disconnected" }).waitFor();
    other.channel.connect();
    await card(other).getByText("Failing").waitFor();
    await card(other)
      .getByText(/^Last error: .*ECONNREFUSED/)
      .waitFor();
    await happened
      .filter({ hasText: /Could not connect.*ECONNREFUSED.*next attempt in about \d/ })
      .first()
      .waitFor();
    await happened.filter({ hasText: /^[\d:]+ Connected/ }).waitFor();
    await other.channel.close();
    await card(other).waitFor({ state: "detached" });
    expect(await card(one).count()).toBe(1);
  });

  test("is there below a path as well, with a slash at its end or without", async () => {
    const kinds = await startKinds("grpc-js", answering);
    const http = await serve(kinds.server, { path: "/internal/status" });
    for (const path of ["/internal/status", "/internal/status/"]) {
      const { page, complaints } = await look(http, {}, path);
      const [json] = await Promise.all([
        page.waitForResponse(/stats$/),
        page.getByRole("link", { name: /JSON/ }).click(),
      ]);
      expect(((await json.json()) as { server: ServerStats }).server.addresses).toEqual([kinds.address]);
      expect(complaints).toEqual([]);
    }
  });
});

testInChromium("a stream that breaks is shown as broken, and the page comes back by itself", async () => {
  const kinds = await startKinds("grpc-js", answering);
  const http = await serve(kinds.server);
  const { page } = await look(http);
  const port = portOf(http);
  await stop(http);
  await news(page, /^Connection lost, no news since \d\d:\d\d:\d\d; trying again$/);

  // Something else answers meanwhile, with which the browser itself would give up.
  const broken = createServer((_request, response) => response.writeHead(502).end()).listen(port, "127.0.0.1");
  servers.push(broken);
  await once(broken, "request");
  await news(page, "Connection lost");
  await stop(broken);

  await kinds.client.unary({ text: "a" });
  await serve(kinds.server, {}, port);
  await news(page, "Live");
  await untilRow(page, "Unary", "Started", "1");
});

testInChromium("a process that stands still is shown as silent, and heard when it goes on", async () => {
  const child = spawn(process.execPath, ["--import", "tsx", "test/programs/status-page.ts", "stay"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [port] = (await once(createInterface(child.stdout), "line")) as [string];
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/`);
    await news(page, "Live");
    child.kill("SIGSTOP");
    await news(page, /^No news since \d\d:\d\d:\d\d$/);
    child.kill("SIGCONT");
    await news(page, "Live");
  } finally {
    child.kill("SIGKILL");
  }
});

describeInChromium("hostile names", () => {
  const hostile = '<img src=x onerror="document.title=1"></script><script>document.title=2</script>\u202egnp.exe';
  const long = "x".repeat(300);

  const stats = (real: ServerStats, name: string): ServerStats => {
    const method = { ...real.services[0]!.methods[0]!, path: `/${name}/${name}` };
    return { ...real, addresses: [name], services: [{ serviceName: name, methods: [method] }] };
  };

  test("are text, wherever they stand", async () => {
    const kinds = await startKinds("grpc-js", answering);
    const http = await serve({ stats: () => stats(kinds.server.stats(), hostile.replaceAll("/", "")) });
    const { page, complaints } = await look(http);
    expect(await page.locator("caption").textContent()).toBe(hostile.replaceAll("/", ""));
    expect(await page.getByRole("rowheader").textContent()).toBe(hostile.replaceAll("/", ""));
    expect(await page.locator("img, body script + script").count()).toBe(0);
    expect(await page.title()).toContain("<img src=x");
    expect(complaints).toEqual([]);
  });

  test.each([
    ["markup", hostile],
    ["one long word", long],
  ])("do not make the page wider than a phone: %s", async (_what, name) => {
    const kinds = await startKinds("grpc-js", answering);
    const { page } = await look(await serve({ stats: () => stats(kinds.server.stats(), name) }), {
      viewport: { width: 360, height: 740 },
    });
    expect(await widthOf(page)).toBeLessThanOrEqual(360);
  });
});

const widthOf = (page: Page): Promise<number> => page.locator("html").evaluate((html) => html.scrollWidth);

/** A server with everything on its page: calls, failures, a connection that works and one that does not. */
async function busy(): Promise<Kinds> {
  const kinds = await startKinds("grpc-js", answering);
  for (const text of ["a", "b"]) await kinds.client.unary({ text });
  await kinds.client.clientStream([]).catch(() => {});
  const gone = dial("127.0.0.1:1");
  gone.connect();
  return kinds;
}

describeInChromium.each(["light", "dark"] as const)("%s", (colorScheme) => {
  test("every text can be told from what is behind it (WCAG AA, 4.5 to 1)", async () => {
    const { page } = await look(await serve((await busy()).server), { colorScheme });
    await page.locator(".state.bad").first().waitFor();
    const pale = await palerThan(page, 4.5);
    expect(pale).toEqual({ texts: expect.any(Number), pale: [] });
    expect(pale.texts).toBeGreaterThan(60);
    // What says that the stream is broken has colours of its own.
    await page.locator("#news").evaluate((node) => node.setAttribute("data-news", "lost"));
    expect((await palerThan(page, 4.5)).pale).toEqual([]);
    const body = page.locator("body");
    const background: string = await body.evaluate((body) =>
      body.computedStyleMap().get("background-color").toString(),
    );
    const [brightness] = /\d+/.exec(background)!;
    if (colorScheme === "dark") expect(Number(brightness)).toBeLessThan(40);
    else expect(Number(brightness)).toBeGreaterThan(215);
  });

  test.each([360, 700, 1000, 1400])(
    "%d pixels wide, nothing is to be moved sideways, nothing is cut off",
    async (width) => {
      const { page } = await look(await serve((await busy()).server), {
        colorScheme,
        viewport: { width, height: 800 },
      });
      await page.locator(".state.bad").first().waitFor();
      expect(await widthOf(page)).toBeLessThanOrEqual(width);
      const texts = page.locator("td, tbody th, dt, dd, h1, h2, h3, .state, .news, svg");
      const outside = await texts.evaluateAll((nodes, width) => {
        const ends = nodes.map((node) => ({ text: node.textContent, right: node.getBoundingClientRect().right }));
        return ends.filter(({ right }) => right > width);
      }, width);
      expect(outside).toEqual([]);
    },
  );
});

/** Texts of the page whose colour is too near to that of what is behind them, and how many texts there are. */
function palerThan(page: Page, least: number): Promise<{ texts: number; pale: string[] }> {
  // This function runs in the page: all that it knows of it comes with its body.
  return page.locator("body").evaluate((body, least) => {
    const document = body.ownerDocument;
    const styleOf = (element: typeof body) => document.defaultView.getComputedStyle(element);
    const read = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (colour: readonly number[]) => {
      const linear = (part = 0) => (part <= 10 ? part / 3294 : ((part / 255 + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
    };
    const behind = (element: typeof body): readonly number[] => {
      const colour = read(styleOf(element).backgroundColor);
      return colour[3] === 0 ? behind(element.parentElement) : colour;
    };
    const pale: string[] = [];
    let texts = 0;
    const walker = document.createTreeWalker(body, 4); // Text nodes.
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent.trim();
      const isSeen = element.getClientRects().length > 0 && element.closest("title") === null;
      if (text === "" || !isSeen) continue;
      texts++;
      const { color, fill } = styleOf(element);
      const one = luminance(read(element.localName === "text" ? fill : color));
      const other = luminance(behind(element));
      const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (contrast < least) pale.push(`${text}: ${contrast.toFixed(2)}`);
    }
    return { texts, pale };
  }, least);
}

testInChromium(
  "who cannot see it is told what it is: landmarks, headings, captions, columns, and numbers that tick in silence",
  async () => {
    const { page } = await look(await serve((await busy()).server));
    for (const role of ["banner", "main", "contentinfo"] as const) await page.getByRole(role).first().waitFor();
    expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toEqual([
      "Services",
      "Long connections of this process",
      "What happened to them",
    ]);
    const table = page.getByRole("table", { name: "kinds.v1.Kinds" });
    expect(await table.getByRole("columnheader").allTextContents()).toEqual([
      ...["Method", "Latency", "p50", "p90", "p99", "Longest", "Per second", "In flight", "Started", "Failed"],
    ]);
    expect(await page.getByRole("main").getAttribute("aria-live")).toBe("off");
    // On a phone rows are blocks, and a table all the same.
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await table.getByRole("columnheader").count()).toBe(10);
    expect(await table.getByRole("rowheader").count()).toBeGreaterThan(3);
  },
);
