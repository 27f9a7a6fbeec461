"""The committed stubs are what `make protos` would write."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path("creditgate/v1")


def stubs_in(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / STUBS).glob("*_pb2*.py*"))}


def test_stubs_are_current(tmp_path: Path) -> None:
    protos = [
        str(path.relative_to(ROOT / "proto"))
        for path in sorted(ROOT.glob(f"proto/{STUBS}/*.proto"))
    ]
    outputs = [f"--{kind}_out={tmp_path}" for kind in ("python", "grpc_python", "pyi")]
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", *outputs, *protos]
    subprocess.run(command, check=True, timeout=120)

    generated = stubs_in(tmp_path)
    assert len(generated) == 3 * len(protos)
    committed = stubs_in(ROOT / "client")
    assert committed.keys() == generated.keys()
    stale = [name for name in generated if committed[name] != generated[name]]
    assert not stale, "proto/ has changed: run `make protos`"
