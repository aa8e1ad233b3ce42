import type { Socket } from "node:net";
import type { Tunnel } from "../resolver/address.js";

/** Bytes that a proxy may take for its answer, less than which no proxy needs. */
const longestAnswerBytes = 16 * 1024;
const endOfAnswer = "\r\n\r\n";

/**
 * Asks the HTTP proxy at the other end of a socket for a connection to somewhere else (RFC 9110, section 9.3.6). After
 * that the socket is that connection: what has come of it already stays to be read.
 */
export async function httpConnect(socket: Socket, { to, authorization }: Tunnel): Promise<void> {
  const credentials = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${credentials}\r\n`);
  const answer = await readAnswer(socket, to);
  const [, code, text] = /^HTTP\/1\.\d (\d{3})(?: ([^\r\n]*))?/.exec(answer) ?? [];
  if (code === undefined) throw new Error(`the proxy did not answer CONNECT ${to} in HTTP`);
  if (!code.startsWith("2")) throw new Error(`the proxy refused CONNECT ${to}: ${code} ${text ?? ""}`.trimEnd());
}

/** Up to the empty line; all of it is in the answer of a proxy that has connected. */
function readAnswer(socket: Socket, to: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const settle = (act: () => void) => {
      socket.off("readable", onReadable).off("close", onClose);
      act();
    };
    const fail = (why: string) => settle(() => reject(new Error(`the proxy ${why} CONNECT ${to}`)));
    const onReadable = () => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
        answer = Buffer.concat([answer, chunk]);
        const end = answer.indexOf(endOfAnswer);
        if (end >= 0) {
          const rest = answer.subarray(end + endOfAnswer.length);
          if (rest.length > 0) socket.unshift(rest);
          settle(() => resolve(answer.toString("latin1", 0, end)));
          return;
        }
        if (answer.length > longestAnswerBytes) return fail(`sent more than ${longestAnswerBytes} bytes to answer`);
      }
    };
    const onClose = () =>
      fail(`closed the connection (${socket.errored?.message ?? "without an error"}) instead of answering`);
    if (socket.destroyed) return onClose();
    socket.on("readable", onReadable).once("close", onClose);
  });
}
