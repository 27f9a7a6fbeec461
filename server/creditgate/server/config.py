"""The server's configuration: one struct says every option's name, default, bounds and meaning.

Options come from a TOML file, from the environment and from flags; a later one of these wins. What
is not known, or breaks its rule, is refused: nothing is corrected or ignored silently.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import msgspec
from msgspec import Meta

from creditgate.server.addresses import is_loopback, split_address

ENV_PREFIX: Final = "CREDITGATE_SERVE_"
"""Every variable that starts so must be a known option. The longer prefix keeps clear of variables
that belong to the client and of those that container platforms invent from a service's name."""

SECTION: Final = "serve"
"""The table of the file that is ours; the file may hold the client's settings as well."""

_OTHER_SECTIONS: Final = frozenset({"client", "sync"})

CONFIG_ENV: Final = "CREDITGATE_CONFIG"
DEFAULT_FILE: Final = Path("creditgate.toml")

_DAY_S: Final = 86_400

IN_FLIGHT_MAX: Final = 1_100
"""Calls that an identity may have in flight unless told otherwise: no client that waits for its
answers has as many, nor does one that keeps all watches open which a server serves, and orders
beside them; a client that does not wait for answers cannot fill the queue with its calls."""


class ConfigError(Exception):
    """An option is unknown or breaks its rule; the message names source, key, value and rule."""


