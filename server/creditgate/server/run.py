"""The server's life: bind, recover, serve, drain, close."""

import asyncio
import gc
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import msgspec
import uvloop
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from creditgate.core import Access, AccessError, Core, StoreError, __version__
from creditgate.server import (
    audit,
    batches,
    checkpoints,
    contract,
    logs,
    reconciliations,
    streams,
)
from creditgate.server.access import Entrance, keep_fresh, verified_by
from creditgate.server.addresses import is_loopback, join_address, split_address
from creditgate.server.bridge import (
    BATCH_PATH,
    ORDER_WATCH_METHOD,
    ORDER_WATCH_PATH,
    WATCH_PATH,
    Bridge,
)
from creditgate.server.calls import CALL_LINES_PER_S_MAX, CLAIMED, CallRecorder
from creditgate.server.checkpoints import CheckpointFiles, KeyFileError, Signer
from creditgate.server.config import Config, unguarded
from creditgate.server.drain import Drain
from creditgate.server.errors import shutting_down
from creditgate.server.health import SERVICE as HEALTH_SERVICE
from creditgate.server.health import Health
from creditgate.server.logs import LineBudget, log
from creditgate.server.metrics import Metrics, MetricsServer
from creditgate.server.tls import TlsError, TlsFiles
from creditgate.server.unary import Afterwards, BatchRefusal, Handler, RawHandlers, unary_handlers

# Clients ping every 30 s; one that pings more often than this is cut off.
_CLIENT_PING_INTERVAL_MIN_MS: Final = 10_000
_PING_INTERVAL_MS: Final = 30_000
_PING_TIMEOUT_MS: Final = 10_000

# How many more objects there are when the collector looks for garbage. By default 700, which a few
# dozen calls in flight are already; a look at so many takes less than a millisecond.
_GARBAGE_MIN: Final = 3_000

# When the last call has its answer, its caller's next one is on its way already: so long the server
# stays to refuse it with a reason, before gRPC closes the door without one.
_LAST_REFUSALS_S: Final = 0.25


class StartError(Exception):
    """The server cannot start; the message says why and names what is at fault."""


def run(config: Config) -> None:
    """Serve until SIGTERM or SIGINT, then stop in order.

    Writes one JSON line to stdout once it accepts calls: `{"event": "listening", "address":
    "127.0.0.1:50051", "metrics": "127.0.0.1:9464" or null, "recovery": {...}}`, the last as in
    `Core.recovery`; logs go to stderr. Raises StartError when it cannot start, StoreError when the
    store cannot be opened or closed.
    """
    logs.set_up(config.log_level, config.log_format)
    if Path(config.store).exists() and not Path(config.store).is_dir():
        raise StartError(f"store = {config.store}: is a file; the store must be a folder")
    uvloop.run(_serve(config))


async def _serve(config: Config) -> None:
    stop = _watch_signals()
    tls, access = _guard(config)
    signer, files = _checkpoints(config)
    # Ports first: a second server that was started by mistake ends before it touches a store.
    server, address = _bind(config, tls)
    metrics = Metrics()
    metrics_server, metrics_address = _bind_metrics(config, metrics)
    _open_files_freely()
    try:
        core = await _open(config, access)
        bridge, drain = Bridge(core, access if config.limits_callers else None), Drain()
        fresh = asyncio.create_task(keep_fresh(access, tls, bridge)) if access or tls else None
        if fresh is not None:
            fresh.add_done_callback(partial(_stop_if_failed, stop))
        try:
            services = contract.services(manual_clock=config.clock == "manual")
            _register(server, bridge, drain, metrics, services, access=access, signer=signer)
            _add_figures(metrics, core, bridge, files)
            # A signal during recovery: nobody must be told of a server that is about to close.
            if not stop.is_set():
                settle_garbage()
                await server.start()
                _announce(config, core, address, metrics_address)
                async with _writing(files, core):
                    await stop.wait()
                await _drain(server, bridge, drain, config)
        finally:
            if fresh is not None:
                fresh.cancel()
            await _close(core, bridge)
            if files is not None:
                files.write(core)
    finally:
        if metrics_server is not None:
            metrics_server.close()
    log(logging.INFO, "stopped")


