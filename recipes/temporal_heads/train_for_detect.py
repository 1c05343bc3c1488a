"""Train a proposal head for `muybridge detect --proposals` on videos whose actions are marked.

    python recipes/temporal_heads/train_for_detect.py truth.json videos/ run/
    muybridge detect new.mp4 --proposals run/model.safetensors

truth.json is ActivityNet's layout; a video's key is its file's name. The head reads what a classifier says of
each quarter of a second (`--model`, default the best weights at hand) and belongs to that classifier from then on.
With `--test truth.json videos/` it is measured beside the detector that needs no training.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from muybridge.actions.detection_input import classifier_of
from muybridge.actions.detector import detect_actions
from muybridge.actions.proposal_head import MOMENTS_PER_SECOND, detect_with_head, score_moments
from muybridge.metrics.temporal import THUMOS_THRESHOLDS, evaluate_detection, evaluate_proposals
from muybridge.metrics.temporal_annotations import predictions_of
from muybridge.models import create_model
from muybridge.models.weights import Weights
from muybridge.training.loop import Trainer
from muybridge.training.proposal_heads import ProposalLoss, boundary_targets, class_targets
from muybridge.training.settings import TrainingSettings

WIDTH, WINDOW, STEP = 64, 128, 16


def marked(truth: Path) -> dict[str, list[tuple[float, float, str]]]:
    """Video → its segments in seconds, with their labels."""
    database = json.loads(truth.read_text(encoding="utf-8"))["database"]
    return {
        name: [(*map(float, row["segment"]), row["label"]) for row in video["annotations"]]
        for name, video in database.items()
    }


def windows(
    features: np.ndarray, segments: list[tuple[float, float, str]], labels: list[str]
) -> list[dict[str, Tensor]]:
    """Overlapping stretches of one video with their targets; a short one is filled up with its last moment."""
    spans = [(start * MOMENTS_PER_SECOND, end * MOMENTS_PER_SECOND) for start, end, _ in segments]
    count = features.shape[1]
    kinds = [labels.index(label) for _, _, label in segments]
    rows = {
        "features": features,
        "boundaries": boundary_targets(spans, count),
        "classes": class_targets(spans, kinds, count, len(labels)),
    }
    padded = {
        name: np.pad(row, [(0, 0), (0, max(0, WINDOW - count))], mode="edge") for name, row in rows.items()
    }
    firsts = range(0, max(1, count - WINDOW + 1), STEP)
    return [
        {name: torch.from_numpy(row[:, first : first + WINDOW].copy()) for name, row in padded.items()}
        for first in firsts
    ]


def measure(truth: Path, folder: Path, head: Path, model: str | None) -> dict[str, dict[str, float]]:
    """The head and the detector without training, on the same videos."""
    layout = json.loads(truth.read_text(encoding="utf-8"))
    names = sorted(layout["database"])
    found = {
        "trained head": {name: detect_with_head(folder / name, head, model=model) for name in names},
        "motion and stillness, no training": {
            name: detect_actions(folder / name, model=model) for name in names
        },
    }
    results = {}
    for who, segments in found.items():
        predictions = predictions_of(segments)
        scores = evaluate_detection(layout, predictions, tiou_thresholds=THUMOS_THRESHOLDS)
        recall = evaluate_proposals(
            layout, predictions, max_proposals_per_video=None, tiou_thresholds=THUMOS_THRESHOLDS
        )
        results[who] = {
            "mAP@0.5": round(scores.map_at(0.5), 3),
            "average mAP 0.3:0.7": round(scores.average_map, 3),
            "AR at as many proposals as actions": round(float(recall.average_recall[-1]), 3),
        }
    return results


def main() -> None:
    """Score the moments of all videos, train, save, measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("truth", type=Path)
    parser.add_argument("videos", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--model", help="the classifier; default: the best weights at hand")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", type=Path, nargs=2, metavar=("TRUTH", "VIDEOS"))
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    classifier = classifier_of(args.model, predictions_per_second=MOMENTS_PER_SECOND)
    labels = list(classifier.labels)
    items = []
    for name, segments in marked(args.truth).items():
        items += windows(score_moments(args.videos / name, classifier).features(), segments, labels)
    options = {"num_features": len(labels) + 1, "num_classes": len(labels), "width": WIDTH}
    head = create_model("temporal_proposal_net", **options)
    settings = TrainingSettings(
        epochs=args.epochs, batch_size=8, learning_rate=2e-3, weight_decay=1e-3, seed=args.seed
    )
    record = Weights("proposals", labels=tuple(labels), options=options)
    trainer = Trainer(
        head, settings, args.output, loss=ProposalLoss(), name="temporal_proposal_net", record=record
    )
    trainer.fit(items)
    report: dict[str, object] = {
        "videos": len(marked(args.truth)),
        "windows": len(items),
        "epochs": args.epochs,
    }
    if args.test:
        report["test"] = measure(*args.test, args.output / "model.safetensors", args.model)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
