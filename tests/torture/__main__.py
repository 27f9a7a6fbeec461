"""`python -m tests.torture`: as long as one likes."""

import random
import shutil
import tempfile
from pathlib import Path

import click

from tests.torture.rounds import Torture


@click.command()
@click.option("--rounds", type=int, default=None, help="How many kills; endless when not given.")
@click.option("--seed", type=int, default=None, help="Plays the same requests and delays again.")
def main(rounds: int | None, seed: int | None) -> None:
    """Kill a server at random moments under load; the auditor judges what is left.

    Ends at the first broken promise, or with Ctrl-C; the store is kept then, to be looked at.
    """
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="creditgate-torture-"))
    click.echo(f"seed {seed}, store in {folder}")
    Torture(folder, seed).play(rounds, click.echo)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
