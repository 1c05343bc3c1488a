"""`muybridge index` and `muybridge find`, as they are used."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, StoreError


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, sample_video: Path) -> str:
    """A store of one video, made by the command."""
    folder = tmp_path_factory.mktemp("found")
    (folder / "square.mp4").write_bytes(sample_video.read_bytes())
    (folder / "square.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nA square goes for a walk.\n")
    done = CliRunner().invoke(app, ["index", str(folder), "--store", str(folder / "store"), "--json"])
    assert done.exit_code == 0, done.output
    assert len(json.loads(done.stdout)["added"]) == 1
    return str(folder / "store")


def test_it_shows_file_time_and_reason(store: str) -> None:
    done = CliRunner().invoke(app, ["find", "walking", "--store", store])
    assert done.exit_code == 0
    assert "square.mp4" in done.stdout
    assert "0:00.50–0:01.50" in done.stdout
    assert "[words: walk" in done.stdout


def test_it_writes_thumbnails_and_a_clip(store: str, tmp_path: Path) -> None:
    strip, clip = tmp_path / "strip.jpg", tmp_path / "clip.mp4"
    arguments = ["find", "walk", "--store", store, "--json", "--strip", str(strip), "--clip", str(clip)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["kind"] == "subtitle"
    assert strip.read_bytes()[:2] == b"\xff\xd8"
    assert clip.stat().st_size > 500


def test_it_finds_by_example(store: str, sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["find", "--like", str(sample_video), "--store", store])
    assert "the same recording" in done.stdout
    done = CliRunner().invoke(app, ["find", "--duplicates", "--store", store, "--json"])
    assert json.loads(done.stdout) == []


def test_nothing_is_said_to_match(store: str) -> None:
    done = CliRunner().invoke(app, ["find", "xylophone", "--store", store])
    assert done.exit_code == 0
    assert "nothing matches" in done.stderr
    assert "kind" not in done.stderr


def test_a_kind_that_the_store_lacks_is_named(store: str) -> None:
    done = CliRunner().invoke(app, ["find", "walk", "--kind", "subtitel", "--store", store])
    assert done.exit_code == 0
    assert "nothing of kind subtitel; it has: " in done.stderr
    assert "subtitle" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["   "], OptionError),
        (["walk", "--like", "clip.mp4"], OptionError),
        (["--like", "clip.mp4", "--kind", "text"], OptionError),
        (["walk", "--by", "magic"], OptionError),
        (["walk", "--strip", "/no/such/folder/x.jpg"], OSError),
    ],
)
def test_bad_questions_are_refused(store: str, arguments: list[str], error: type[Exception]) -> None:
    done = CliRunner().invoke(app, ["find", *arguments, "--store", store])
    assert done.exit_code == 1
    assert isinstance(done.exception, error)


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["find", "walk", "--store", str(tmp_path / "none")])
    assert isinstance(done.exception, StoreError)
    assert "muybridge index" in str(done.exception)


def test_a_bad_file_is_named_and_the_rest_is_indexed(tmp_path: Path, sample_video: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "good.mp4").write_bytes(sample_video.read_bytes())
    (tmp_path / "videos" / "bad.mp4").write_text("no video")
    done = CliRunner().invoke(app, ["index", str(tmp_path / "videos"), "--store", str(tmp_path / "store")])
    assert done.exit_code == 1
    assert "1 added, 1 failed" in done.stdout
    assert "bad.mp4" in done.stderr
