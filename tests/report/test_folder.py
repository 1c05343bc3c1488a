import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from muybridge.errors import OptionError, OutputError
from muybridge.report import read_timeline, write_report
from muybridge.report.folder import check_report_folder
from muybridge.values import Picture, Segment, Signal, Timeline, VideoMetadata


def jpeg(level: int = 90) -> bytes:
    return bytes(cv2.imencode(".jpg", np.full((90, 160, 3), level, np.uint8))[1].tobytes())


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(
        VideoMetadata("clips/cat.mp4", codec="h264", width=160, height=90, duration_seconds=4.0),
        (
            Segment(0, 2, "shot", "shot 1"),
            Segment(2, 4, "shot", ""),
            Segment(1, 1, "keyframe", "", None, {"picture": "keyframe-0001"}),
            Segment(0.5, 1.5, "text", "出口 <EXIT>", 0.9, {"polygon": [[1.0, 2.0], [3.0, 4.0]]}),
            Segment(1, 2, "action", "wave", 0.5),
        ),
        (Signal("motion_energy", np.array([0.0, 1.0]), np.array([0.5, 0.25]), "px"),),
        (Picture("keyframe-0001", jpeg(), 1.0, 160, 90),),
        ("seconds 3.0 to 3.5 could not be decoded",),
    )


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


EVERYTHING = {
    "actions.json",
    "chapters.ffmetadata",
    "chapters.vtt",
    "pictures/keyframe-0001.jpg",
    "report.html",
    "segments.csv",
    "signals.csv",
    "text.srt",
    "text.vtt",
    "timeline.json",
}


def test_the_folder_is_made_and_holds_everything(timeline: Timeline, tmp_path: Path) -> None:
    page = write_report(timeline, tmp_path / "a" / "b")
    assert page == tmp_path / "a" / "b" / "report.html"
    assert names_in(page.parent) == EVERYTHING
    assert "出口 &lt;EXIT&gt;" in (page.parent / "text.vtt").read_text(encoding="utf-8")
    assert "shot 2" in (page.parent / "chapters.vtt").read_text(encoding="utf-8")


def test_reading_gives_the_same_timeline_back(timeline: Timeline, tmp_path: Path) -> None:
    write_report(timeline, tmp_path)
    assert read_timeline(tmp_path) == timeline
    assert read_timeline(str(tmp_path / "timeline.json")) == timeline


