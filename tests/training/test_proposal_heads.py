"""Targets by hand; losses that fall to nothing where a head says the truth; both heads learn a small world."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from muybridge.actions.proposals import boundary_proposals, matching_proposals
from muybridge.errors import OptionError, ShapeError
from muybridge.models.boundary_matching import BoundaryMatchingNet, MatchingScores
from muybridge.models.temporal_proposals import ProposalScores, TemporalProposalNet
from muybridge.training.loop import Trainer
from muybridge.training.proposal_heads import (
    MatchingLoss,
    ProposalLoss,
    balanced_cross_entropy,
    boundary_targets,
    class_targets,
    matching_targets,
)
from muybridge.training.settings import TrainingSettings


def test_boundary_targets_by_hand() -> None:
    starts, ends = boundary_targets([(4, 8), (10, 40)], 50, width=1.0)
    assert np.flatnonzero(starts).tolist() == [
        3,
        4,
        7,
        8,
        9,
        10,
        11,
        12,
    ]  # a tenth of 30 to either side of 10
    assert np.flatnonzero(ends).tolist() == [7, 8, 37, 38, 39, 40, 41, 42]
    assert boundary_targets([], 5).sum() == 0


def test_what_several_segments_cover_counts_once_and_whole() -> None:
    assert class_targets([(1, 1.5), (1.5, 2)], [0, 0], 3, 1).tolist() == [[0, 1, 0]]
    # One inside another, one that reaches out of it, one of another class; given in no order.
    spans, labels = [(2.5, 3.5), (0.25, 3), (1, 2), (0, 1)], [0, 0, 0, 1]
    assert class_targets(spans, labels, 4, 2).tolist() == [[0.75, 1, 1, 0.5], [1, 0, 0, 0]]
    # The regions of the ends 2 and 3 are [1.75, 2.25) and [2.75, 3.25): half of moment 2 lies in them.
    assert boundary_targets([(0, 2), (1, 3)], 5, width=0.25)[1].tolist() == [0, 0.25, 0.5, 0.25, 0]


def test_coverage_equals_counting_small_steps() -> None:
    rng = np.random.default_rng(0)
    middles = (np.arange(6 * 64) + 0.5) / 64
    for _ in range(50):
        starts = rng.integers(0, 5 * 64, 4) / 64
        spans = np.stack([starts, starts + rng.integers(1, 64, 4) / 64], axis=1)
        inside = ((spans[:, :1] < middles) & (middles < spans[:, 1:])).any(axis=0)
        expected = inside.reshape(6, 64).mean(axis=1)
        assert class_targets(spans, [0] * 4, 6, 1)[0] == pytest.approx(expected, abs=1e-6)


def test_map_by_hand_and_its_best_cell_is_the_segment() -> None:
    overlaps = matching_targets([(3, 7), (0, 2)], 10, 8)
    assert overlaps.shape == (8, 10)
    assert overlaps[3, 3] == overlaps[1, 0] == 1
    assert overlaps[1, 4] == pytest.approx(2 / 4)
    assert overlaps[7, 3] == 0  # would end after the video
    assert matching_targets([], 4, 2).sum() == 0


def test_a_rare_positive_weighs_as_much_as_all_negatives() -> None:
    targets = torch.zeros(100)
    targets[7] = 1
    never, always = torch.full((100,), -4.0), torch.full((100,), 4.0)
    assert torch.allclose(balanced_cross_entropy(never, targets), balanced_cross_entropy(always, targets))
    assert balanced_cross_entropy(torch.where(targets > 0, 9.0, -9.0), targets) < 1e-3
    assert balanced_cross_entropy(never, torch.zeros(100)) < 0.02


class Says(torch.nn.Module):
    """A head that gives fixed scores."""

    def __init__(self, scores: ProposalScores | MatchingScores) -> None:
        super().__init__()
        self.scores = scores

    def forward(self, features: Tensor) -> ProposalScores | MatchingScores:
        return self.scores


def test_the_truth_costs_nothing_and_its_opposite_much() -> None:
    spans = [(4, 9)]
    boundaries = torch.from_numpy(boundary_targets(spans, 16))[None]
    classes = torch.from_numpy(class_targets(spans, [0], 16, 1))[None]
    overlaps = torch.from_numpy(matching_targets(spans, 16, 10))[None]
    features = torch.zeros(1, 4, 16)
    sure = [(20 * (x > 0.5).float() - 10) for x in (boundaries[:, 0], boundaries[:, 1], classes)]
    batch = {"features": features, "boundaries": boundaries, "classes": classes, "overlaps": overlaps}
    assert ProposalLoss()(Says(ProposalScores(*sure)), batch) < 0.01
    assert ProposalLoss()(Says(ProposalScores(*(-x for x in sure))), batch) > 10
    is_best = 20 * (overlaps >= 0.9).float() - 10
    confidence = torch.stack([is_best, overlaps.clamp(1e-4, 1 - 1e-4).logit()], dim=1)
    assert MatchingLoss()(Says(MatchingScores(sure[0], sure[1], confidence)), batch) < 0.01
    assert MatchingLoss()(Says(MatchingScores(sure[0], sure[1], -confidence)), batch) > 5


def examples(
    count: int, num_moments: int, seed: int
) -> tuple[list[dict[str, Tensor]], list[list[tuple[int, int]]]]:
    """Two segments in noise: four features rise inside, two flash at the boundaries."""
    rng = np.random.default_rng(seed)
    items, truth = [], []
    for _ in range(count):
        a, b, c, d = sorted(rng.choice(np.arange(1, num_moments // 2), 4, replace=False) * 2)
        spans = [(int(a), int(b)), (int(c), int(d))]
        boundaries = boundary_targets(spans, num_moments)
        classes = class_targets(spans, [0, 0], num_moments, 1)
        features = rng.normal(0, 0.3, (6, num_moments)).astype(np.float32)
        features[:4] += classes
        features[4:] += boundaries
        arrays = {"features": features, "boundaries": boundaries, "classes": classes,
                  "overlaps": matching_targets(spans, num_moments, num_moments)}  # fmt: skip
        items.append({name: torch.from_numpy(array) for name, array in arrays.items()})
        truth.append(spans)
    return items, truth


def test_a_trained_head_finds_segments_it_has_not_seen(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = TrainingSettings(epochs=12, batch_size=8, learning_rate=1e-2, weight_decay=0.0)
    net = TemporalProposalNet(6, width=16, dilations=(1, 2))
    train, _ = examples(32, 32, seed=0)
    result = Trainer(net, settings, tmp_path / "bsn", loss=ProposalLoss(), quiet=True).fit(train)
    items, truth = examples(10, 32, seed=1)
    found = 0
    for item, spans in zip(items, truth, strict=True):
        with torch.no_grad():
            scores = result.model(item["features"][None]).probabilities()
        proposals = boundary_proposals(scores.start[0], scores.end[0], actionness=scores.classes[0, 0])[:4]
        found += sum(any(abs(p.start - a) <= 1 and abs(p.end - b) <= 1 for p in proposals) for a, b in spans)
    assert found >= 12  # of 20, among 240 pairs of moments of which 4 are looked at


def test_a_trained_map_ranks_the_true_segments_high(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = TrainingSettings(epochs=12, batch_size=8, learning_rate=1e-2, weight_decay=0.0)
    net = BoundaryMatchingNet(6, 16, num_points=4, width=8)
    train, _ = examples(32, 16, seed=0)
    result = Trainer(net, settings, tmp_path / "bmn", loss=MatchingLoss(), quiet=True).fit(train)
    items, truth = examples(10, 16, seed=1)
    found = 0
    for item, spans in zip(items, truth, strict=True):
        with torch.no_grad():
            start, end, confidence = (x[0].sigmoid() for x in result.model(item["features"][None]))
        proposals = matching_proposals(start, end, confidence, max_proposals=5)
        found += sum(any(abs(p.start - a) <= 1 and abs(p.end - b) <= 1 for p in proposals) for a, b in spans)
    assert found >= 10  # of 20, among 136 proposals of which 5 are looked at


def test_bad_input() -> None:
    with pytest.raises(OptionError, match="end after"):
        boundary_targets([(5, 3)], 10)
    with pytest.raises(ShapeError, match=r"\(N, 2\)"):
        matching_targets([1, 2, 3], 10, 5)
    with pytest.raises(OptionError, match="max_duration"):
        matching_targets([(1, 2)], 10, 11)
    with pytest.raises(ShapeError, match="labels"):
        class_targets([(1, 2)], [], 10, 2)
    with pytest.raises(OptionError, match="classes"):
        class_targets([(1, 2)], [2], 10, 2)
    with pytest.raises(OptionError, match="width"):
        boundary_targets([(1, 2)], 10, width=0)
    with pytest.raises(OptionError, match="num_moments"):
        boundary_targets([(1, 2)], 0)
