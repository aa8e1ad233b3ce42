"""The interop client on C-core: runs cases one after another, and says of each what did not hold, if anything."""

import argparse
import os
import sys
from functools import partial
from threading import Thread

from cases.case import Run, Soak
from cases.cases import CASES
from connection import connect
from description import DEFAULT_CONCURRENT_CALLS, LARGE_REQUEST_SIZE, LARGE_RESPONSE_SIZE
from failure import line_of
from flags import Flags

DEFAULT_SOAK = Soak(
    iterations=10,
    max_failures=0,
    per_iteration_max_acceptable_latency_ms=1_000,
    min_time_ms_between_rpcs=0,
    overall_timeout_seconds=10,
    request_size=LARGE_REQUEST_SIZE,
    response_size=LARGE_RESPONSE_SIZE,
)

# Seconds. The calls of a case take a few hundred ms, and a thousand large ones some seconds: more is a lost event.
CASE_TIMEOUT = 10
CONCURRENT_TIMEOUT = 60


def main() -> None:
    flags = parse(sys.argv[1:])
    soak = Soak(**{name: getattr(flags, f"soak_{name}") for name in vars(DEFAULT_SOAK)})
    failed = False
    for name in flags.test_case:
        failure = attempt(name, flags, soak)
        print(f"{name}: {failure or 'passed'}", flush=True)
        failed = failed or failure is not None
    # At once: what a case that is not over has left open could hold the process. Where all passed it ends by itself.
    if failed:
        os._exit(1)


def parse(arguments: list[str]) -> argparse.Namespace:
    flags = Flags("client")
    flags.add_argument("--test_case", type=known_cases, required=True)
    flags.add_argument("--server_host", default="localhost")
    flags.add_argument("--server_port", type=int, required=True)
    flags.add_argument("--server_host_override")
    flags.truth("use_test_ca")
    flags.add_argument("--concurrent_calls", type=int, default=DEFAULT_CONCURRENT_CALLS)
    for name, value in vars(DEFAULT_SOAK).items():
        flags.add_argument(f"--soak_{name}", type=int, default=value)
    return flags.parse_args(arguments)


def known_cases(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in CASES:
            raise argparse.ArgumentTypeError(f"there is no case {name!r}, only {', '.join(CASES)}")
    return names


def attempt(name: str, flags: argparse.Namespace, soak: Soak) -> str | None:
    """Runs a case on a channel of its own; the line that says what did not hold, or None where everything did."""
    outcomes: list[str | None] = []

    def run() -> None:
        try:
            with connect(flags) as channel:
                CASES[name](Run(channel, partial(connect, flags), flags.concurrent_calls, soak))
            outcomes.append(None)
        except Exception as error:
            outcomes.append(line_of(error))

    timeout = CONCURRENT_TIMEOUT if name == "concurrent_large_unary" else CASE_TIMEOUT
    if name.endswith("_soak"):
        timeout += soak.overall_timeout_seconds
    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout)
    return outcomes[0] if outcomes else f"not over after {timeout} s"


if __name__ == "__main__":
    main()
