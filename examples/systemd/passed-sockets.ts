/**
 * The listening sockets that systemd has passed to this process, as addresses for `server.listen`: sd_listen_fds(3).
 *
 * They begin at file descriptor 3. `LISTEN_PID` says whom they are for: a child process inherits the variables, but not
 * the sockets.
 */
export function passedSockets(env: NodeJS.ProcessEnv = process.env, pid: number = process.pid): string[] {
  if (Number(env.LISTEN_PID) !== pid) return [];
  return Array.from({ length: Number(env.LISTEN_FDS ?? 0) }, (_, i) => `fd:${3 + i}`);
}