def _option(group: str, description: str, **bounds: Any) -> Meta:
    return Meta(description=description, extra={"group": group}, **bounds)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All options of `creditgate serve`. Fields that end in `_s` are seconds, in `_bytes` bytes."""

    store: Annotated[
        str, _option("Store", "Folder of the store; created when absent.", min_length=1)
    ] = "creditgate-store"
    journal_map_size_bytes: Annotated[
        int,
        _option(
            "Store",
            "Most that the journal's texts can grow to, and each of its files, which end at 1 GiB "
            "by themselves; address space, not disk space.",
            ge=1 << 20,
            le=1 << 46,
            multiple_of=4096,
        ),
    ] = 1 << 40
    tables_map_size_bytes: Annotated[
        int,
        _option(
            "Store",
            "Most that the tables can grow to; address space, not disk space.",
            ge=1 << 20,
            le=1 << 46,
            multiple_of=4096,
        ),
    ] = 1 << 38
    journal_retention_bytes: Annotated[
        int,
        _option(
            "Store",
            "How much of the journal stays at hand; older files of 1 GiB move to STORE/archive.",
            ge=0,
            le=1 << 50,
        ),
    ] = 64 << 30
    journal_retention_s: Annotated[
        int,
        _option(
            "Store",
            "How long files of the journal stay at hand before they move to STORE/archive.",
            ge=0,
            le=3_660 * _DAY_S,
        ),
    ] = 30 * _DAY_S
    closed_retention_count_max: Annotated[
        int,
        _option("Store", "How many closed reservations are kept at hand.", ge=0, le=100_000_000),
    ] = 1_000_000
    closed_retention_s: Annotated[
        int,
        _option("Store", "How long closed reservations are kept at hand.", ge=0, le=3_660 * _DAY_S),
    ] = 90 * _DAY_S

    listen: Annotated[
        str,
        _option(
            "Network",
            "HOST:PORT for gRPC; port 0 takes a free one. Off loopback only with a certificate and "
            "with tokens or keys, or --insecure.",
        ),
    ] = "127.0.0.1:50051"
    metrics: Annotated[
        str,
        _option(
            "Network",
            "HOST:PORT for Prometheus metrics over HTTP, on loopback unless --insecure; empty "
            "turns them off.",
        ),
    ] = "127.0.0.1:9464"
    message_size_max_bytes: Annotated[
        int,
        _option("Network", "Largest message in either direction.", ge=1 << 10, le=1 << 30),
        # Above the largest call of the contract, as in the client: 1,000 payments, each with 100
        # allocations, take 8 MiB.
    ] = 16 << 20
    calls_waiting_max: Annotated[
        int,
        _option(
            "Network",
            "Calls that may wait in gRPC for their turn; more are turned away.",
            ge=1,
            le=1_000_000,
        ),
        # Some 30 to 80 ms of single orders: few enough for the budget, where more come than can be
        # served, and enough for a burst, or for a machine that stands still for a moment.
    ] = 250
    drain_grace_s: Annotated[
        int,
        _option("Network", "How long a stopping server waits for calls in flight.", ge=0, le=3_600),
    ] = 10

    tls_certificate: Annotated[
        str,
        _option("Access", "PEM file of the server's certificate and those above it."),
    ] = ""
    tls_key: Annotated[str, _option("Access", "PEM file of the certificate's key.")] = ""
    tls_client_ca: Annotated[
        str,
        _option(
            "Access",
            "PEM file of who may have signed the certificates of clients, which each then needs.",
        ),
    ] = ""
    access_tokens: Annotated[
        str,
        _option("Access", "File of hashed tokens, as `creditgate access token` writes it."),
    ] = ""
    access_keys: Annotated[
        str, _option("Access", "File of the public keys (JWKS) that JWTs are signed by.")
    ] = ""
    access_issuer: Annotated[
        str, _option("Access", "What a JWT must name as its `iss`; empty: anything.")
    ] = ""
    access_audience: Annotated[
        str, _option("Access", "What a JWT must name in its `aud`; empty: anything.")
    ] = ""
    access_rate_per_s: Annotated[
        int,
        _option(
            "Access",
            "Calls a second that each identity may make over time; 0: any number.",
            ge=0,
            le=1_000_000,
        ),
    ] = 0
    access_burst: Annotated[
        int,
        _option(
            "Access",
            "Calls that it may make at once after a pause; 0: those of one second.",
            ge=0,
            le=1_000_000,
        ),
    ] = 0
    access_in_flight_max: Annotated[
        int,
        _option(
            "Access",
            "Calls that it may have waiting for their answers, open watches among them; 0: any "
            "number.",
            ge=0,
            le=1_000_000,
        ),
    ] = IN_FLIGHT_MAX
    insecure: Annotated[
        bool,
        _option(
            "Access", "Serve off loopback without transport security or credentials. Dangerous."
        ),
    ] = False

    clock: Annotated[
        Literal["system", "manual"],
        _option(
            "Decisions",
            "`manual` stands still until ClockService moves it, for replays of old data; on "
            "loopback only.",
        ),
    ] = "system"
    queue_depth_max: Annotated[
        int,
        _option("Decisions", "Calls that may wait; more are refused at once.", ge=1, le=1_000_000),
    ] = 10_000
    default_ttl_s: Annotated[
        int,
        _option(
            "Decisions",
            "How long a reservation holds when its order names no time.",
            ge=1,
            le=366 * _DAY_S,
        ),
    ] = 30 * _DAY_S
    request_window_count_max: Annotated[
        int,
        _option("Decisions", "How many request ids are remembered.", ge=1, le=100_000_000),
    ] = 1_000_000
    request_window_s: Annotated[
        int,
        _option("Decisions", "How long request ids are remembered.", ge=1, le=366 * _DAY_S),
    ] = 7 * _DAY_S
    entry_window_count_max: Annotated[
        int,
        _option(
            "Decisions", "How many ids of ledger entries are remembered.", ge=1, le=100_000_000
        ),
    ] = 10_000_000
    entry_window_s: Annotated[
        int,
        _option(
            "Decisions", "How long ids of ledger entries are remembered.", ge=1, le=3_660 * _DAY_S
        ),
    ] = 3_660 * _DAY_S

    checkpoint_key: Annotated[
        str,
        _option(
            "Audit",
            "File with the private half of the key that signs checkpoints of the journal; empty: "
            "none are signed. `creditgate audit keygen` makes one.",
        ),
    ] = ""
    checkpoint_folder: Annotated[
        str,
        _option(
            "Audit",
            "Folder into which checkpoints are written, to be kept elsewhere; empty: none are. "
            "Needs a key.",
        ),
    ] = ""
    checkpoint_every_s: Annotated[
        int,
        _option(
            "Audit",
            "How often one is written, if there is anything new; another at a clean stop.",
            ge=1,
            le=366 * _DAY_S,
        ),
    ] = 3_600

    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        _option("Logs", "Least level that is written to stderr; `debug` writes every call."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"],
        _option("Logs", "`auto` is console on a terminal and json elsewhere."),
    ] = "auto"

    @property
    def authenticates(self) -> bool:
        """Whether callers must say who they are, and prove it."""
        return bool(self.access_tokens or self.access_keys)

    @property
    def limits_callers(self) -> bool:
        """Whether each of them is held to any limit."""
        limits = self.access_rate_per_s or self.access_in_flight_max
        return self.authenticates and bool(limits)


class Option(NamedTuple):
    """One field of `Config`, as the command line and the error messages present it."""

    name: str
    group: str
    description: str
    rule: str
    """What a value must be, e.g. `an integer from 1 to 10`."""
    choices: tuple[str, ...]
    """The allowed words; empty where any text or a number is meant."""
    default: str | int
    convert_to: Any
    """The annotated type, for msgspec."""

    @property
    def flag(self) -> str:
        """As on the command line: `--queue-depth-max`."""
        return "--" + self.name.replace("_", "-")

    @property
    def env(self) -> str:
        """As in the environment: `CREDITGATE_SERVE_QUEUE_DEPTH_MAX`."""
        return ENV_PREFIX + self.name.upper()


def _rule(kind: msgspec.inspect.Type, choices: tuple[str, ...]) -> str:
    match kind:
        case msgspec.inspect.IntType(ge=low, le=high, multiple_of=step):
            of_step = "" if step is None else f", a multiple of {step}"
            return f"an integer from {low} to {high}{of_step}"
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.LiteralType():
            return "one of " + ", ".join(choices)
        case msgspec.inspect.StrType(min_length=length):
            return "text" if length is None else "text, not empty"
    raise AssertionError(f"no words for the rule of {kind!r}")


def _options() -> Iterator[Option]:
    info = msgspec.inspect.type_info(Config)
    assert isinstance(info, msgspec.inspect.StructType)
    annotations = msgspec.structs.fields(Config)
    for field, annotation in zip(info.fields, annotations, strict=True):
        meta = field.type
        assert isinstance(meta, msgspec.inspect.Metadata), field.name
        assert meta.extra is not None, field.name
        assert meta.extra_json_schema is not None, field.name
        # msgspec sorts them; the annotation has them in the order that makes sense.
        choices = get_args(get_args(annotation.type)[0])
        yield Option(
            name=field.name,
            group=meta.extra["group"],
            description=meta.extra_json_schema["description"],
            rule=_rule(meta.type, choices),
            choices=choices,
            default=field.default,
            convert_to=annotation.type,
        )


OPTIONS: Final[Mapping[str, Option]] = {option.name: option for option in _options()}
"""By name, in the order in which help shows them."""


class _Setting(NamedTuple):
    """One value as it was found."""

    source: str
    """Where, as an error names it."""
    name: str
    raw: Any
    is_text: bool
    """From the environment or a flag, which know nothing but text; a file tells 1 from "1"."""


def load(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, str | None]
) -> Config:
    """Put the configuration together from its three sources, the last being the strongest.

    `file`: None for `creditgate.toml` in the working directory, if there is one. `flags`: by field
    name; None where the flag was not given. Raises ConfigError.
    """
    settings = (*_from_file(file), *_from_environment(environment), *_from_flags(flags))
    config = Config(**{setting.name: _checked(setting) for setting in settings})
    _check_together(config)
    return config


def _from_file(file: Path | None) -> Iterator[_Setting]:
    path = file or DEFAULT_FILE
    content = _read(path, required=file is not None)
    for key in content.keys() - _OTHER_SECTIONS - {SECTION}:
        raise ConfigError(f"{path}: {key}: unknown; options stand in the section [{SECTION}]")
    section = content.get(SECTION, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: {SECTION} = {section!r}: must be a section [{SECTION}]")
    for key, raw in section.items():
        if key not in OPTIONS:
            raise ConfigError(
                f"{path}: {SECTION}.{key}: unknown key; known are: {', '.join(OPTIONS)}"
            )
        yield _Setting(f"{path}: {SECTION}.{key}", key, raw, is_text=False)


def _from_environment(environment: Mapping[str, str]) -> Iterator[_Setting]:
    names = {option.env: option.name for option in OPTIONS.values()}
    for key, raw in environment.items():
        if not key.startswith(ENV_PREFIX):
            continue
        if key not in names:
            raise ConfigError(f"environment: {key}: unknown; known are: {', '.join(names)}")
        yield _Setting(f"environment: {key}", names[key], raw, is_text=True)


def _from_flags(flags: Mapping[str, str | None]) -> Iterator[_Setting]:
    for name, raw in flags.items():
        if raw is not None:
            yield _Setting(OPTIONS[name].flag, name, raw, is_text=True)


def _read(path: Path, *, required: bool) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigError(f"{path}: no such file") from None
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:  # bad TOML or bad UTF-8
        raise ConfigError(f"{path}: not TOML: {error}") from None


def _checked(setting: _Setting) -> Any:
    option = OPTIONS[setting.name]
    refusal = f"{setting.source} = {setting.raw!r}"
    try:
        value = msgspec.convert(setting.raw, option.convert_to, strict=not setting.is_text)
    except msgspec.ValidationError:
        raise ConfigError(f"{refusal}: must be {option.rule}") from None
    if option.name == "listen" or (option.name == "metrics" and value):
        try:
            split_address(value)
        except ValueError as error:
            raise ConfigError(f"{refusal}: {error}") from None
    return value


def _check_together(config: Config) -> None:
    """Refuse options that do not go together. Raises ConfigError."""
    needs = [
        ("tls_certificate", "tls_key"),
        ("tls_key", "tls_certificate"),
        ("tls_client_ca", "tls_certificate"),
        ("access_issuer", "access_keys"),
        ("access_audience", "access_keys"),
        ("access_burst", "access_rate_per_s"),
    ]
    for name, needed in needs:
        if getattr(config, name) and not getattr(config, needed):
            raise ConfigError(f"{name} = {getattr(config, name)}: needs {needed} too")
    asks = config.access_rate_per_s or config.access_in_flight_max not in (0, IN_FLIGHT_MAX)
    if asks and not config.authenticates:
        raise ConfigError(
            "access_rate_per_s and access_in_flight_max hold for those who are known: they need "
            "access_tokens or access_keys too"
        )
    _check_exposed(config)


def _check_exposed(config: Config) -> None:
    """Refuse what others could reach without being held up. Raises ConfigError."""
    if not is_loopback(config.listen):
        if config.clock == "manual":
            raise ConfigError(
                f"listen = {config.listen}: only a loopback address is accepted with clock = "
                "manual: whoever moves the clock ends reservations"
            )
        if not config.insecure and (missing := unguarded(config)):
            raise ConfigError(
                f"listen = {config.listen}: only a loopback address is accepted without "
                f"{' and '.join(missing)}: whoever reaches the port could move credit. --insecure "
                "serves it all the same"
            )
    if config.metrics and not is_loopback(config.metrics) and not config.insecure:
        raise ConfigError(
            f"metrics = {config.metrics}: only a loopback address is accepted: whoever reaches the "
            "port could read the figures of the business. --insecure serves them all the same"
        )


def unguarded(config: Config) -> list[str]:
    """What the server lacks to be reached by others."""
    missing = []
    if not config.tls_certificate:
        missing.append("transport security (tls_certificate, tls_key)")
    if not config.authenticates:
        missing.append("credentials (access_tokens or access_keys)")
    return missing
