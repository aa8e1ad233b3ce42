/**
 * The pictures of docs/status-page.md, taken of what `npm run demo -- --status` shows: light, dark, and on a phone. After
 * `npm run build`: `npx tsx scripts/status-screenshot.ts`. It takes two minutes: a page that has just been opened has
 * little to show.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startChromium } from "./chromium.js";

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

const pictures = [
  { file: "docs/status-page.png", colorScheme: "light", viewport: { width: 1180, height: 800 }, fullPage: true },
  { file: "docs/status-page-dark.png", colorScheme: "dark", viewport: { width: 1180, height: 800 }, fullPage: true },
  { file: "docs/status-page-phone.png", colorScheme: "light", viewport: { width: 360, height: 1480 }, fullPage: false },
] as const;

/** The line of calls per second has run once across its picture. */
const isFull = "document.getElementById('rate-line').getAttribute('d').split('L').length >= 90";

const demo = spawn(process.execPath, ["--import", "tsx", "examples/demo/main.ts", "--status"], {
  cwd: path("."),
  env: { ...process.env, TSX_TSCONFIG_PATH: "examples/demo/tsconfig.json" },
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = once(demo, "exit");
const browser = await startChromium();
try {
  const pages = [];
  const url = await addressOf();
  for (const { file, colorScheme, viewport, fullPage } of pictures) {
    // The page's own policy would not let the condition below be evaluated in it.
    const page = await browser.newPage({ bypassCSP: true, colorScheme, viewport });
    await page.goto(url);
    pages.push({ file, fullPage, page });
  }
  for (const { file, fullPage, page } of pages) {
    await page.waitForFunction(isFull, undefined, { timeout: 180_000 });
    await page.screenshot({ path: path(file), fullPage });
    console.log(file);
  }
} finally {
  await browser.close();
  demo.kill("SIGINT");
  await ended;
}

async function addressOf(): Promise<string> {
  for await (const line of createInterface(demo.stdout)) {
    const url = /its status page: (\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("the demo ended without an address; npm run demo -- --status shows why");
}
