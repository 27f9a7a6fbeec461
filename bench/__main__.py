"""Plays the locust scenario against a server on a new store."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from demo.serving import Server

FOLDER = Path(__file__).resolve().parent
SCENARIO = FOLDER / "locust/locustfile.py"
OUT = FOLDER / "out"


async def bench(users: int, duration: str) -> int:
    """Run to the end; returns locust's exit code, 1 when a call failed."""
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="creditgate-bench-") as folder:
        server = Server(Path(folder))
        try:
            await server.start()
            locust = await asyncio.create_subprocess_exec(
                Path(sys.executable).with_name("locust"),
                *("--locustfile", SCENARIO, "--host", server.address, "--headless"),
                *("--users", str(users), "--spawn-rate", str(users), "--run-time", duration),
                *("--json-file", OUT / "orders", "--only-summary", "--loglevel", "WARNING"),
            )
            return await locust.wait()
        finally:
            await server.stop()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--users", type=int, default=8, help="users at once (default: 8)")
    parser.add_argument("--duration", default="20s", help="e.g. 60s or 5m (default: 20s)")
    arguments = parser.parse_args()
    sys.exit(asyncio.run(bench(arguments.users, arguments.duration)))


if __name__ == "__main__":
    main()
