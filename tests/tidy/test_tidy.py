"""The rules of style that no linter knows, each as a test."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

FILE_LINES_MAX = 500
LINE_CHARACTERS_MAX = 100
FUNCTION_LINES_MAX = 80

NOT_OURS = {".git", ".venv", "target", "dist", "out", "__pycache__"}
CACHES = re.compile(r"\.(mypy|ruff|pytest)_cache|\.hypothesis")
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")
# The start of a Rust function; rustfmt puts its closing brace alone at the same indent.
RUST_FUNCTION = re.compile(r"(\s*)(?:pub(?:\(\w+\))? )?(?:(?:const|async|unsafe) )*fn (\w+)")
MACHINE_PATH = re.compile(r"(?<![\w.\]])/(?:root|home|work|Users|opt)/\w")
INDEX_ADDRESS = re.compile(
    r"https?://\S*(?:py" r"pi|python" r"hosted|crates\.io)|--(?:extra-)?index-url"
)


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of the project with one of these suffixes (all files without any)."""
    for folder, names, file_names in os.walk(ROOT):
        names[:] = [name for name in names if name not in NOT_OURS and not CACHES.match(name)]
        for name in file_names:
            if not suffixes or name.endswith(suffixes):
                yield Path(folder, name)


def sources() -> list[Path]:
    found = [path for path in files(".py", ".pyi", ".rs") if not GENERATED.search(path.name)]
    assert len(found) > 5, "the walk must find the project's sources"
    return found


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def python_functions(path: Path) -> Iterator[tuple[int, str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.lineno, node.name, node.end_lineno - node.lineno + 1


def rust_functions(path: Path) -> Iterator[tuple[int, str, int]]:
    lines = path.read_text().splitlines()
    for first, line in enumerate(lines):
        if (start := RUST_FUNCTION.match(line)) is None:
            continue
        indent, name = start.groups()
        last = first
        if not line.endswith((";", "}")):
            ends = (f"{indent}}}", f"{indent})")  # a body's end, or a declaration's in a trait
            last += 1
            while not (lines[last].startswith(ends) and lines[last].endswith((";", "}"))):
                last += 1
        yield first + 1, name, last - first + 1


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "." * node.level


def toml(path: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / path).read_text())


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): length
        for path in sources()
        if (length := len(path.read_text().splitlines())) > FILE_LINES_MAX
    }
    assert not long, f"more than {FILE_LINES_MAX} lines: {long}"


def test_lines_are_short() -> None:
    long = [
        place(path, number)
        for path in sources()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > LINE_CHARACTERS_MAX
    ]
    assert not long, f"more than {LINE_CHARACTERS_MAX} characters: {long}"


def test_functions_are_short() -> None:
    long = [
        f"{place(path, line)} {name}: {length} lines"
        for path in sources()
        for line, name, length in (
            rust_functions(path) if path.suffix == ".rs" else python_functions(path)
        )
        if length > FUNCTION_LINES_MAX
    ]
    assert not long, f"more than {FUNCTION_LINES_MAX} lines: {long}"


def test_rust_functions_are_measured(tmp_path: Path) -> None:
    source = tmp_path / "sample.rs"
    source.write_text(
        "trait T {\n    fn a(&self);\n    fn b(\n        x: u8,\n    ) -> u8;\n}\n"
        "pub(crate) const fn c() -> u8 {\n    if true {\n        1\n    }\n    2\n"
        "}\n"
        "fn d() {}\n"
    )
    assert list(rust_functions(source)) == [(2, "a", 1), (3, "b", 3), (7, "c", 6), (13, "d", 1)]


def packages() -> set[Path]:
    """The folder of every __init__ file, from the root: a clone may be called creditgate too."""
    found = files("__init__.py", "__init__.pyi")
    return {path.relative_to(ROOT).parent for path in found}


def test_creditgate_is_an_implicit_namespace() -> None:
    # An __init__.py there would hide every other package of the namespace.
    assert not [package for package in packages() if package.name == "creditgate"]


def test_every_package_is_typed() -> None:
    ours = {package for package in packages() if package.parent.name == "creditgate"}
    assert {package.name for package in ours} == {
        "audit",
        "client",
        "core",
        "loaders",
        "server",
        "v1",
    }
    assert not [package for package in ours if not (ROOT / package / "py.typed").is_file()]


def test_imports_name_the_whole_package() -> None:
    bare = [
        f"{place(path, line)} {module}"
        for path in sources()
        if path.suffix != ".rs"
        for line, module in imported_modules(path)
        if module.split(".")[0] in {"audit", "client", "core", "loaders", "server", "v1"}
        or module.startswith(".")
    ]
    assert not bare


@pytest.mark.parametrize(
    ("crate", "unknown"),
    [
        ("engine", {"pyo3", "heed", "prost", "prost-types", "creditgate-store"}),
        ("store", {"pyo3", "prost", "prost-types"}),
    ],
)
def test_domain_crates_know_neither_python_nor_the_wire(crate: str, unknown: set[str]) -> None:
    manifest = toml(f"core_rs/{crate}/Cargo.toml")
    used = {
        name
        for table in ("dependencies", "dev-dependencies", "build-dependencies")
        for name in manifest.get(table, {})
    }
    assert used, "the manifest must have been read"
    assert not used & unknown


def test_versions_agree() -> None:
    version = toml("Cargo.toml")["workspace"]["package"]["version"]
    for member in (".", "audit", "client", "core_rs", "loaders", "server"):
        project = toml(f"{member}/pyproject.toml")["project"]
        assert project["version"] == version, member
        ours = [need for need in project.get("dependencies", []) if need.startswith("creditgate-")]
        assert all(need.endswith(f"=={version}") for need in ours), member


def test_nothing_names_a_machine_or_an_index() -> None:
    found = []
    for path in files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # compiled or an image
        for number, line in enumerate(text.splitlines(), start=1):
            if MACHINE_PATH.search(line) or (
                INDEX_ADDRESS.search(line) and path.name != "Cargo.lock"
            ):
                found.append(f"{place(path, number)} {line.strip()}")
    assert not found
