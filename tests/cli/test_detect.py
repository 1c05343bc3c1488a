"""`muybridge detect`: rows, JSON, and a trained proposal head."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.models import create_model
from muybridge.models.available import available_weights
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.weights import Weights
from muybridge.video.writer import VideoWriter


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds in which a block swings from one second to three."""
    path = tmp_path_factory.mktemp("detect") / "block.mp4"
    with VideoWriter(path, width=96, height=96, frames_per_second=8) as writer:
        for number in range(32):
            pixels = np.full((96, 96, 3), 90, np.uint8)
            left = 30 + int(25 * np.sin(number)) * (8 <= number < 24)
            pixels[30:70, left : left + 20] = 220
            writer.write(pixels)
    return path


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["detect", *arguments, "--quiet"])
    return done.exit_code, done.output


def test_prints_segments_as_json(film: Path) -> None:
    code, output = run(str(film), "--json")
    assert code == 0, output
    for segment in json.loads(output):
        assert segment["kind"] == "action"
        assert 0 <= segment["start_seconds"] < segment["end_seconds"] <= 4.1


def test_a_trained_head_proposes(film: Path, tmp_path: Path) -> None:
    labels = available_weights()[0][1].labels
    options = {"num_features": len(labels) + 1, "num_classes": len(labels), "width": 8}
    head = create_model("temporal_proposal_net", **options)
    for parameter in head.parameters():
        torch.nn.init.zeros_(
            parameter
        )  # every start and end is as likely as not: the classifier alone decides
    path = tmp_path / "head.safetensors"
    save_checkpoint(
        path, head, name="temporal_proposal_net", weights=Weights("h", labels=labels, options=options)
    )
    code, output = run(str(film), "--proposals", str(path), "--min-score", "0", "--json")
    assert code == 0, output
    for segment in json.loads(output):
        assert segment["attributes"]["proposal_score"] == pytest.approx(0.5**3)
    code, output = run(str(film), "--proposals", str(film))
    assert code != 0
    code, output = run(str(film), "--model", "factorized3d", "--proposals", str(path))
    assert code != 0