def _stop_if_failed(stop: asyncio.Event, fresh: "asyncio.Task[None]") -> None:
    """Stop a server that would no longer learn of revoked credentials."""
    if not fresh.cancelled():
        log(logging.ERROR, "credentials cannot be read again", error=repr(fresh.exception()))
        stop.set()


def _checkpoints(config: Config) -> tuple[Signer | None, CheckpointFiles | None]:
    """Who signs checkpoints, and who writes them."""
    if config.checkpoint_folder and not config.checkpoint_key:
        raise StartError(
            f"checkpoint_folder = {config.checkpoint_folder}: needs a key; give --checkpoint-key"
        )
    try:
        signer = Signer(Path(config.checkpoint_key)) if config.checkpoint_key else None
        if signer is None or not config.checkpoint_folder:
            return signer, None
        folder = Path(config.checkpoint_folder)
        return signer, CheckpointFiles(folder, signer, config.checkpoint_every_s)
    except KeyFileError as error:
        raise StartError(str(error)) from None


@asynccontextmanager
async def _writing(files: CheckpointFiles | None, core: Core) -> AsyncIterator[None]:
    """Has checkpoints written meanwhile."""
    if files is None:
        yield
        return
    task = asyncio.create_task(files.run(core))
    try:
        yield
    finally:
        await checkpoints.stop(task)


def _open_files_freely() -> None:
    """Raise the soft limit of open files to the hard one.

    Every file of the journal that is read stays open, and there may be thousands.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def channel_options(config: Config) -> list[tuple[str, int]]:
    """Settings of the gRPC server. An unknown name is ignored by gRPC; a test knows them all."""
    return [
        # Off, or a second server on this port would silently get half of the calls.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", config.message_size_max_bytes),
        ("grpc.max_send_message_length", config.message_size_max_bytes),
        # Pings find clients that vanished without a word, whose watches would stay for ever.
        ("grpc.keepalive_time_ms", _PING_INTERVAL_MS),
        ("grpc.keepalive_timeout_ms", _PING_TIMEOUT_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _CLIENT_PING_INTERVAL_MIN_MS),
        # gRPC hands calls to Python one at a time, and a refusal in Python costs as much as an
        # order: what is too much must be turned away before. Not at random from a lower limit on:
        # a burst would lose calls for no shorter queue.
        ("grpc.server.max_pending_requests", config.calls_waiting_max),
        ("grpc.server.max_pending_requests_hard_limit", config.calls_waiting_max),
    ]


def settle_garbage() -> None:
    """Have Python's collector look seldom, and only at what comes from now on.

    What is here now stays: it need not be looked at again and again.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE_MIN, *gc.get_threshold()[1:])


def _guard(config: Config) -> tuple[TlsFiles | None, Access | None]:
    """What holds up those who may not call. Says loudly where others are let in without it."""
    missing = unguarded(config)
    if missing and not is_loopback(config.listen):
        log(
            # Above every level that can be configured.
            logging.ERROR,
            "INSECURE: whoever reaches the port can move credit",
            listen=config.listen,
            missing=missing,
        )
    try:
        tls = TlsFiles(config) if config.tls_certificate else None
        access = _access(config) if config.authenticates else None
    except (TlsError, AccessError) as error:
        raise StartError(str(error)) from None
    return tls, access


def _access(config: Config) -> Access:
    return Access(
        tokens=config.access_tokens or None,
        keys=config.access_keys or None,
        issuer=config.access_issuer or None,
        audience=config.access_audience or None,
        rate_per_s=config.access_rate_per_s,
        burst=config.access_burst,
        in_flight_max=config.access_in_flight_max,
    )


