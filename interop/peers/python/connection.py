"""Connections to the server, each of a channel of its own."""

import argparse
from pathlib import Path

import grpc

CERTIFICATES = Path(__file__).parents[3] / "fixtures" / "tls"

Option = tuple[str, str | int]

ALONE: tuple[Option, ...] = (
    # Channels with equal options would share a connection.
    ("grpc.use_local_subchannel_pool", 1),
    # A proxy that the environment names is not for loopback.
    ("grpc.enable_http_proxy", 0),
)


def connect(flags: argparse.Namespace, *more: Option) -> grpc.Channel:
    target = f"{flags.server_host}:{flags.server_port}"
    options = [*ALONE, *more]
    if flags.server_host_override is not None:
        options.append(("grpc.default_authority", flags.server_host_override))
        options.append(("grpc.ssl_target_name_override", flags.server_host_override))
    if flags.use_tls == "false":
        return grpc.insecure_channel(target, options)
    # Without them C-core trusts the authorities that it knows itself.
    roots = (CERTIFICATES / "ca.pem").read_bytes() if flags.use_test_ca == "true" else None
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)
