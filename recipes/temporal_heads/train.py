"""Train both proposal heads on videos of the procedural world, and measure them on worlds they have not seen.

    python recipes/temporal_heads/train.py OUTPUT                 # 300 videos of 16 seconds, 40 epochs
    python recipes/temporal_heads/train.py OUTPUT --videos 20 --epochs 5

The features are hand-made, so that the recipe needs no backbone: how much each of 8 × 8 fields changes, and which way
its brightness goes, averaged over the frames of a moment. Another backbone replaces `features_of`.
Beside the heads stands what needs no training: runs of the same change above a threshold.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from muybridge.actions.nms import soft_nms
from muybridge.actions.proposals import Proposal, boundary_proposals, group_proposals, matching_proposals
from muybridge.metrics.temporal import evaluate_proposals
from muybridge.models import create_model
from muybridge.training.loop import Trainer
from muybridge.training.proposal_heads import (
    MatchingLoss,
    ProposalLoss,
    boundary_targets,
    class_targets,
    matching_targets,
)
from muybridge.training.settings import TrainingSettings
from muybridge.training.world import World, WorldSettings, make_world

SECONDS, RATE, MOMENTS_PER_SECOND = 16.0, 8.0, 4.0
NUM_MOMENTS = int(SECONDS * MOMENTS_PER_SECOND)
MAX_DURATION = 24
SETTINGS = WorldSettings(
    scene_seconds=(SECONDS, SECONDS),
    num_actors=(2, 3),
    num_events=(2, 4),
    event_seconds=(0.8, 3.0),
    rest_seconds=(0.8, 3.0),
    camera_motions=("rests",),
)


def features_of(world: World) -> np.ndarray:
    """(128, T): of each field the change and the brightening, averaged over the frames of a moment."""
    frames = world.render(np.arange(world.num_frames)).mean(axis=3)
    fields = frames.reshape(len(frames), 8, 8, 8, 8)
    step = np.diff(fields, axis=0, prepend=fields[:1])
    rows = np.concatenate([np.abs(step).mean(axis=(2, 4)), step.mean(axis=(2, 4))], axis=1).reshape(
        len(frames), -1
    )
    return (rows.reshape(NUM_MOMENTS, -1, 128).mean(axis=1).T / 4).astype(np.float32)


def example(seed: int) -> tuple[dict[str, Tensor], list[list[float]]]:
    """Features and targets of one world, and its true segments in moments."""
    world = make_world(seed, SETTINGS)
    spans = [
        [s.start_seconds * MOMENTS_PER_SECOND, s.end_seconds * MOMENTS_PER_SECOND]
        for s in world.segments
        if s.kind == "action"
    ]
    arrays = {
        "features": features_of(world),
        "boundaries": boundary_targets(spans, NUM_MOMENTS),
        "classes": class_targets(spans, [0] * len(spans), NUM_MOMENTS, 1),
        "overlaps": matching_targets(spans, NUM_MOMENTS, MAX_DURATION),
    }
    return {name: torch.from_numpy(array) for name, array in arrays.items()}, spans


def average_recall(found: list[list[Proposal]], truth: list[list[list[float]]]) -> dict[str, float]:
    """AR at 5 and at 10 proposals per video, and the area under the curve."""
    database = {
        str(n): {"subset": "test", "annotations": [{"segment": span, "label": "action"} for span in spans]}
        for n, spans in enumerate(truth)
    }
    results = {
        str(n): [{"segment": [p.start, p.end], "score": p.mean_score} for p in proposals]
        for n, proposals in enumerate(found)
    }
    recall = evaluate_proposals({"database": database}, {"results": results}, max_proposals_per_video=10)
    return {
        "AR@5": round(recall.average_recall_at(5), 3),
        "AR@10": round(recall.average_recall_at(10), 3),
        "area under AR-AN": round(recall.area_under_curve, 3),
    }


def main() -> None:
    """Make the worlds, train, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--videos", type=int, default=300, help="for training; a fifth as many for the test")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    train = [example(1_000_000 * args.seed + n)[0] for n in range(args.videos)]
    test = [example(1_000_000 * args.seed + 500_000 + n) for n in range(max(5, args.videos // 5))]
    truth = [spans for _, spans in test if spans]
    items = [item for item, spans in test if spans]
    settings = TrainingSettings(
        epochs=args.epochs, batch_size=16, learning_rate=2e-3, weight_decay=1e-3, seed=args.seed
    )
    proposer = create_model("temporal_proposal_net", num_features=128, width=64)
    matcher = create_model(
        "boundary_matching_net",
        num_features=128,
        num_moments=NUM_MOMENTS,
        max_duration=MAX_DURATION,
        num_points=8,
        width=32,
    )
    Trainer(
        proposer, settings, args.output / "proposals", loss=ProposalLoss(), name="temporal_proposal_net"
    ).fit(train)
    Trainer(
        matcher, settings, args.output / "matching", loss=MatchingLoss(), name="boundary_matching_net"
    ).fit(train)
    report: dict[str, Any] = {"videos": args.videos, "epochs": args.epochs}
    by_runs, by_boundaries, by_map = [], [], []
    for item in items:
        features = item["features"]
        change = features[:64].max(dim=0).values.numpy()
        by_runs.append(soft_nms(group_proposals(np.clip(change / change.max(), 0, 1), min_duration=2)))
        with torch.no_grad():
            start, end, classes = (logits[0].sigmoid() for logits in proposer.eval()(features[None]))
            found = boundary_proposals(
                start, end, actionness=classes[0], min_duration=2, max_duration=MAX_DURATION
            )
            by_boundaries.append(soft_nms(found))
            start, end, confidence = (logits[0].sigmoid() for logits in matcher.eval()(features[None]))
            by_map.append(soft_nms(matching_proposals(start, end, confidence, min_duration=2)))
    report["runs of change, no training"] = average_recall(by_runs, truth)
    report["temporal_proposal_net"] = average_recall(by_boundaries, truth)
    report["boundary_matching_net"] = average_recall(by_map, truth)
    (args.output / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
