"""`muybridge compare`: copies and strangers, in words and as JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import WeightsError
from muybridge.video.writer import VideoWriter


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["compare", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_video_and_itself(sample_video: Path) -> None:
    text = run(str(sample_video), str(sample_video))
    assert "same recording  yes: 2.0 s run alike, 100% of the shorter one" in text
    assert "not compared: give --model" in text


def test_two_strangers(sample_video: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    with VideoWriter(other, width=64, height=48, frames_per_second=10) as writer:
        for shift in range(10):
            writer.write(np.tile(np.roll(ramp, 3 * shift), (48, 1))[..., None].repeat(3, 2))
    assert "no frame in common" in run(str(sample_video), str(other))
    data = json.loads(run(str(sample_video), str(other), "--json"))
    assert data["same_recording"] is False
    assert data["offset_seconds"] is None


def test_black_and_black_cannot_be_told(tmp_path: Path) -> None:
    black = tmp_path / "black.mp4"
    with VideoWriter(black, width=64, height=48, frames_per_second=10) as writer:
        for _ in range(10):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    assert "same recording  cannot be told: one of them" in run(str(black), str(black))
    assert json.loads(run(str(black), str(black), "--json"))["same_recording"] is None


def test_a_model_without_weights_at_hand(sample_video: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        run(str(sample_video), str(sample_video), "--model", "r3d_18", "--weights", str(tmp_path / "no.pth"))


def test_a_still_picture_cannot_be_placed(tmp_path: Path) -> None:
    still = tmp_path / "still.mp4"
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))[..., None].repeat(3, 2)
    with VideoWriter(still, width=64, height=48, frames_per_second=10) as writer:
        for _ in range(10):
            writer.write(ramp)
    assert "same recording  cannot be told: they are alike, but nothing moves" in run(str(still), str(still))
