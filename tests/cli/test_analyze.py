"""`muybridge analyze`: a folder for each video, and one bad target does not cost the others."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from muybridge.cli.analyze import report_folders
from muybridge.cli.main import app
from muybridge.cli.output import expand_paths
from muybridge.errors import OptionError, OutputError, VideoOpenError
from muybridge.pipeline import analyze as pipeline

QUICK = ("--without", "text", "--without", "actions", "--quiet")


def folders(*paths: str, output: str | None = None) -> list[str]:
    found = report_folders([Path(path) for path in paths], Path(output) if output else None, writes=True)
    return [folder.as_posix() for folder in found if folder is not None]


def test_each_video_has_a_folder_of_its_own() -> None:
    assert folders("a/cat.mov", "a/cat.mp4", "a/dog.mp4") == [
        "a/cat-mov.muybridge",
        "a/cat-mp4.muybridge",
        "a/dog.muybridge",
    ]
    # The third one's name is its own, so the second is not counted to it.
    assert folders("a/c.mp4", "b/c.mp4", "a/c-2.mp4", output="r") == ["r/c", "r/c-3", "r/c-2"]
    assert folders("a/cat.mov", "a/cat.mp4", "a/cat-mov.mp4") == [
        "a/cat-2.muybridge",
        "a/cat-mp4.muybridge",
        "a/cat-mov.muybridge",
    ]
    # Some disks take upper and lower case as one.
    assert folders("a/Cat.mov", "a/cat.mp4") == ["a/Cat-mov.muybridge", "a/cat-mp4.muybridge"]


def test_names_that_do_not_meet_stay_as_they_are() -> None:
    assert folders("a/c.mp4", "b/c.mp4") == ["a/c.muybridge", "b/c.muybridge"]
    assert folders("a/c.mp4", "a/d.mov", output="r") == ["r/c", "r/d"]
    assert folders("a/c.mp4", output="r") == ["r"]
    assert report_folders([Path("c.mov"), Path("c.mp4")], None, writes=False) == [None, None]


def test_the_same_command_again_replaces_its_own_reports(sample_video: Path, tmp_path: Path) -> None:
    for name in ("cat.mov", "cat.mp4"):
        shutil.copy(sample_video, tmp_path / name)
    for _ in range(2):
        done = CliRunner().invoke(app, ["analyze", str(tmp_path), *QUICK])
        assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        "cat-mov.muybridge",
        "cat-mp4.muybridge",
    ]
    saved = json.loads((tmp_path / "cat-mov.muybridge" / "timeline.json").read_text())
    assert Path(saved["metadata"]["path"]).name == "cat.mov"


def test_a_later_run_does_not_write_over_the_report_of_another_video(
    sample_video: Path, tmp_path: Path
) -> None:
    videos = [shutil.copy(sample_video, tmp_path / name) for name in ("cat.mov", "cat.mp4")]
    for video in [*videos, *videos]:
        done = CliRunner().invoke(app, ["analyze", str(video), *QUICK])
        assert done.exit_code == 0, done.output
    saved = {
        path.name: Path(json.loads((path / "timeline.json").read_text())["metadata"]["path"]).name
        for path in tmp_path.glob("*.muybridge")
    }
    assert saved == {"cat.muybridge": "cat.mov", "cat-mp4.muybridge": "cat.mp4"}


def reported(folder: Path) -> dict[str, str]:
    """Folder of a report → the video of which it tells."""
    return {
        path.parent.relative_to(folder).as_posix(): json.loads(path.read_text())["metadata"]["path"]
        for path in folder.rglob("timeline.json")
    }


def test_reports_of_other_videos_in_one_place_stay(
    sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a/cat.mkv", "a/x.mkv", "b/cat.mp4", "b/y.mp4", "c/cat.mp4", "c/z.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(sample_video, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    expected = {
        "cat": "a/cat.mkv",
        "x": "a/x.mkv",
        "cat-mp4": "b/cat.mp4",
        "y": "b/y.mp4",
        "cat-2": "c/cat.mp4",
        "z": "c/z.mp4",
    }
    for folder in ("a", "b", "c", "c", "b", "a"):
        done = CliRunner().invoke(app, ["analyze", folder, "-o", "r", *QUICK])
        assert done.exit_code == 0, done.output
    assert reported(tmp_path / "r") == expected
    # Seen from elsewhere, and after all of it has moved.
    monkeypatch.chdir(tmp_path / "a")
    assert report_folders([Path("../c/cat.mp4"), Path("../c/z.mp4")], Path("../r"), writes=True) == [
        Path("../r/cat-2"),
        Path("../r/z"),
    ]
    moved = shutil.copytree(tmp_path, tmp_path.with_name(f"{tmp_path.name} moved"))
    assert report_folders([moved / "b" / "cat.mp4", moved / "b" / "y.mp4"], moved / "r", writes=True) == [
        moved / "r" / "cat-mp4",
        moved / "r" / "y",
    ]


def test_a_moved_report_beside_its_video_is_still_its_own(sample_video: Path, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    video = shutil.copy(sample_video, tmp_path / "old" / "cat.mp4")
    assert CliRunner().invoke(app, ["analyze", str(video), *QUICK]).exit_code == 0
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tmp_path / "new" / "cat.mp4"
    (moved.with_suffix(".muybridge") / "report.html").unlink()
    assert report_folders([moved], None, writes=True) == [moved.with_suffix(".muybridge")]


def test_star_names_the_reports_of_the_last_run_too(sample_video: Path, tmp_path: Path) -> None:
    shutil.copy(sample_video, tmp_path / "cat.mp4")
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        done = CliRunner().invoke(app, ["analyze", *map(str, sorted(tmp_path.iterdir())), *QUICK])
        assert done.exit_code == 0, done.output
        assert done.stderr == f"muybridge: {tmp_path / 'empty'}: no video found there\n"
    assert reported(tmp_path) == {"cat.muybridge": str(tmp_path / "cat.mp4")}


def test_patterns_stand_for_videos(tmp_path: Path) -> None:
    (tmp_path / "a.muybridge" / "pictures").mkdir(parents=True)
    (tmp_path / "deep").mkdir()
    for name in ("a.mp4", "a.srt", "raw.y4m", "deep/b.MOV", "a.muybridge/text.srt", "a.muybridge/c.mp4"):
        (tmp_path / name).touch()

    def found(*names: str) -> list[str]:
        paths = expand_paths([str(tmp_path / name) for name in names])
        return [path.relative_to(tmp_path).as_posix() for path in paths]

    assert found("**/*") == ["a.mp4", "deep/b.MOV"]
    assert found("*.y4m") == ["raw.y4m"]
    assert found("a.srt", "none.mp4") == ["a.srt", "none.mp4"]  # what is named is tried
    assert found("deep", "*.mkv") == ["deep/b.MOV"]
    with pytest.raises(VideoOpenError, match="no video found there"):
        found("*.mkv", "a.muybridge/pictures")


def test_a_report_that_cannot_be_written_costs_no_other(sample_video: Path, tmp_path: Path) -> None:
    videos = [str(shutil.copy(sample_video, tmp_path / name)) for name in ("a.mp4", "b.mp4")]
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "a").write_text("a file in the way")
    done = CliRunner().invoke(app, ["analyze", *videos, "-o", str(tmp_path / "r"), *QUICK])
    assert done.exit_code == 1
    assert "a file is in the way" in done.stderr
    assert "1 of 2 videos could not be analyzed" in done.stderr
    assert (tmp_path / "r" / "b" / "report.html").is_file()
    done = CliRunner().invoke(app, ["analyze", videos[0], "-o", str(tmp_path / "r" / "a"), *QUICK])
    assert isinstance(done.exception, OutputError)


@pytest.mark.parametrize("name", ["occupied", "foreign"])
def test_the_folder_is_tried_before_the_video_is_watched(
    name: str, sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("a file in the way")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "text.srt").write_text("somebody else's")

    def refuse(*_: object) -> None:
        raise AssertionError("watched for nothing")

    monkeypatch.setattr(pipeline, "_gather", refuse)
    with pytest.raises(OutputError):
        pipeline.analyze(sample_video, output=tmp_path / name, observers=[])


def test_a_video_that_cannot_be_read_leaves_no_folder(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("not a video")
    done = CliRunner().invoke(app, ["analyze", str(tmp_path / "bad.mp4"), "-o", str(tmp_path / "r"), *QUICK])
    assert done.exit_code == 1
    assert not (tmp_path / "r").exists()


def test_a_model_for_actions_that_are_left_out_is_refused(sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["analyze", str(sample_video), "--without", "actions", "--actions", "no"])
    assert isinstance(done.exception, OptionError)
    assert "'no' is to name actions, and actions are left out" in str(done.exception)


def test_the_help_names_the_observers_that_there_are() -> None:
    known = [observer.name for observer in pipeline.default_observers()]
    done = CliRunner().invoke(app, ["analyze", "--help"], env={"COLUMNS": "200"})
    assert f"Leave an observer out: {', '.join(known)}." in done.stdout
