/** The proxies of docs/proxies.md: real ones, that run the configurations of that page. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findNginx, startNginx, temporaryFolders } from "../connection/nginx.js";
import { daemonsEnv, freeAddresses, ProxyProcess } from "../connection/proxy-process.js";
import { filesOfPage } from "../packages/project.js";

const page = filesOfPage("docs/proxies.md");
const pem = (name: string) => readFileSync(`fixtures/tls/${name}`, "utf8");

/** What a test has a line of the page say instead. */
export type Changes = Readonly<Record<string, string>>;

/** A proxy that runs. */
export interface RunningProxy {
  readonly process: ProxyProcess;
  readonly plaintext: string;
  readonly tls: string;
  /** Has it read its configuration again, and resolves when who ran before it has ended. */
  reload(): Promise<void>;
}

export interface ProxyKind {
  readonly name: "nginx" | "haproxy";
  /** Why it cannot be tested here. */
  readonly missing: string | undefined;
  /** @param servers the `host:port` of two */
  start(servers: readonly [string, string], changes?: Changes): Promise<RunningProxy>;
}

const nginx: ProxyKind = {
  name: "nginx",
  missing: missingNginx(),
  async start(servers, changes = {}) {
    const [plaintext, tls] = await freeAddresses(2);
    const greeters = changed("greeters.conf", {
      ...{ "10.0.0.1:50051": servers[0], "10.0.0.2:50051": servers[1] },
      ...{ "listen 50051 ": `listen ${plaintext} `, "listen 50443 ": `listen ${tls} ` },
      ...{ "/etc/ssl/greeters.pem": "greeters.pem", "/etc/ssl/greeters.key": "greeters.key" },
      ...changes,
    });
    const main = `worker_processes 1; events {} http { access_log off; ${temporaryFolders} include greeters.conf; }`;
    const files = { "greeters.conf": greeters, "greeters.pem": pem("server.pem"), "greeters.key": pem("server.key") };
    const process = await startNginx(main, files);
    return {
      ...{ process, plaintext: plaintext!, tls: tls! },
      async reload() {
        const over = process.says(/worker process \d+ exited with code 0/);
        process.signal("SIGHUP");
        await over;
      },
    };
  },
};

const haproxy: ProxyKind = {
  name: "haproxy",
  missing: spawnSync("haproxy", ["-v"], { env: daemonsEnv }).status === 0 ? undefined : "haproxy is not installed",
  async start(servers, changes = {}) {
    const [plaintext, tls] = await freeAddresses(2);
    const configuration = changed("haproxy.cfg", {
      ...{ "10.0.0.1:50051": servers[0], "10.0.0.2:50051": servers[1] },
      ...{ "bind :50051 ": `bind ${plaintext} `, "bind :50443 ": `bind ${tls} ` },
      ...{ "/etc/ssl/greeters.pem": "greeters.pem" },
      ...changes,
    });
    const process = await ProxyProcess.start({
      command: "haproxy",
      args: ["-W", "-f", "haproxy.cfg"],
      files: { "haproxy.cfg": configuration, "greeters.pem": pem("server.pem") + pem("server.key") },
      listening: /Loading success/,
    });
    return {
      ...{ process, plaintext: plaintext!, tls: tls! },
      async reload() {
        const over = process.says(/Former worker \(\d+\) exited with code 0/);
        process.signal("SIGUSR2");
        await over;
      },
    };
  },
};

export const proxies: readonly ProxyKind[] = [nginx, haproxy];

function missingNginx(): string | undefined {
  const found = findNginx();
  return "missing" in found ? found.missing : undefined;
}

function changed(file: string, changes: Changes): string {
  let text = page.get(file)!;
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`docs/proxies.md: ${file} has no "${from}" to be changed`);
    text = text.replaceAll(from, to);
  }
  return text;
}