def test_any_file_name_survives(tmp_path: Path) -> None:
    path = os.fsdecode(b"caf\xe9 \xe2\x80\xa8.mp4")  # Latin-1 bytes that are not UTF-8
    timeline = Timeline(VideoMetadata(path, duration_seconds=1.0), (Segment(0, 1, "text", "a\ud800b"),))
    write_report(timeline, tmp_path)
    assert read_timeline(tmp_path) == timeline
    assert "caf%E9%20%E2%80%A8.mp4" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_json_is_strict_and_nan_comes_back_as_nan(tmp_path: Path) -> None:
    signal = Signal("energy", np.array([0.0, 1.0]), np.array([np.nan, 1.0]))
    write_report(Timeline(VideoMetadata("a.mp4"), (), (signal,)), tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((tmp_path / "timeline.json").read_text(), parse_constant=refuse)
    restored = read_timeline(tmp_path).signals[0]
    np.testing.assert_array_equal(restored.values, signal.values)


def test_a_second_report_replaces_the_first_and_leaves_foreign_files(
    timeline: Timeline, tmp_path: Path
) -> None:
    write_report(timeline, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "pictures" / "holiday.jpg").write_text("mine too")
    smaller = Timeline(timeline.metadata, (Segment(0, 1, "text", "NEW"),))
    write_report(smaller, tmp_path)
    assert names_in(tmp_path) == {
        "notes.txt",
        "pictures/holiday.jpg",
        "report.html",
        "segments.csv",
        "text.srt",
        "text.vtt",
        "timeline.json",
    }
    assert "NEW" in (tmp_path / "text.vtt").read_text()


@pytest.mark.parametrize("name", ["timeline.json", "text.srt", "report.html", "pictures/keyframe-0001.jpg"])
def test_a_foreign_file_with_one_of_our_names_is_not_overwritten(
    name: str, timeline: Timeline, tmp_path: Path
) -> None:
    foreign = tmp_path / name
    foreign.parent.mkdir(exist_ok=True)
    foreign.write_text('{"format": "somebody else\'s"}')
    with pytest.raises(OutputError, match=r"which no report wrote.*another folder"):
        write_report(timeline, tmp_path)
    assert names_in(tmp_path) == {name}


@pytest.fixture
def words() -> Timeline:
    """A report on it has no chapters, no signals, no actions and no pictures."""
    return Timeline(VideoMetadata("cat.mp4", duration_seconds=9.0), (Segment(1, 2, "text", "MEOW"),))


FOREIGN = ["actions.json", "chapters.vtt", "chapters.ffmetadata", "signals.csv", "pictures/keyframe-0001.jpg"]


@pytest.mark.parametrize("name", FOREIGN)
def test_what_an_older_report_did_not_write_is_foreign(
    name: str, words: Timeline, timeline: Timeline, tmp_path: Path
) -> None:
    write_report(words, tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    write_report(words, tmp_path)  # needs no such name
    assert (tmp_path / name).read_text() == "mine"
    with pytest.raises(OutputError, match=f"holds {name}, which no report wrote"):
        write_report(timeline, tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    assert read_timeline(tmp_path) == words  # nothing was begun


@pytest.mark.parametrize("name", FOREIGN)
def test_what_an_older_report_wrote_goes_with_it(
    name: str, words: Timeline, timeline: Timeline, tmp_path: Path
) -> None:
    write_report(timeline, tmp_path)
    assert (tmp_path / name).exists()
    check_report_folder(tmp_path)
    write_report(words, tmp_path)
    assert not (tmp_path / name).exists()


def test_a_name_that_a_report_may_need_is_refused_before_a_video_is_watched(
    words: Timeline, tmp_path: Path
) -> None:
    write_report(words, tmp_path)
    (tmp_path / "chapters.vtt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds chapters\.vtt, which no report wrote"):
        check_report_folder(tmp_path)


def test_a_file_where_the_pictures_should_lie(timeline: Timeline, words: Timeline, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("mine")
    with pytest.raises(OutputError, match="holds pictures, which no report wrote"):
        check_report_folder(tmp_path)
    for one in (timeline, words):
        with pytest.raises(OutputError, match="holds pictures, which no report wrote"):
            write_report(one, tmp_path)
    assert names_in(tmp_path) == {"pictures"}


def test_pictures_that_were_not_read_stay_on_disk(timeline: Timeline, tmp_path: Path) -> None:
    write_report(timeline, tmp_path)
    write_report(replace(timeline, pictures=(replace(timeline.pictures[0], jpeg=b""),)), tmp_path)
    assert read_timeline(tmp_path) == timeline


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "", ".hidden", "a/b", "x" * 300, "nul\0"])
def test_a_picture_cannot_leave_the_folder(name: str, timeline: Timeline, tmp_path: Path) -> None:
    bad = replace(timeline, pictures=(replace(timeline.pictures[0], name=name),))
    with pytest.raises(OptionError, match="not fit for a file name"):
        write_report(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_where_the_folder_should_be(timeline: Timeline, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    for folder in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(OutputError, match="a file is in the way: remove it, or choose another folder"):
            write_report(timeline, folder)


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "on another disk"),
        (errno.EACCES, "a folder of your own"),
    ],
)
def test_a_disk_that_fails_leaves_the_older_report_whole(
    number: int, remedy: str, timeline: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(timeline, tmp_path)
    before = (tmp_path / "timeline.json").read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match=remedy):
        write_report(replace(timeline, segments=()), tmp_path)
    assert (tmp_path / "timeline.json").read_bytes() == before
    assert names_in(tmp_path) == EVERYTHING  # no temporary file is left


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_disk_that_is_really_full(timeline: Timeline, tmp_path: Path) -> None:
    # A limit on the size of files makes the kernel refuse the write, as a full disk does.
    code = (
        "import resource, signal, sys\n"
        "from muybridge.report import read_timeline, write_report\n"
        "from muybridge.errors import OutputError\n"
        "timeline = read_timeline(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))\n"
        "try:\n    write_report(timeline, sys.argv[2])\n"
        "except OutputError as error:\n    print(error)\n"
    )
    write_report(timeline, tmp_path / "first")
    arguments = [sys.executable, "-c", code, str(tmp_path / "first"), str(tmp_path / "second")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert "cannot write the report" in done.stdout
    assert names_in(tmp_path / "second") == set()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(timeline: Timeline, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="choose a folder of your own"):
            write_report(timeline, tmp_path / "out")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("", "not a timeline"),
        ("{}", "not a timeline of this version"),
        ("[1]", "not a timeline"),
        ('{"format": "muybridge-timeline/1"}', "not a timeline"),
        ('{"format": "muybridge-timeline/99"}', "analyze the video again"),
        (b"\xff\xfe", "not a timeline"),
    ],
)
def test_what_is_no_timeline_says_so(content: str | bytes | None, message: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "timeline.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OptionError, match=message):
        read_timeline(tmp_path)
