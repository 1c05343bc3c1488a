"""`muybridge flow`."""

import json
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import UnknownNameError, VideoError, VideoOpenError
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
    done = CliRunner().invoke(app, ["flow", str(path), "--json"])
    assert json.loads(done.stdout)["num_pairs"] == 0
    done = CliRunner().invoke(app, ["flow", str(path), "-o", str(tmp_path / "flow.mp4")])
    assert isinstance(done.exception, VideoError)
    assert "single frame" in str(done.exception)


def test_errors_reach_the_command_line(sample_video: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["flow", str(tmp_path / "absent.mp4")])
    assert isinstance(done.exception, VideoOpenError)
    done = CliRunner().invoke(app, ["flow", str(sample_video), "--method", "lucas"])
    assert isinstance(done.exception, UnknownNameError)
