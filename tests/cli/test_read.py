"""`muybridge read`: subtitles on the player's clock, and never over the video itself."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError
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
