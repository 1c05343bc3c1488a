"""The console script: Ctrl-C is answered, and no character that cannot be shown ends a run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from muybridge.cli import main, output

RUN = "from muybridge.cli.main import run; run()"


def run(*arguments: str | Path, encoding: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    command = [sys.executable, "-c", RUN, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, env=environment, cwd=folder, check=False)


def test_ctrl_c_is_answered(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "app", app)
    monkeypatch.setattr(sys, "argv", ["muybridge"])
    monkeypatch.setattr("warnings.showwarning", lambda *_, **__: None)  # so that it is put back
    with pytest.raises(SystemExit) as stop:
        main.run()
    assert stop.value.code == 130
    assert capsys.readouterr().err == "muybridge: stopped\n"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
@pytest.mark.parametrize("encoding", ["utf-8:strict", "latin-1", "ascii"])
def test_a_file_name_that_is_not_utf8_is_escaped(encoding: str, sample_video: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"bad\xff.mp4")
    shutil.copy(sample_video, tmp_path / name)
    done = run("probe", name, "--json", encoding=encoding, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode("utf-8"))["path"] == name
    done = run("probe", name, encoding=encoding, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    if encoding != "ascii":  # where Typer takes a stream of its own, in UTF-8, and writes a question mark
        assert rb"bad\udcff.mp4" in done.stdout


def test_a_character_that_the_terminal_lacks_is_escaped(sample_video: Path, tmp_path: Path) -> None:
    done = run("shots", sample_video, encoding="latin-1", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert rb"0:00.00 \u2013 0:02.00" in done.stdout


def test_json_is_ascii_where_stdout_is_not_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    class Latin:
        encoding = "latin-1"

    value = {"text": "é – 視 😀"}
    assert output.json_for_stdout(value) == '{"text": "é – 視 😀"}'
    monkeypatch.setattr(sys, "stdout", Latin())
    text = output.json_for_stdout(value)
    assert text.isascii()
    assert json.loads(text) == value
