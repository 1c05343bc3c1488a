"""Every verb explains itself: one sentence first, two examples last; and the help is quick."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
import typer.main
from typer.testing import CliRunner

from muybridge.cli.main import VERBS, app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_verb_is_listed_once() -> None:
    assert sorted(COMMANDS) == sorted(VERBS)
    assert len(set(VERBS)) == len(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_starts_with_a_sentence_and_ends_with_two_examples(verb: str) -> None:
    text = COMMANDS[verb].help or ""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    assert paragraphs[0].endswith(".")
    assert paragraphs[-3].rstrip(":") == "Examples"
    assert all(example.startswith(f"muybridge {verb}") for example in paragraphs[-2:])
    assert CliRunner().invoke(app, [verb, "--help"]).exit_code == 0


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_has_a_help_text(verb: str) -> None:
    command: click.Command = COMMANDS[verb]
    for parameter in command.params:
        assert parameter.name == "help" or getattr(parameter, "help", None), (
            f"{verb} {parameter.name} has no help"
        )


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_speaks_json(verb: str) -> None:
    options = {name for parameter in COMMANDS[verb].params for name in parameter.opts}
    assert "--json" in options


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from muybridge.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'cv2', 'av', 'numpy', 'onnxruntime') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TERM": "dumb"},
    )
    assert done.stderr.strip() == "[]"
    assert all(verb in done.stdout for verb in VERBS)


def test_the_page_of_the_command_line_says_what_the_help_says() -> None:
    command = [sys.executable, "-m", "typer", "muybridge.cli.main", "utils", "docs", "--name", "muybridge"]
    now = subprocess.run(
        [*command, "--title", "The command line"], capture_output=True, text=True, check=True
    )
    page = Path(__file__).parents[1] / "docs" / "cli.md"
    assert page.read_text(encoding="utf-8").strip() == now.stdout.strip(), "run `make docs/cli.md`"
