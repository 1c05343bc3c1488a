"""Measure the starter as its users meet it: `python recipes/starter/evaluate.py DATA [--model FILE] [--subjects 1 2]`.

Prints as JSON what the model card tells: what `classify` says of the color clips, of the surveillance clips, and of
silhouettes put before backgrounds of another seed and written as videos; by class and by subject; and what is said of
each window of videos that were never seen in training.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from train import ACTIONS, FIGHT, LABELS, Recordings, fold_of, part_of, unseen_stage

from muybridge.actions.classifier import Classifier
from muybridge.actions.streaming import StreamingClassifier
from muybridge.training.actors import Actor
from muybridge.training.silhouettes import ClipShape, Stage
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

SIDE_PX, FRAMES_PER_SECOND = 240, 15.0


def painted_videos(actors: Sequence[Actor], folder: Path) -> list[Path]:
    """Each recording from its first frame to its last, before a background that training has not seen."""
    chance = np.random.default_rng(12345)
    paths = []
    stage = unseen_stage(chance, ClipShape(1, SIDE_PX, FRAMES_PER_SECOND))
    for number, actor in enumerate(actors):
        step = actor.frames_per_second / FRAMES_PER_SECOND
        moments = np.arange(0, len(actor.frames), step).astype(np.int64)
        stage.shape = ClipShape(len(moments), SIDE_PX, FRAMES_PER_SECOND)
        paths.append(folder / f"{number:04d}.mp4")
        with VideoWriter(
            paths[-1], width=SIDE_PX, height=SIDE_PX, frames_per_second=FRAMES_PER_SECOND
        ) as writer:
            for frame in _painted(stage, chance, actor.at(moments)):
                writer.write(frame)
    return paths


def _painted(stage: Stage, chance: np.random.Generator, actor: Actor) -> np.ndarray[Any, Any]:
    path = np.zeros((len(actor.frames), 2), np.float32)
    layer = stage.paint_actor(chance, actor, stage.place(chance, actor), path)
    return stage.compose(chance, [layer], stage.background(chance), path)


def said_of(classifier: Classifier, paths: Sequence[Path]) -> list[str]:
    """The first label of each video."""
    return [said.labels[0] for _, said in classifier.classify_many(paths, top=1)]


def report_of(said: Sequence[str], true: Sequence[str], people: Sequence[int]) -> dict[str, Any]:
    """Top-1, by class and by person, and what is most often mistaken for what."""
    by_class, by_subject = defaultdict(list), defaultdict(list)
    for name, label, person in zip(said, true, people, strict=True):
        by_class[label].append(name == label)
        by_subject[person].append(name == label)
    pairs = zip(true, said, strict=True)
    return {
        "top1": float(np.mean([a == b for a, b in zip(said, true, strict=True)])),
        "clips": len(said),
        "by_class": {name: float(np.mean(hits)) for name, hits in by_class.items()},
        "by_subject": {person: float(np.mean(hits)) for person, hits in by_subject.items()},
        "mistakes": Counter(f"{a} → {b}" for a, b in pairs if a != b).most_common(12),
    }


def windows(model: str | None, path: Path) -> Counter[str]:
    """How often each label comes first, over the windows of a stream."""
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
    part = part_of(parser, options.subjects)
    classifier = Classifier(options.model or "causal_light")
    report: dict[str, Any] = {}

    actors = Recordings.read(options.data, options.recordings, []).part(part).depth
    with tempfile.TemporaryDirectory() as folder:
        said = said_of(classifier, painted_videos(actors, Path(folder)))
    report["silhouettes"] = report_of(said, [LABELS[a.label] for a in actors], [a.group for a in actors])

    color = {
        path: int(found[1])
        for path in sorted(options.data.glob("utd-mhad-rgb/*/*.mp4"))
        if (found := re.search(r"_s(\d+)_", path.name)) and int(found[1]) in options.subjects
    }
    true = [ACTIONS[int(path.name[1:3]) - 1] for path in color]
    report["color"] = report_of(said_of(classifier, list(color)), true, list(color.values()))

    rates = {}
    for kind, name in (("fight", "found"), ("nofight", "left_alone")):
        paths = sorted((options.data / "surveillance-fight" / kind).glob("*.mp4"))
        said = said_of(classifier, [path for path in paths if fold_of(path) == part])
        rates[name] = float(np.mean([(label == LABELS[FIGHT]) == (kind == "fight") for label in said]))
    report["fights"] = rates | {"balanced": sum(rates.values()) / 2}

    for path in options.videos:
        counts = windows(options.model, path)
        shares = {label: round(n / max(1, counts.total()), 3) for label, n in counts.most_common(4)}
        report[path.name] = {"windows": shares, "whole": said_of(classifier, [path])[0]}
    print(json.dumps(report, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
