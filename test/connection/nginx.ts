/** A real nginx in front of servers, at layer 7 and at layer 4. All that it writes is in a folder that goes with it. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface NginxProgram {
  /** The file of its stream module; undefined where that is compiled in. */
  readonly streamModule: string | undefined;
}

/** Debian has daemons where only root looks. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };

/** The nginx of this machine, or why there is none to use. */
export function findNginx(): { readonly program: NginxProgram } | { readonly missing: string } {
  const { status, stderr } = spawnSync("nginx", ["-V"], { encoding: "utf8", env });
  if (status !== 0) return { missing: "nginx is not installed" };
  if (!/--with-http_v2_module\b/.test(stderr)) return { missing: "nginx was built without HTTP/2" };
  const stream = /--with-stream(=dynamic)?(?=\s|$)/.exec(stderr);
  if (stream === null) return { missing: "nginx was built without its stream module" };
  if (stream[1] === undefined) return { program: { streamModule: undefined } };
  const folder = /--modules-path=(\S+)/.exec(stderr)?.[1] ?? "/usr/lib/nginx/modules";
  const streamModule = join(folder, "ngx_stream_module.so");
  return existsSync(streamModule) ? { program: { streamModule } } : { missing: `nginx has no ${streamModule}` };
}

export class Nginx {
  readonly #process: ChildProcess;
  readonly #folder: string;
  /** A proxy of calls: `grpc_pass` to the servers in turn. */
  readonly layer7: string;
  /** A proxy of connections: `stream` to the servers in turn. */
  readonly layer4: string;

  private constructor(child: ChildProcess, folder: string, layer7: string, layer4: string) {
    this.#process = child;
    this.#folder = folder;
    this.layer7 = layer7;
    this.layer4 = layer4;
  }

  /** @param servers `host:port` of each */
  static async start(program: NginxProgram, servers: readonly string[]): Promise<Nginx> {
    const [layer7, layer4] = await freeAddresses(2);
    const folder = mkdtempSync(join(tmpdir(), "trunkline-nginx-"));
    writeFileSync(join(folder, "nginx.conf"), configuration(program, servers, layer7!, layer4!));
    // Without -e it opens the log file that it was built with before it reads its configuration.
    const args = ["-p", folder, "-c", "nginx.conf", "-e", "stderr"];
    const child = spawn("nginx", args, { env, stdio: ["ignore", "ignore", "pipe"] });
    const nginx = new Nginx(child, folder, layer7!, layer4!);
    await listening(child).catch(async (error) => {
      await nginx.stop();
      throw error;
    });
    return nginx;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill("SIGTERM");
      await once(this.#process, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** It says which way of waiting for events it uses right after it has bound its ports. */
function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (/using the "\w+" event method/.test(said)) resolve();
    });
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`nginx ended with ${code}:\n${said}`)));
  });
}

/** One process, of the user who started it: it takes the servers strictly in turn, and leaves nobody behind. */
function configuration(
  { streamModule }: NginxProgram,
  servers: readonly string[],
  layer7: string,
  layer4: string,
): string {
  const upstream = `upstream servers {\n${servers.map((server) => `    server ${server};\n`).join("")}`;
  return `${streamModule === undefined ? "" : `load_module ${streamModule};`}
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  ${upstream}    keepalive 8;
  }
  server {
    listen ${layer7} http2;
    location / {
      grpc_pass grpc://servers;
    }
  }
}
stream {
  ${upstream}  }
  server {
    listen ${layer4};
    proxy_pass servers;
  }
}
`;
}

/** Held all at once, so that they differ; free again when this returns. */
async function freeAddresses(count: number): Promise<string[]> {
  const holders = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(holders.map((holder) => once(holder, "listening")));
  const addresses = holders.map((holder) => `127.0.0.1:${(holder.address() as AddressInfo).port}`);
  await Promise.all(holders.map((holder) => once(holder.close(), "close")));
  return addresses;
}
