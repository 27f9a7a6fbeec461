"""`creditgate serve`."""

import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import click

from creditgate.server import config as configuration
from creditgate.server.config import ENV_PREFIX, OPTIONS, Config, ConfigError, Option

_INTRODUCTION: Final = f"""Serve credit decisions over gRPC from a store on this machine.

Every option can be set in three places; a later one wins: the configuration file (TOML, section
[{configuration.SECTION}]; the key is the flag's name with underscores), the environment
({ENV_PREFIX}...), and the flag. Anything unknown is refused.

Once it accepts calls, the server writes one JSON line with its addresses to standard output; logs
go to standard error. SIGTERM or SIGINT stops it: calls in flight end, the tables are brought up to
date, and it exits with 0. A second signal ends it at once.
"""


def _help(option: Option) -> str:
    default = '""' if option.default == "" else option.default
    if isinstance(default, bool):
        default = str(default).lower()
    return f"{option.description} [default: {default}; {option.rule}; env: {option.env}]"


class _GroupedCommand(click.Command):
    """Shows the options in the groups of `Config`."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        params = {param.name: param for param in self.get_params(ctx)}
        for group, options in groupby(OPTIONS.values(), key=lambda option: option.group):
            with formatter.section(group):
                formatter.write_dl([_record(params.pop(option.name), ctx) for option in options])
        with formatter.section("Other"):
            formatter.write_dl([_record(param, ctx) for param in params.values()])


def _record(param: click.Parameter, ctx: click.Context) -> tuple[str, str]:
    record = param.get_help_record(ctx)
    assert record is not None, param.name
    return record


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(list(OPTIONS.values())):
        if isinstance(option.default, bool):
            told: Any = {"flag_value": "true", "is_flag": True, "default": None}
            command = click.option(option.flag, option.name, help=_help(option), **told)(command)
            continue
        metavar = "N" if isinstance(option.default, int) else "|".join(option.choices) or "TEXT"
        command = click.option(option.flag, metavar=metavar, help=_help(option))(command)
    return command


@click.command(
    "serve",
    cls=_GroupedCommand,
    help=_INTRODUCTION,
    short_help="Run the server.",
    no_args_is_help=False,
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    envvar=configuration.CONFIG_ENV,
    help=f"Configuration file. [default: ./{configuration.DEFAULT_FILE}, if there is one; "
    f"env: {configuration.CONFIG_ENV}]",
)
@_options
def serve(config_file: str | None, **flags: str | None) -> None:
    """Run the server; help and options are built from `Config`."""
    try:
        config = configuration.load(Path(config_file) if config_file else None, os.environ, flags)
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    _run(config)


def _run(config: Config) -> None:
    # Only now: `--help` and a wrong option need neither grpc nor the core.
    from creditgate.core import StoreError
    from creditgate.server.run import StartError, run

    try:
        run(config)
    except (StartError, StoreError) as error:
        raise click.ClickException(str(error)) from None
