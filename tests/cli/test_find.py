"""`muybridge index` and `muybridge find`, as they are used."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, StoreError, VideoOpenError
from muybridge.video.writer import VideoWriter


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


@pytest.fixture
def other_video(tmp_path: Path) -> Path:
    """A video of other bytes and another size."""
    with VideoWriter(tmp_path / "other.mp4", width=64, height=48, frames_per_second=10) as writer:
        for _ in range(20):
            writer.write(np.full((48, 64, 3), 90, np.uint8))
    return tmp_path / "other.mp4"


def test_it_shows_file_time_and_reason(store: str) -> None:
    done = CliRunner().invoke(app, ["find", "walking", "--store", store])
    assert done.exit_code == 0
    assert "square.mp4" in done.stdout
    assert "0:00.50–0:01.50" in done.stdout
    assert "[words: walk" in done.stdout


def test_patterns_of_files_are_meant_from_the_folder_where_one_is(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(store).parent
    monkeypatch.chdir(folder.parent)
    for pattern, count in ((f"{folder.name}/*", 1), (f"{folder.name}/*.mkv", 0)):
        done = CliRunner().invoke(app, ["find", "walking", "--store", store, "--file", pattern, "--json"])
        assert len(json.loads(done.stdout)) == count


def test_a_video_found_by_name_keeps_to_the_time(store: str) -> None:
    find = ["find", "square", "--kind", "video", "--store", store, "--json"]
    for start, count in (("1.5", 1), ("100", 0)):
        done = CliRunner().invoke(app, [*find, "--from", start, "--to", "110"])
        assert [match["why"] for match in json.loads(done.stdout)] == ["file name"] * count


def test_it_writes_thumbnails_and_a_clip(store: str, tmp_path: Path) -> None:
    strip, clip = tmp_path / "strip.jpg", tmp_path / "clip.mp4"
    arguments = ["find", "walk", "--store", store, "--json", "--strip", str(strip), "--clip", str(clip)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)[0]["kind"] == "subtitle"
    assert strip.read_bytes()[:2] == b"\xff\xd8"
    assert clip.stat().st_size > 500


def test_a_file_that_is_another_one_now_is_said_and_not_cut(
    sample_video: Path, other_video: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    shutil.copy(sample_video, film)
    film.with_suffix(".srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nA square goes for a walk.\n")
    run = CliRunner()
    assert run.invoke(app, ["index", str(film), "--store", str(tmp_path / "store"), "-q"]).exit_code == 0
    find = ["find", "walk", "--store", str(tmp_path / "store")]
    os.utime(film, (1e9, 1e9))  # another date alone, of the same bytes, is no other film
    assert "changed" not in run.invoke(app, find).stdout
    shutil.copy(other_video, film)
    said = "the file has changed since it was indexed; index it again"
    assert said in run.invoke(app, find).stdout
    assert json.loads(run.invoke(app, [*find, "--json"]).stdout)[0]["has_changed"] is True
    for option, target in (("--clip", tmp_path / "x.mp4"), ("--strip", tmp_path / "x.jpg")):
        done = run.invoke(app, [*find, option, str(target)])
        assert isinstance(done.exception, VideoOpenError)
        assert said in str(done.exception)
        assert not target.exists()


@pytest.mark.parametrize(("option", "name"), [("--clip", "x.mp4"), ("--strip", "x.jpg")])
def test_no_file_is_written_over_unasked(store: str, tmp_path: Path, option: str, name: str) -> None:
    mine = tmp_path / name
    mine.write_bytes(b"holidays")
    find = ["find", "walk", "--store", store, option, str(mine)]
    done = CliRunner().invoke(app, find)
    assert isinstance(done.exception, OptionError)
    assert "--overwrite" in str(done.exception)
    assert mine.read_bytes() == b"holidays"
    assert CliRunner().invoke(app, [*find, "--overwrite"]).exit_code == 0
    assert mine.read_bytes() != b"holidays"


def test_a_video_of_the_store_is_never_written_over(store: str, tmp_path: Path) -> None:
    video = Path(store).parent / "square.mp4"
    before = video.read_bytes()
    (tmp_path / "link.mp4").symlink_to(video)
    for target in (video, tmp_path / "link.mp4"):
        done = CliRunner().invoke(
            app, ["find", "walk", "--store", store, "--overwrite", "--clip", str(target)]
        )
        assert isinstance(done.exception, OptionError)
        assert "a video of the store" in str(done.exception)
    assert video.read_bytes() == before


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
