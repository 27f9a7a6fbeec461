"""Options of a command that runs on: from the configuration file, the environment and flags."""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

CONFIG_DEFAULT = Path("creditgate.toml")
CONFIG_ENV = "CREDITGATE_CONFIG"


class SourceCommand(click.Command):
    """A command `creditgate sync NAME`, whose options stand in [sync.NAME] of the configuration
    file and in CREDITGATE_SYNC_NAME_OPTION too; a flag is the strongest of the three.

    What is not known in either is refused, and so is what breaks an option's rule.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for param in self._settings():
            param.envvar = self._env(param)
            param.show_envvar = True

    def _settings(self) -> list[click.Option]:
        """The options that are the command's own, not those of its connection."""
        return [
            param
            for param in self.params
            if isinstance(param, click.Option)
            and param.envvar in (None, self._env(param))
            and param.name not in ("config", "json")
        ]

    def _env(self, param: click.Option) -> str:
        return f"CREDITGATE_SYNC_{self.name}_{param.name}".upper()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts the file's values beneath those of environment and flags. Raises UsageError."""
        known = {self._env(param) for param in self._settings()}
        for key in os.environ:
            if key.startswith(f"CREDITGATE_SYNC_{self.name}_".upper()) and key not in known:
                raise click.UsageError(
                    f"environment: {key}: unknown; known are: {', '.join(sorted(known))}", ctx
                )
        path, found = section(self, ctx, args, str(self.name))
        names = [str(param.name) for param in self._settings()]
        for key in found:
            if key not in names:
                raise click.UsageError(
                    f"{path}: sync.{self.name}.{key}: unknown key; known are: {', '.join(names)}",
                    ctx,
                )
        ctx.default_map = found
        return super().parse_args(ctx, args)


def section(
    command: click.Command, ctx: click.Context, args: Sequence[str], name: str
) -> tuple[Path, dict[str, Any]]:
    """The configuration file of a command's arguments or its environment, and its section
    [sync.NAME], empty where there is none. Raises UsageError."""
    given, _, _ = command.make_parser(ctx).parse_args(list(args))
    named = given.get("config") or os.environ.get(CONFIG_ENV)
    path = Path(named) if named else CONFIG_DEFAULT
    if not named and not path.exists():
        return path, {}
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8")).get("sync", {})
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}", ctx) from None
    except ValueError as error:  # bad TOML or bad UTF-8
        raise click.UsageError(f"{path}: not TOML: {error}", ctx) from None
    found = sections.get(name, {}) if isinstance(sections, dict) else sections
    if not isinstance(found, dict):
        raise click.UsageError(f"{path}: must have a section [sync.{name}]", ctx)
    return path, found
