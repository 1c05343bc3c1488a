"""Moments of a file: what was found in it and its subtitles together."""

import shutil
from pathlib import Path

import pytest

import muybridge
from muybridge.errors import OptionError, VideoOpenError


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
