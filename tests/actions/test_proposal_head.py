"""A proposal head that learned one film, saved, and used to detect in it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from muybridge.actions.detection_input import classifier_of
from muybridge.actions.proposal_head import MomentScores, detect_with_head, load_proposal_head, score_moments
from muybridge.errors import VideoError, WeightsError
from muybridge.models import create_model
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.weights import Weights, set_weights
from muybridge.training.proposal_heads import ProposalLoss, boundary_targets, class_targets
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

LABELS = ("red", "green", "none of these")
RATE = 15
# Two squares beside each other; which one flickers, and when.
TRUTH = [("red", 1.0, 3.0), ("green", 5.0, 8.0), ("red", 10.0, 12.0)]
SECONDS = 14


class WhichFlickers(nn.Module):
    """Logits from how much each color channel changes from frame to frame."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        change = (clip[:, :, 1:] - clip[:, :, :-1]).abs().mean(dim=(2, 3, 4))
        return torch.stack([change[:, 0], change[:, 1], torch.full_like(change[:, 0], 0.01)], dim=1) * 200


def model(
    labels: tuple[str, ...] = LABELS, *, frames_per_second: float | None = 8.0, stride: int = 1
) -> nn.Module:
    module = WhichFlickers().eval()
    options = {"num_frames": 8, "size_px": 48, "resize_px": (48, 64), "stride": stride}
    set_weights(module, Weights("squares", labels=labels, frames_per_second=frames_per_second, **options))
    return module


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("head") / "squares.mp4"
    random = np.random.default_rng(0)
    with VideoWriter(path, width=64, height=48, frames_per_second=RATE) as writer:
        for number in range(SECONDS * RATE):
            pixels = np.full((48, 64, 3), 60, np.uint8)
            for label, start, end in TRUTH:
                if start <= number / RATE < end:
                    left, channel = (4, 0) if label == "red" else (36, 1)
                    pixels[8:40, left : left + 24, channel] = random.integers(60, 255)
            writer.write(pixels)
    return path


