"""`muybridge flow`."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import OptionError, OutputError, UnknownNameError, VideoError, VideoOpenError
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter


def test_numbers_as_json(sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["flow", str(sample_video), "--stats", "--json"])
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    assert (data["num_pairs"], data["num_cuts"], data["output"]) == (19, 0, None)
    assert data["moving"]["dominant_direction"] == "right"
    assert data["moving"]["unit"] == "pixels per second"
    assert len(data["pairs"]) == 19
    assert set(data["halves"]) == {"upper", "lower", "left", "right"}


def test_numbers_for_people_are_the_default(sample_video: Path) -> None:
    done = CliRunner().invoke(app, ["flow", str(sample_video), "--method", "farneback"])
    assert done.exit_code == 0, done.output
    assert "19 pairs of frames" in done.stdout
    assert "what moves" in done.stdout
    assert "right (" in done.stdout


def test_the_video_and_the_numbers_in_one_pass(sample_video: Path, tmp_path: Path) -> None:
    output = tmp_path / "flow.mp4"
    done = CliRunner().invoke(app, ["flow", str(sample_video), "-o", str(output), "--stats", "--arrows"])
    assert done.exit_code == 0, done.output
    assert f"{output}: 19 pictures" in done.stdout
    assert "what moves" in done.stdout
    with open_video(output) as video:
        assert video.metadata.num_frames == 19
        assert (video.metadata.width, video.metadata.height) == (128, 48)


def test_one_frame_has_no_motion(tmp_path: Path) -> None:
    path = tmp_path / "one.mp4"
    with VideoWriter(path, width=32, height=32) as writer:
        writer.write(np.zeros((32, 32, 3), np.uint8))
    for options in (["--stats"], ["--json"], ["-o", str(tmp_path / "flow.mp4")]):
        done = CliRunner().invoke(app, ["flow", str(path), *options])
        assert isinstance(done.exception, VideoError)
        assert "single frame" in str(done.exception)
        assert done.stdout == ""


def test_errors_reach_the_command_line(sample_video: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["flow", str(tmp_path / "absent.mp4")])
    assert isinstance(done.exception, VideoOpenError)
    done = CliRunner().invoke(app, ["flow", str(sample_video), "--method", "lucas"])
    assert isinstance(done.exception, UnknownNameError)
    done = CliRunner().invoke(app, ["flow", str(sample_video), "--fps", "inf"])
    assert isinstance(done.exception, OptionError)


def test_an_output_that_cannot_be_is_said_before_the_work(
    sample_video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("looked at the whole video for nothing")

    monkeypatch.setattr("muybridge.motion.flow_render.find_max_speed", refuse)
    (tmp_path / "dir.mp4").mkdir()
    for name, message in (
        ("f.xyz", "no format with the ending .xyz holds H.264; end the name in .mp4, .mkv or .mov"),
        ("dir.mp4", "is a folder; name a file"),
    ):
        done = CliRunner().invoke(app, ["flow", str(sample_video), "-o", str(tmp_path / name)])
        assert isinstance(done.exception, OutputError)
        assert message in str(done.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["dir.mp4"]


@pytest.mark.parametrize(("width", "height", "cells"), [(2, 2, (2, 2)), (200, 2, (2, 3)), (64, 48, (1, 1))])
def test_tiny_pictures_have_a_smaller_grid(
    width: int, height: int, cells: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / "tiny.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    with VideoWriter(path, width=width, height=height, frames_per_second=10) as writer:
        for number in range(3):
            writer.write(np.roll(noise, number, axis=1))
    side = ["--max-side", "1"] if cells == (1, 1) else []
    done = CliRunner().invoke(app, ["flow", str(path), "--json", "-o", str(tmp_path / "flow.mp4"), *side])
    assert done.exit_code == 0, done.exception
    data = json.loads(done.stdout)
    assert data["num_pairs"] == 2
    assert (len(data["grid"]), len(data["grid"][0])) == cells


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--arrows"], "--arrows: of no effect without --output, .*; leave it out"),
        (["--colors", "hsv", "--max-speed", "7"], "--colors, --max-speed: .*; leave them out"),
        (["--no-legend", "--per-frame-scale"], "--per-frame-scale, --no-legend: of no effect"),
        (["-o", "f.mp4", "--max-speed", "7", "--per-frame-scale"], "--per-frame-scale: .*beside --max-speed"),
    ],
)
def test_options_without_effect_are_refused(words: list[str], message: str, sample_video: Path) -> None:
    with pytest.raises(OptionError, match=message):
        CliRunner().invoke(app, ["flow", str(sample_video), *words], catch_exceptions=False)