def _bind(config: Config, tls: TlsFiles | None) -> tuple[grpc.aio.Server, str]:
    """Take the port, without accepting calls yet; returns the address as bound."""
    host, port = split_address(config.listen)
    server, address = grpc.aio.server(options=channel_options(config)), join_address(host, port)
    try:
        _probe(host, port)
        if tls is None:
            bound = server.add_insecure_port(address)
        else:
            bound = server.add_secure_port(address, tls.credentials())
    except (OSError, RuntimeError) as error:
        raise StartError(
            f"listen = {config.listen}: cannot bind: {error}; choose another with --listen"
        ) from None
    return server, join_address(host, bound)


def _probe(host: str, port: int) -> None:
    """Raise OSError when the port cannot be bound: grpc would not say why."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As grpc does: connections of an earlier server that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def _bind_metrics(config: Config, metrics: Metrics) -> tuple[MetricsServer | None, str | None]:
    if not config.metrics:
        return None, None
    host, port = split_address(config.metrics)
    try:
        server = MetricsServer(metrics, host, port)
    except OSError as error:
        raise StartError(
            f"metrics = {config.metrics}: cannot bind: {error}; choose another with --metrics"
        ) from None
    return server, join_address(host, server.port)


def _watch_signals() -> asyncio.Event:
    """The event that the first SIGTERM or SIGINT sets; a second one ends the process at once."""
    stop = asyncio.Event()

    def on_signal(number: signal.Signals) -> None:
        if stop.is_set():
            log(logging.WARNING, "stopped at once", signal=number.name)
            os._exit(128 + number)
        log(logging.INFO, "stopping", signal=number.name)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


async def _open(config: Config, access: Access | None) -> Core:
    """Open and recover the store; on another thread, so that signals are heard meanwhile."""
    log(logging.INFO, "starting", version=__version__, **msgspec.structs.asdict(config))
    return await asyncio.to_thread(
        Core,
        config.store,
        access=access,
        clock=config.clock,
        queue_depth_max=config.queue_depth_max,
        default_ttl_s=config.default_ttl_s,
        request_window_count_max=config.request_window_count_max,
        request_window_s=config.request_window_s,
        entry_window_count_max=config.entry_window_count_max,
        entry_window_s=config.entry_window_s,
        closed_retention_count_max=config.closed_retention_count_max,
        closed_retention_s=config.closed_retention_s,
        journal_retention_bytes=config.journal_retention_bytes,
        journal_retention_s=config.journal_retention_s,
        journal_map_size_bytes=config.journal_map_size_bytes,
        tables_map_size_bytes=config.tables_map_size_bytes,
    )


def _register(
    server: grpc.aio.Server,
    bridge: Bridge,
    drain: Drain,
    metrics: Metrics,
    services: list[str],
    *,
    access: Access | None = None,
    signer: Signer | None = None,
) -> None:
    """Connect every method of these services to the core, and add health and reflection."""
    budget = LineBudget(CALL_LINES_PER_S_MAX)
    callers = CLAIMED if access is None else verified_by(access)
    recorders = {
        method.path: CallRecorder(method, metrics, budget, callers)
        for method in contract.methods(services)
    }
    watch = streams.WatchPositions(bridge, drain, recorders[WATCH_PATH])
    order_watch = streams.WatchPositions(
        bridge, drain, recorders[ORDER_WATCH_PATH], ORDER_WATCH_METHOD
    )
    orders = batches.StreamCheckAndReserve(bridge, drain, recorders[batches.STREAM_PATH])
    entries = streams.StreamEntries(bridge, drain, recorders[streams.STREAM_PATH])
    changes = audit.StreamChanges(bridge, drain, recorders[audit.CHANGES_PATH])
    afterwards: dict[str, Afterwards] = {
        audit.CHECKPOINT_PATH: partial(audit.sign_checkpoint, signer),
        reconciliations.PATH: reconciliations.tell,
    }
    handlers: dict[str, Handler] = {
        **unary_handlers(bridge, drain, recorders, afterwards),
        WATCH_PATH: grpc.unary_stream_rpc_method_handler(watch.handle),
        ORDER_WATCH_PATH: grpc.unary_stream_rpc_method_handler(order_watch.handle),
        batches.STREAM_PATH: grpc.stream_stream_rpc_method_handler(orders.handle),
        streams.STREAM_PATH: grpc.stream_stream_rpc_method_handler(entries.handle),
        audit.CHANGES_PATH: grpc.unary_stream_rpc_method_handler(changes.handle),
    }
    assert handlers.keys() == recorders.keys(), handlers.keys() ^ recorders.keys()
    if access is not None:
        server.add_generic_rpc_handlers((Entrance(access, callers, recorders),))
    refusal = BatchRefusal(bridge.batches, drain, recorders[BATCH_PATH])
    server.add_generic_rpc_handlers((refusal, RawHandlers(handlers)))
    found_by_name: Any = _FoundByName(server)
    health_pb2_grpc.add_HealthServicer_to_server(Health(drain, services), found_by_name)
    names = (*services, HEALTH_SERVICE, reflection.SERVICE_NAME)
    reflection_pb2_grpc.add_ServerReflectionServicer_to_server(  # type: ignore[no-untyped-call]
        reflection.aio.ReflectionServicer(names), found_by_name
    )


class _FoundByName:
    """Stands for a server where generated code adds a service.

    That would register each method as well, for which gRPC keeps a future per method and looks at
    all of them at every call, whatever it calls.
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Nothing: generic handlers find every method."""


def _add_figures(
    metrics: Metrics, core: Core, bridge: Bridge, files: CheckpointFiles | None
) -> None:
    metrics.watch_core(core)
    metrics.add_gauge(
        "creditgate_server_calls_in_flight",
        "Calls that wait for the core; of a stream, each batch that does.",
        lambda: bridge.calls_in_flight,
    )
    metrics.add_gauge(
        "creditgate_server_watches_open",
        "Position watches that are open.",
        lambda: bridge.watches_open,
    )
    metrics.add_gauge(
        "creditgate_server_checkpoint_failing_now",
        "1 while checkpoints cannot be written.",
        lambda: files is not None and files.failing,
    )


def _announce(config: Config, core: Core, address: str, metrics_address: str | None) -> None:
    if core.rebuilt_because is not None:
        log(logging.WARNING, "tables rebuilt", store=config.store, because=core.rebuilt_because)
    log(logging.INFO, "recovered", store=config.store, **core.recovery)
    log(logging.INFO, "listening", address=address, metrics=metrics_address)
    # For whoever started this process: the ports are known only now.
    line = {
        "event": "listening",
        "address": address,
        "metrics": metrics_address,
        "recovery": core.recovery,
    }
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


async def _drain(server: grpc.aio.Server, bridge: Bridge, drain: Drain, config: Config) -> None:
    """Refuse new calls and let those in flight end, within the time of grace."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + config.drain_grace_s
    drain.begin()
    bridge.end_watches(shutting_down())
    with suppress(TimeoutError):
        async with asyncio.timeout_at(end_s):
            await drain.idle()
            await asyncio.sleep(_LAST_REFUSALS_S)
    # Ends at once, unless a call of gRPC's own services, as reflection, still goes on.
    await server.stop(max(end_s - loop.time(), 0))
    log(logging.INFO, "drained")


async def _close(core: Core, bridge: Bridge) -> None:
    """Close the store on another thread: this one delivers what the core still finishes."""
    try:
        await asyncio.to_thread(core.close)
    except StoreError as error:
        log(logging.ERROR, "store not closed", error=str(error))
        raise
    finally:
        bridge.close()
