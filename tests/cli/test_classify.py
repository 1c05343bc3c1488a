"""`muybridge classify` and `muybridge models`, as a user runs them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.errors import WeightsError
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights
from muybridge.video.writer import VideoWriter

RUN = CliRunner()


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    record = Weights("mine", labels=("clap", "wave"), num_frames=4, size_px=32)
    torch.manual_seed(0)
    save_checkpoint(
        tmp_path / "mine.safetensors",
        create_model("factorized3d", num_classes=2),
        name="factorized3d",
        weights=record,
    )
    return tmp_path / "mine.safetensors"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    with VideoWriter(tmp_path / "clip.mp4", width=64, height=48, frames_per_second=10) as writer:
        for i in range(8):
            writer.write(np.full((48, 64, 3), 20 * i, np.uint8))
    return tmp_path / "clip.mp4"


def test_classify_prints_labels_or_json(video: Path, checkpoint: Path) -> None:
    plain = RUN.invoke(app, ["classify", str(video), "--model", str(checkpoint)])
    assert plain.exit_code == 0
    assert {"clap", "wave"} <= set(plain.stdout.split())
    assert "(factorized3d/mine)" in plain.stdout
    found = RUN.invoke(app, ["classify", str(video), "--model", str(checkpoint), "--top", "1", "--json"])
    document = json.loads(found.stdout)
    assert document["path"] == str(video)
    assert len(document["labels"]) == 1


def test_labels_cannot_speak_to_the_terminal(video: Path, tmp_path: Path) -> None:
    record = Weights("mine\x1b]0;", labels=("\x1b[31mred\n\n", "händeklatschen"), num_frames=4, size_px=32)
    net = create_model("factorized3d", num_classes=2)
    with torch.no_grad():
        net.state_dict()["fc.bias"][0] = 20.0  # the first is certain
    path = tmp_path / "hostile.safetensors"
    save_checkpoint(path, net, name="factorized3d", weights=record)
    asked = ["--model", str(path)]
    classified = RUN.invoke(app, ["classify", str(video), *asked])
    streamed = RUN.invoke(app, ["stream", str(video), *asked, "--stride", "1", "--min-duration", "0"])
    for found in (classified, streamed):
        assert found.exit_code == 0, found.output
        assert "[31mred" in found.stdout
        assert all(char.isprintable() or char == "\n" for char in found.stdout)
        assert not any(line == "" for line in found.stdout.splitlines())
    assert "händeklatschen" in classified.stdout
    document = json.loads(RUN.invoke(app, ["classify", str(video), *asked, "--json"]).stdout)
    assert set(document["labels"]) == set(record.labels)  # programs get what is there


def test_one_broken_video_does_not_hide_the_others(video: Path, checkpoint: Path) -> None:
    (video.parent / "broken.mp4").write_bytes(b"this is not a video")
    found = RUN.invoke(app, ["classify", str(video.parent), "--model", str(checkpoint), "--json"])
    assert found.exit_code == 1
    assert [Path(item["path"]).name for item in json.loads(found.stdout)] == ["clip.mp4"]
    assert "broken.mp4" in found.stderr


def test_models_lists_and_shows() -> None:
    listed = RUN.invoke(app, ["models"])
    assert listed.exit_code == 0
    assert "r2plus1d_18" in listed.stdout
    assert "kinetics400 67.463%" in listed.stdout
    shown = json.loads(RUN.invoke(app, ["models", "r3d_18", "--json"]).stdout)
    assert shown["parameters"] == 33_371_472
    assert shown["weights"][0]["sha256"] == "b3b3357e"


def test_no_weights_is_an_error_for_the_console_script(
    video: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    found = RUN.invoke(app, ["classify", str(video), "--model", "simple3d"])
    assert isinstance(found.exception, WeightsError)
    assert not found.stdout
