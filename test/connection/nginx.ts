/** A real nginx in front of servers, at layer 7 and at layer 4. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { daemonsEnv, freeAddresses, ProxyProcess, type ProxyProgram } from "./proxy-process.js";

export interface NginxProgram {
  /** The file of its stream module; undefined where that is compiled in. */
  readonly streamModule: string | undefined;
}

/** The nginx of this machine, or why there is none to use. */
export function findNginx(): { readonly program: NginxProgram } | { readonly missing: string } {
  const { status, stderr } = spawnSync("nginx", ["-V"], { encoding: "utf8", env: daemonsEnv });
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
  readonly #process: ProxyProcess;
  /** A proxy of calls: `grpc_pass` to the servers in turn. */
  readonly layer7: string;
  /** A proxy of connections: `stream` to the servers in turn. */
  readonly layer4: string;

  private constructor(started: ProxyProcess, layer7: string, layer4: string) {
    this.#process = started;
    this.layer7 = layer7;
    this.layer4 = layer4;
  }

  /** @param servers `host:port` of each */
  static async start(program: NginxProgram, servers: readonly string[]): Promise<Nginx> {
    const [layer7, layer4] = await freeAddresses(2);
    return new Nginx(await startNginx(configuration(program, servers, layer7!, layer4!)), layer7!, layer4!);
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

/** In the foreground, whatever the configuration; `files` is what it includes. */
export function startNginx(configuration: string, files: ProxyProgram["files"] = {}): Promise<ProxyProcess> {
  return ProxyProcess.start({
    command: "nginx",
    // Without -e it opens the log file that it was built with before it reads its configuration.
    args: ["-p", ".", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off; pid nginx.pid; error_log stderr notice;"],
    files: { ...files, "nginx.conf": configuration },
    // It says which way of waiting for events it uses right after it has bound its ports.
    listening: /using the "\w+" event method/,
  });
}

/** A line of `http`: where it puts what it does not keep in memory, instead of where only its own user may write. */
export const temporaryFolders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path ${name};`)
  .join(" ");

/** One process, of the user who started it: it takes the servers strictly in turn, and leaves nobody behind. */
function configuration(
  { streamModule }: NginxProgram,
  servers: readonly string[],
  layer7: string,
  layer4: string,
): string {
  const upstream = `upstream servers {\n${servers.map((server) => `    server ${server};\n`).join("")}`;
  return `${streamModule === undefined ? "" : `load_module ${streamModule};`}
master_process off;
events {}
http {
  access_log off;
  ${temporaryFolders}
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
