"""The interop server on C-core: listens on loopback until it is told to end."""

import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from connection import CERTIFICATES
from flags import Flags
from received import AS_RECEIVED
from service import test_service

# Calls at a time; others wait.
WORKERS = 32

ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    flags = Flags("server")
    flags.add_argument("--port", type=int, default=0)
    parsed = flags.parse_args(sys.argv[1:])
    # Before there are threads, which inherit it: the signals are for sigwait alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    # A port that another process has is an error, and not shared with it.
    server = grpc.server(ThreadPoolExecutor(WORKERS), options=(AS_RECEIVED, ("grpc.so_reuseport", 0)))
    server.add_generic_rpc_handlers((test_service,))
    address = f"127.0.0.1:{parsed.port}"
    if parsed.use_tls == "true":
        port = server.add_secure_port(address, credentials())
    else:
        port = server.add_insecure_port(address)
    server.start()
    print(f"listening on 127.0.0.1, port {port}", flush=True)
    signal.sigwait(ENDING)
    server.stop(grace=None).wait()


def credentials() -> grpc.ServerCredentials:
    key, certificate = ((CERTIFICATES / name).read_bytes() for name in ("server.key", "server.pem"))
    return grpc.ssl_server_credentials(((key, certificate),))


if __name__ == "__main__":
    main()
