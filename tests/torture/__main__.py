"""`python -m tests.torture`: as long as one likes."""

import random
import shutil
import sys
import tempfile
from pathlib import Path

import click

from tests.torture.judge import BrokenPromise
from tests.torture.rounds import LEGEND, Torture

EXIT_BROKEN = 1
EXIT_INTERRUPTED = 130


@click.command()
@click.option("--rounds", type=int, default=None, help="How many kills; endless when not given.")
@click.option("--seed", type=int, default=None, help="Plays the same requests and delays again.")
def main(rounds: int | None, seed: int | None) -> None:
    """Kill a server at random moments under load; the auditor judges what is left.

    Ends at the first broken promise, or with Ctrl-C; the store is kept then, to be looked at.

    Exit code: 0 every promise kept, 1 one was broken, 130 interrupted.
    """
    seed = random.SystemRandom().getrandbits(32) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="creditgate-torture-"))
    click.echo(f"seed {seed}, store in {folder}\n{LEGEND}")
    torture = Torture(folder, seed)
    try:
        torture.play(rounds, click.echo)
    except BrokenPromise as broken:
        click.echo(f"PROMISE BROKEN after {torture.tally}: {broken}\nThe store is kept: {folder}")
        sys.exit(EXIT_BROKEN)
    except KeyboardInterrupt:
        click.echo(f"every promise kept until interrupted: {torture.tally}; store in {folder}")
        sys.exit(EXIT_INTERRUPTED)
    shutil.rmtree(folder)
    click.echo(f"every promise kept: {torture.tally}")


if __name__ == "__main__":
    main()
