"""`muybridge read`: subtitles on the player's clock, and never over the video itself."""

import errno
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, OutputError, VideoOpenError
from muybridge.video import VideoWriter


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words from 10.0 to 12.0 s in a video whose clock begins at 10 s."""
    path = tmp_path_factory.mktemp("late") / "late.mkv"
    pixels = np.full((180, 480, 3), 40, np.uint8)
    cv2.putText(
        pixels, "GOOD MORNING", (40, 110), cv2.FONT_HERSHEY_DUPLEX, 1.3, (255, 255, 255), 3, cv2.LINE_AA
    )
    with VideoWriter(path, width=480, height=180, frames_per_second=10) as writer:
        for number in range(20):
            writer.write(pixels, 10 + number / 10)
    return path


def test_subtitles_count_from_the_first_frame(late: Path, tmp_path: Path) -> None:
    target = tmp_path / "late.srt"
    done = CliRunner().invoke(app, ["read", str(late), "--srt", str(target), "--quiet"])
    assert done.exit_code == 0
    assert "0:10.00 - 0:12.00  GOOD MORNING" in done.stdout
    assert target.read_text().splitlines()[1] == "00:00:00,000 --> 00:00:02,000"


def test_the_video_is_not_overwritten_by_its_subtitles(late: Path) -> None:
    before = late.read_bytes()
    done = CliRunner().invoke(app, ["read", str(late), "--srt", str(late)])
    assert isinstance(done.exception, OptionError)
    assert late.read_bytes() == before


def test_what_is_missing_is_said_though_there_are_subtitles(tmp_path: Path) -> None:
    (tmp_path / "old.srt").touch()
    missing = tmp_path / "missing.mp4"
    done = CliRunner().invoke(app, ["read", str(missing), "--srt", str(tmp_path / "old.srt")])
    assert isinstance(done.exception, VideoOpenError)
    assert str(done.exception) == f"{missing}: no such file"


def test_a_target_that_cannot_be_written_is_said_before_the_reading(
    late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read for nothing")

    monkeypatch.setattr("muybridge.text.reader.read_text", refuse)
    image = tmp_path / "sign.png"
    cv2.imwrite(str(image), np.zeros((8, 8, 3), np.uint8))
    for source, target, kind, message in (
        (late, tmp_path / "nodir" / "x.srt", OutputError, "make it first, or choose another folder"),
        (late, tmp_path, OptionError, "is a folder; name a file"),
        (image, tmp_path / "x.srt", OptionError, "is an image; subtitles need a video"),
    ):
        for option in ("--srt", "--vtt"):
            done = CliRunner().invoke(app, ["read", str(source), option, str(target)])
            assert isinstance(done.exception, kind), done.exception
            assert message in str(done.exception)


def test_subtitles_are_written_whole_or_not_at_all(
    late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "late.srt"
    target.write_text("an earlier one")

    def fail(self: Path, to: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    monkeypatch.setattr("muybridge.text.reader.read_text", lambda *_, **__: [])
    done = CliRunner().invoke(app, ["read", str(late), "--srt", str(target)])
    assert isinstance(done.exception, OutputError)
    assert "free some space" in str(done.exception)
    assert target.read_text() == "an earlier one"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_written_through(late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muybridge.text.reader.read_text", lambda *_, **__: [])
    (tmp_path / "link.vtt").symlink_to("real.vtt")
    done = CliRunner().invoke(app, ["read", str(late), "--vtt", str(tmp_path / "link.vtt")])
    assert done.exit_code == 0, done.exception
    assert (tmp_path / "link.vtt").is_symlink()
    assert (tmp_path / "real.vtt").read_text().startswith("WEBVTT")
