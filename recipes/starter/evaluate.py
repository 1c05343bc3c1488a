"""Measure the starter model on recordings: `python recipes/starter/evaluate.py DATA [--model FILE] [--subjects 1 2]`.

Prints as JSON what the model card tells: top-1 of color clips and of silhouettes before backgrounds of another seed, by
class and by subject, balanced accuracy of fights, and what is said of videos that show none of the classes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from train import FIGHT, LABELS, RECORD, HeldOut, Recordings, part_of, predict

from muybridge.actions.classifier import load_classifier_model
from muybridge.actions.streaming import StreamingClassifier
from muybridge.training.silhouettes import ClipShape
from muybridge.video.reader import open_video


def windows(model: str | None, path: Path) -> Counter[str]:
    """How often each label comes first, over the windows of a video."""
    classifier = StreamingClassifier(model or "causal_light", stride=4)
    with open_video(path) as video:
        found = [classifier.push(frame) for frame in video.frames(classifier.view)]
    return Counter(prediction.label for prediction in found if prediction is not None)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--recordings", type=Path, required=True, help="where decoded recordings are kept")
    parser.add_argument("--model", help="a checkpoint; without it the one that comes with the package")
    parser.add_argument("--subjects", type=int, nargs="*", default=[1, 2], help="people it has not seen")
    parser.add_argument(
        "--videos", type=Path, nargs="*", default=[], help="the shares of the labels in each of these"
    )
    options = parser.parse_args()
    _, model = load_classifier_model(options.model or "causal_light")
    test = Recordings.read(options.data, options.recordings, []).part(part_of(parser, options.subjects))
    held_out = HeldOut(test, ClipShape(RECORD.num_frames, RECORD.size_px, RECORD.frames_per_second or 8.0))
    report: dict[str, Any] = {}
    for kind, actors in (("silhouettes", test.depth), ("color", test.color)):
        clips = getattr(held_out, kind)
        said = predict(model, [clip for clip, _ in clips]).argmax(1).numpy()
        right = said == np.array([target for _, target in clips])
        by_class, by_subject = defaultdict(list), defaultdict(list)
        for actor, is_right in zip(actors, right, strict=True):
            by_class[LABELS[actor.label]].append(bool(is_right))
            by_subject[actor.group].append(bool(is_right))
        mistakes = Counter(
            f"{LABELS[a.label]} → {LABELS[s]}" for a, s, ok in zip(actors, said, right, strict=True) if not ok
        )
        report[kind] = {
            "top1": float(right.mean()),
            "clips": len(right),
            "by_class": {name: float(np.mean(hits)) for name, hits in by_class.items()},
            "by_subject": {subject: float(np.mean(hits)) for subject, hits in by_subject.items()},
            "mistakes": mistakes.most_common(12),
        }
    said = predict(model, [clip for clip, _ in held_out.fights]).argmax(1).numpy() == FIGHT
    true = np.array([target == FIGHT for _, target in held_out.fights])
    report["fights"] = {
        "found": float(said[true].mean()),
        "left_alone": float((~said[~true]).mean()),
        "clips": len(true),
    }
    for path in options.videos:
        said_of = windows(options.model, path)
        total = max(1, said_of.total())
        report[path.name] = {label: round(count / total, 3) for label, count in said_of.most_common(4)}
    print(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
