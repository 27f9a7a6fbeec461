"""What the commands share that receive: their options, and serving until they are told to stop."""

import ipaddress
import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, TypeVar

import click
import msgspec
from aiohttp import web

from creditgate.client.cli import Failure
from creditgate.loaders.queue.inbox import HELD_MAX
from creditgate.loaders.running import health
from creditgate.loaders.running.logs import log
from creditgate.loaders.running.sources import Source
from creditgate.loaders.running.stopping import Stop

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class Options(TypedDict):
    """The options that all of them have."""

    listen: tuple[str, int]
    insecure: bool
    state: Path
    health_port: int | None
    window_s: int
    body_max_bytes: int
    held_max: int
    log_level: str
    log_format: Literal["auto", "json", "console"]


def _address(_ctx: click.Context, _param: click.Parameter, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(host)
        fits = port.isascii() and port.isdigit() and int(port) <= 65_535
    except ValueError:
        fits = False
    if not fits:
        raise click.BadParameter(
            f"{value!r}: must be HOST:PORT, an IP address or localhost and a port from 0 to 65535"
        )
    return host, int(port)


_OPTIONS: Final = (
    click.option(
        "--listen",
        default="127.0.0.1:8480",
        show_default=True,
        callback=_address,
        metavar="HOST:PORT",
        help="Where deliveries arrive; port 0 takes a free one. Off loopback only with --insecure: "
        "put a proxy before it that encrypts.",
    ),
    click.option("--insecure", is_flag=True, help="Listen off loopback, unencrypted."),
    click.option(
        "--state",
        required=True,
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of what was received and of dead letters; created when absent.",
    ),
    click.option(
        "--health-port",
        type=click.IntRange(0, 65_535),
        help="Port on 127.0.0.1 for /healthz and /metrics; 0 takes a free one.  [default: none]",
    ),
    click.option(
        "--window-s",
        type=click.IntRange(1, 86_400),
        default=300,
        show_default=True,
        help="How far a signature's time may be from now, before or after.",
    ),
    click.option(
        "--body-max-bytes",
        type=click.IntRange(1 << 10, 1 << 24),
        default=1 << 16,
        show_default=True,
        help="Largest delivery.",
    ),
    click.option(
        "--held-max",
        type=click.IntRange(1, 10_000_000),
        default=HELD_MAX,
        show_default=True,
        help="How many records of a source may wait for the server; more are refused with 503.",
    ),
    click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        show_default=True,
        help="Least level that is written to stderr.",
    ),
    click.option(
        "--log-format",
        type=click.Choice(["auto", "json", "console"]),
        default="auto",
        show_default=True,
        help="auto is console on a terminal and json elsewhere.",
    ),
)


def receiving(command: CommandT) -> CommandT:
    """Gives a command the options of `Options`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_listen(options: Options) -> None:
    """Raises UsageError off loopback, unless told that this is meant."""
    host, _ = options["listen"]
    if not ipaddress.ip_address(host).is_loopback and not options["insecure"]:
        raise click.UsageError(
            f"--listen is {host!r}: only a loopback address is accepted, because deliveries are "
            "not encrypted here. --insecure listens there all the same"
        )


async def serve(
    options: Options, receiver: web.Application | None, sources: Sequence[Source], stop: Stop
) -> None:
    """Until told to stop, and deliveries that are being read have their answers. `receiver`: None
    where nothing is delivered over HTTP. Raises Failure."""
    host, port = options["listen"]
    async with AsyncExitStack() as served:
        try:
            health_port = None
            if options["health_port"] is not None:
                health_port = await served.enter_async_context(
                    health.served(health.application(sources), health.HOST, options["health_port"])
                )
            if receiver is not None:
                port = await served.enter_async_context(health.served(receiver, host, port))
        except OSError as error:
            raise Failure(f"cannot listen: {error.strerror}") from error
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        told = {
            "address": None if receiver is None else address,
            "health": None if health_port is None else f"{health.HOST}:{health_port}",
        }
        sys.stdout.write(msgspec.json.encode({"event": "listening", **told}).decode() + "\n")
        sys.stdout.flush()
        log(logging.INFO, "listening", **told, sources=[source.name for source in sources])
        await stop.wait()
