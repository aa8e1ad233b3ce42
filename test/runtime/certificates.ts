/** Certificates that a test needs for itself: expired ones, ones of strange names. Made by openssl, in a folder of its own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Issued {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Wanted {
  /** As `openssl req -subj` reads it. */
  readonly subject?: string;
  /** Each with its type, as `DNS:localhost`. */
  readonly names?: readonly string[];
  readonly from?: Date;
  readonly to?: Date;
}

const day = 24 * 3_600_000;

/** One who signs certificates. */
export class Authority {
  readonly #folder = mkdtempSync(join(tmpdir(), "authority-"));
  #issued = 0;

  constructor() {
    this.#write("index.txt", "");
    this.#openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "ca.key");
    const extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
    const subject = ["-subj", "/CN=An authority of a test", "-days", "2"];
    this.#openssl("req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", ...subject, ...extensions);
  }

  get pem(): Buffer {
    return this.#read("ca.pem");
  }

  issue({ subject = "/CN=localhost", names = ["DNS:localhost", "IP:127.0.0.1"], from, to }: Wanted = {}): Issued {
    const name = `leaf-${++this.#issued}`;
    const alternatives = names.map((one, i) => one.replace(/^([^:]+):/, `$1.${i} = `).replaceAll('"', '\\"'));
    this.#write(
      "ca.conf",
      [
        "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nnew_certs_dir = .\ndefault_md = sha256\nunique_subject = no",
        "rand_serial = yes\npolicy = any\n[any]\ncommonName = optional\n[leaf]\nsubjectAltName = @names",
        `[names]\n${alternatives.join("\n")}\n`,
      ].join("\n"),
    );
    this.#openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
    this.#openssl("req", "-new", "-utf8", "-key", `${name}.key`, "-subj", subject, "-out", `${name}.csr`);
    const validity = [
      ...["-startdate", asn1(from ?? new Date(Date.now() - day))],
      ...["-enddate", asn1(to ?? new Date(Date.now() + day))],
    ];
    const signing = ["-keyfile", "ca.key", "-cert", "ca.pem", "-extensions", "leaf", "-preserveDN", "-notext"];
    this.#openssl(
      ...["ca", "-batch", "-config", "ca.conf", "-in", `${name}.csr`, "-out", `${name}.pem`, "-subj", subject],
      ...signing,
      ...validity,
    );
    return { cert: this.#read(`${name}.pem`), key: this.#read(`${name}.key`) };
  }

  /** For `afterAll`. */
  remove(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }

  #read(name: string): Buffer {
    return readFileSync(join(this.#folder, name));
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text);
  }
}

/** `YYYYMMDDHHMMSSZ` */
function asn1(date: Date): string {
  return `${date
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/\D/g, "")}Z`;
}
