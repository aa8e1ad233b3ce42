/** The Chromium of this machine, headless: for tests of pages, and for pictures of them. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const program = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Why there is none here, and what to do; undefined where there is one. */
export const missingChromium: string | undefined = existsSync(program)
  ? undefined
  : `there is no browser at ${program}: install one (apt-get install --no-install-recommends chromium), ` +
    "or say where one is (CHROMIUM=/path/to/chrome)";

export async function startChromium(): Promise<Browser> {
  if (missingChromium !== undefined) throw new Error(missingChromium);
  return chromium.launch({
    executablePath: program,
    args: [
      // It runs as root in containers, where its sandbox cannot be had, and is shown pages of this repository only.
      "--no-sandbox",
      "--disable-gpu",
      // Nothing is to be asked of any other host.
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ...["--disable-quic", "--no-first-run"],
    ],
  });
}