@pytest.fixture(scope="module")
def head(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scores = score_moments(film, classifier_of(model(), predictions_per_second=4.0))
    features = scores.features()
    spans = [(4 * start, 4 * end) for _, start, end in TRUTH]
    kinds = [LABELS.index(label) for label, _, _ in TRUTH]
    batch = {
        "features": torch.from_numpy(features)[None],
        "boundaries": torch.from_numpy(boundary_targets(spans, features.shape[1]))[None],
        "classes": torch.from_numpy(class_targets(spans, kinds, features.shape[1], 3))[None],
    }
    torch.manual_seed(0)
    network = create_model("temporal_proposal_net", num_classes=3, num_features=4, width=16)
    optimizer, loss = torch.optim.Adam(network.parameters(), lr=0.01), ProposalLoss()
    for _ in range(150):
        optimizer.zero_grad()
        loss(network, batch).backward()
        optimizer.step()
    path = tmp_path_factory.mktemp("head") / "head.safetensors"
    record = Weights("squares", labels=LABELS, options={"num_features": 4, "num_classes": 3, "width": 16})
    save_checkpoint(path, network, name="temporal_proposal_net", weights=record)
    return path


def test_finds_what_it_was_taught(film: Path, head: Path) -> None:
    done: list[tuple[float, float]] = []
    segments = detect_with_head(film, head, model=model(), progress=lambda now, end: done.append((now, end)))
    assert [s.label for s in segments] == [label for label, _, _ in TRUTH]
    for segment, (_, start, end) in zip(segments, TRUTH, strict=True):
        assert segment.start_seconds == pytest.approx(start, abs=0.5)
        assert segment.end_seconds == pytest.approx(end, abs=0.5)
        assert segment.score is not None
        assert segment.score > 0.5
        assert 0.1 <= segment.attributes["proposal_score"] <= 1
    assert done[-1][0] == pytest.approx(SECONDS, abs=0.1)


def test_rows_follow_the_video(film: Path) -> None:
    scores = score_moments(film, classifier_of(model(), predictions_per_second=4.0))
    assert scores.probabilities.shape == (4 * SECONDS, 3)
    assert scores.features().shape == (4, 4 * SECONDS)
    seconds = scores.start_seconds + (np.arange(4 * SECONDS) + 0.5) / 4
    for label, start, end in TRUTH:
        inside = (seconds > start + 0.5) & (seconds < end - 0.5)
        assert (scores.probabilities[inside].argmax(axis=1) == LABELS.index(label)).all()
        assert scores.actionness[inside].min() > 0.3
    assert scores.actionness[(seconds > 3.3) & (seconds < 4.7)].max() < 0.1


@pytest.mark.parametrize(
    ("frames_per_second", "stride", "expected"),
    # 8, 24 / 3 = 8 and 25 / 4 = 6.25 frames a second are taken, for four predictions a second; 25 / 32 are too few.
    [(8.0, 1, 2), (24.0, 3, 2), (None, 4, 2), (None, 32, 1), (None, 1, 6)],
)
def test_predictions_come_as_often_as_asked(
    frames_per_second: float | None, stride: int, expected: int
) -> None:
    network = model(frames_per_second=frames_per_second, stride=stride)
    assert classifier_of(network, predictions_per_second=4.0).stride == expected


def test_no_action_ends_after_the_video(film: Path, tmp_path: Path) -> None:
    short, head = tmp_path / "short.mp4", tmp_path / "head.safetensors"
    with open_video(film) as video, VideoWriter(short, width=64, height=48, frames_per_second=RATE) as writer:
        for frame in list(video)[:175]:
            writer.write(frame.pixels)
    scores = score_moments(short, classifier_of(model(), predictions_per_second=4.0))
    # 175 frames are 11.67 s, so the last of the 47 moments reaches to 11.75 s.
    assert len(scores.actionness) == 47
    assert scores.end_seconds == pytest.approx(175 / RATE)
    torch.manual_seed(0)
    network = create_model("temporal_proposal_net", num_classes=3, num_features=4, width=16)
    with torch.no_grad():  # every moment is likely to be a beginning and an end
        network.boundaries.weight.zero_()
        network.boundaries.bias.fill_(5)
        network.classes.bias.add_(5)
    options = {"num_features": 4, "num_classes": 3, "width": 16}
    record = Weights("squares", labels=LABELS, options=options)
    save_checkpoint(head, network, name="temporal_proposal_net", weights=record)
    ends = [segment.end_seconds for segment in detect_with_head(short, head, model=model(), min_score=0.0)]
    assert max(ends) == pytest.approx(175 / RATE)


def test_features_are_shares_between_the_least_probability_and_one() -> None:
    scores = MomentScores(("a", "b", "c"), 0.0, 4.0, np.array([[1.0, 0.1, 0.0]]), np.array([0.25]))
    assert scores.features().ravel() == pytest.approx([1.0, 0.5, 0.0, 0.25])


def test_bad_input(film: Path, head: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="other ones"):
        load_proposal_head(head, ("red", "blue", "none of these"))
    with pytest.raises(WeightsError, match="other ones"):
        detect_with_head(film, head, model=model(("cat", "dog", "none of these")))
    other = tmp_path / "other.safetensors"
    save_checkpoint(
        other, create_model("factorized3d", num_classes=2), name="factorized3d", weights=Weights("other")
    )
    with pytest.raises(WeightsError, match="factorized3d"):
        load_proposal_head(other, LABELS)
    short = tmp_path / "short.mp4"
    with VideoWriter(short, width=64, height=48, frames_per_second=RATE) as writer:
        writer.write(np.zeros((48, 64, 3), np.uint8))
    with pytest.raises(VideoError, match="less than one window"):
        detect_with_head(short, head, model=model())
