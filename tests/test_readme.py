"""The README and the pages of docs/ do what they say: their Python blocks run, and print what stands below them."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python[^\S\n]*\n(.*?)^```\s*?\n(?:\s*```(?:text)?[^\S\n]*\n(.*?)^```)?", re.M | re.S)


@pytest.mark.parametrize("fence", ["```text", "```", "\n```text"])
def test_output_below_a_block_is_found_however_its_fence_is_written(fence: str) -> None:
    code = "```python\nprint(1)\n```\n"
    assert BLOCK.findall(f"{code}{fence}\n1\n```\n{code}") == [("print(1)\n", "1\n"), ("print(1)\n", "")]


def test_what_is_no_output_is_not_compared() -> None:
    code = "```python\nprint(1)\n```\n"
    for below in ("```bash\nls\n```\n", "Words.\n\n```\n1\n```\n"):
        assert BLOCK.findall(code + below) == [("print(1)\n", "")]


@pytest.mark.slow
@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run_and_print_what_is_said(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    if not blocks:
        pytest.skip("no Python on this page")
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), namespace)
        if expected:
            assert printed.getvalue().split() == expected.split(), f"{page.name} prints\n{printed.getvalue()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "example", sorted((ROOT / "examples").glob("*.py")), ids=lambda example: example.name
)
def test_examples_run_and_print_something(example: Path, tmp_path: Path) -> None:
    lines = example.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    done = subprocess.run(
        [sys.executable, str(example)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()


def test_the_version_is_in_the_changelog() -> None:
    import muybridge

    assert f"## {muybridge.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readme_names_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text
