"""Moments of a file: what was found in it and its subtitles together."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import muybridge
from muybridge.errors import OptionError, VideoOpenError
from muybridge.language.image_text import ImageTextModel
from muybridge.video.writer import VideoWriter


@pytest.fixture
def talk(sample_video: Path, tmp_path: Path) -> Path:
    path = Path(shutil.copy(sample_video, tmp_path / "talk.mp4"))
    block = (
        "1\n00:00:00,500 --> 00:00:01,000\nWe left the harbor\n\n2\n00:00:01,200 --> 00:00:01,800\n在黎明\n"
    )
    path.with_suffix(".srt").write_text(block, encoding="utf-8")
    return path


def test_subtitles_are_found_and_named(talk: Path) -> None:
    (moment,) = muybridge.find_moments(talk, "leaving the harbour")
    assert (moment.start_seconds, moment.end_seconds, moment.kind) == (0.5, 1.0, "moment")
    assert moment.attributes["evidence"][0]["kind"] == "subtitle"
    assert moment.attributes["path"] == str(talk)
    (other,) = muybridge.find_moments(talk, "黎明")
    assert (other.start_seconds, other.end_seconds) == (1.2, 1.8)


def test_no_match_is_an_answer(talk: Path) -> None:
    assert muybridge.find_moments(talk, "a dog barks at a red car") == []


def test_bad_queries_and_files(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="query is empty"):
        muybridge.find_moments(talk, "  ")
    with pytest.raises(VideoOpenError):
        muybridge.find_moments(tmp_path / "absent.mp4", "harbor")


class Redness(ImageTextModel):
    """Embeds the mean color; any query is as probable as a picture is red."""

    def __init__(self) -> None:
        self.name, self.fingerprint = "redness", "1"

    @property
    def size_px(self) -> int:
        return 32

    def embed_images(self, pixels: Any) -> Any:
        return np.array([image.mean((0, 1)) / 255 for image in pixels], np.float32)

    def probabilities(self, vectors: Any, query: str, **_: Any) -> Any:
        return np.where(vectors[:, 0] > 0.5, 0.97, 0.03)


@pytest.fixture
def redness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muybridge.language.image_text.load_image_text_model", lambda _: Redness())


def write_colors(path: Path, rows: list[tuple[float, tuple[int, int, int]]]) -> None:
    with VideoWriter(path, width=64, height=48, frames_per_second=5) as writer:
        for seconds, color in rows:
            writer.write(np.full((48, 64, 3), color, np.uint8), seconds)


RED, BLUE = (230, 10, 10), (10, 10, 230)


@pytest.mark.usefixtures("redness")
@pytest.mark.parametrize("first", [5.0, 5.6])
def test_one_frame_that_stays_is_found_for_as_long(tmp_path: Path, first: float) -> None:
    # At 5.6 s, another frame of the same second is looked at before it.
    before = [(round(0.2 * n, 1), BLUE) for n in range(round(first / 0.2))]
    after = [(round(25 + 0.2 * n, 1), BLUE) for n in range(25)]
    write_colors(tmp_path / "slides.mp4", [*before, (first, RED), *after])
    (moment,) = muybridge.find_moments(tmp_path / "slides.mp4", "a red slide", model="any")
    assert moment.start_seconds == pytest.approx(first, abs=0.5)
    assert moment.end_seconds == pytest.approx(25.0, abs=0.5)
    assert moment.score == pytest.approx(0.97, abs=0.06)


@pytest.mark.usefixtures("redness")
def test_a_line_does_not_displace_the_minute_around_it(tmp_path: Path) -> None:
    path = tmp_path / "dog.mp4"
    write_colors(path, [(0.5 * n, RED if n < 40 else BLUE) for n in range(60)])
    path.with_suffix(".srt").write_text("1\n00:00:10,000 --> 00:00:11,000\nA dog barks.\n")
    said, seen = muybridge.find_moments(path, "dog", model="any")
    assert (said.start_seconds, said.end_seconds, said.score) == (10.0, 11.0, 1.0)
    assert seen.start_seconds == 0.0
    assert seen.end_seconds == pytest.approx(20.0, abs=1.0)
    assert seen.attributes["model"] == "redness"
    # Nearly the same stretch: 18 s of 20 are one moment, which rests on both.
    path.with_suffix(".srt").write_text("1\n00:00:01,000 --> 00:00:19,000\nA dog barks.\n")
    (both,) = muybridge.find_moments(path, "dog", model="any")
    assert (both.start_seconds, both.end_seconds) == (1.0, 19.0)
    assert both.attributes["model"] == "redness"
    assert [row["kind"] for row in both.attributes["evidence"]] == ["subtitle"]
