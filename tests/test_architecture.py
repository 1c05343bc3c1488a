"""The layers of docs/architecture.md: imports point down only, never to a neighbour of the same row."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "muybridge"
ROWS = [
    {"cli"},
    {"server"},
    {"pipeline"},
    {"training", "report"},
    {"actions", "text", "language", "search"},
    {"motion", "analysis"},
    {"video", "models", "metrics"},
    {"observer"},
    {"values", "counts", "writing"},
    {"errors", "_lazy", "cache_folder", "cores", "heap", "printable"},
]
LEVEL = {name: len(ROWS) - row for row, names in enumerate(ROWS) for name in names}
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem != "__init__")


def imports_of(path: Path) -> set[str]:
    """The parts of muybridge that a file imports at run time, at any depth of its code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for inner in ast.walk(node)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("muybridge.")}


def test_every_part_has_its_row() -> None:
    parts = {path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in FILES}
    assert parts <= set(LEVEL), f"give these a row: {parts - set(LEVEL)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down_only(path: Path) -> None:
    part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    for imported in imports_of(path) - {part, "__version__"}:
        assert LEVEL[imported] < LEVEL[part], f"{part} must not import {imported}"


def test_the_reader_of_imports_sees_what_it_should(tmp_path: Path) -> None:
    probe = tmp_path / "probe.py"
    probe.write_text("from muybridge.video import reader\ndef f():\n    import muybridge.text.ctc\n")
    assert imports_of(probe) == {"video", "text"}


def test_importing_the_package_loads_no_heavy_module() -> None:
    import subprocess
    import sys

    code = "import muybridge, sys; print([m for m in ('torch', 'cv2', 'av', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
