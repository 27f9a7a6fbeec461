"""What a decision writes and what it takes, until the tables have caught up."""

import os
import time

from bench import procfs
from bench.servers import Creditgate
from bench.suite import Suite, approved


async def run(suite: Suite) -> None:
    """bytes_written_per_decision, sustained_per_s."""
    with suite.scratch() as folder:
        device = procfs.device_of(folder)
        if device is None:
            suite.missing("bytes_written_per_decision", f"no block device stands behind {folder}")
            return
        async with Creditgate(folder) as server:
            await suite.prepare(server)
            await server.caught_up()
            os.sync()
            before = procfs.device_bytes_written(device)
            begin = time.perf_counter()
            result = await suite.batch(server.address, seconds=suite.plan.written_s)
            await server.caught_up()
            took_s = time.perf_counter() - begin
            os.sync()
            written = procfs.device_bytes_written(device) - before
            stored = procfs.stored_bytes(server.store)
    decisions = approved(result)["approved_in_all"]
    suite.add("bytes_written_per_decision", [written / decisions])
    suite.add("sustained_per_s", [decisions / took_s], "/s")
    suite.note(
        f"{decisions:,} decisions, {written / 1e9:.2f} GB written to {device}, whoever wrote; "
        f"the store takes {stored / 1e9:.2f} GB"
    )
