"""`muybridge ask` and `muybridge caption`."""

import json
from pathlib import Path

from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, VideoOpenError


def test_an_answer_and_its_evidence(sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["ask", str(sample_video), "How long is the first shot?", "--quiet"])
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "The first shot lasts 2 s, from 0 s to 2 s."
    assert "shot 1" in done.stdout.splitlines()[1]


def test_json_tells_whether_it_is_known(sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["ask", str(sample_video), "Who is the dog?", "--json", "--quiet"])
    answer = json.loads(done.stdout)
    assert done.exit_code == 0
    assert (answer["known"], answer["evidence"]) == (False, [])


def test_bad_input(tmp_path: Path, sample_video: Path) -> None:
    assert isinstance(CliRunner().invoke(app, ["ask", str(sample_video), ""]).exception, OptionError)
    done = CliRunner().invoke(app, ["ask", str(tmp_path / "none.mp4"), "When is the cut?"])
    assert isinstance(done.exception, VideoOpenError)


def test_captions(sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["caption", str(sample_video), "--quiet"])
    assert done.stdout.startswith("0:00.00–0:02.00  The video lasts 2 s and has 1 shot.")
    rows = json.loads(CliRunner().invoke(app, ["caption", str(sample_video), "--json"]).stdout)
    assert rows[0]["kind"] == "caption"
