"""Actions found in untrimmed real video: people who act and stand still, and cameras that see a fight now and then.

    python benchmarks/detection.py --data DATA --checkpoint MODEL --subjects 5 6 --fold 2 > detection.json
    python benchmarks/detection.py --data DATA --subjects 1 2 3 4 5 6       # with the stand-in of motion_templates.py

DATA holds `utd-mhad-rgb` and `surveillance-fight` (default: $MUYBRIDGE_SHARED_DATA/actions). MODEL must not have seen
the subjects, nor the fights whose number falls into the fold ((number - 1) // 50). Without one, a stand-in learns the
five actions from the other subjects' clips, anew for each pair of subjects (1 2, 3 4, 5 6); it knows no fights.

Acting: all color clips of one subject in random order, with 2 to 4 seconds of standing still between two, made of the
still tail of the one clip and the still head of the next, played back and forth (so nothing jumps where an action
begins or ends; it does in the middle of the standing, where another recording begins). A true segment is what a clip
shows between its first and its last moving frame; "whole clips" counts its still head and tail to it.

Fights: see `fight_videos.py`. All quiet and fighting clips come from the fold that the model has not seen.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fight_videos import fights
from motion_templates import learn
from timing import report
from torch import nn

from muybridge.actions.detector import detect_actions
from muybridge.metrics.temporal import (
    THUMOS_THRESHOLDS,
    evaluate_detection,
    evaluate_proposals,
)
from muybridge.metrics.temporal_annotations import ground_truth_of, predictions_of
from muybridge.metrics.temporal_errors import diagnose_detection
from muybridge.values import Segment
from muybridge.video import open_video
from muybridge.video.writer import VideoWriter

LABELS = {"a01": "swipe left", "a02": "swipe right", "a03": "wave", "a04": "clap", "a05": "throw"}
RATE = 15
MOVING_LEVELS = 0.02


def frames_of(path: Path, size: tuple[int, int] | None = None) -> list[np.ndarray]:
    """All frames, RGB."""
    with open_video(path) as video:
        frames = [frame.pixels for frame in video]
    return frames if size is None else [cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in frames]


def moving_part(frames: list[np.ndarray]) -> tuple[int, int]:
    """From the first frame that differs from the one before it to the last one, half-open."""
    gray = [
        cv2.GaussianBlur(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), (5, 5), 0).astype(np.float32) for f in frames
    ]
    change = [float(np.maximum(np.abs(b - a) - 4, 0).mean()) for a, b in itertools.pairwise(gray)]
    moving = np.flatnonzero(np.array(change) > MOVING_LEVELS)
    return int(moving[0]), int(moving[-1]) + 2


def back_and_forth(frames: list[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """So many frames of a still piece, without a jump."""
    turn = [*range(len(frames)), *range(len(frames) - 2, 0, -1)]
    return (frames[turn[number % len(turn)]] for number in range(count))


def acting_video(folder: Path, subject: int, seed: int, path: Path) -> tuple[list[Segment], list[Segment]]:
    """Writes the video; the true segments, by motion and by whole clips."""
    rng = np.random.default_rng((seed, subject))
    names = sorted(folder.glob(f"utd-mhad-rgb/*/*_s{subject}_t*.mp4"))
    clips = [
        (LABELS[file.parent.name], frames_of(file))
        for file in (names[i] for i in rng.permutation(len(names)))
    ]
    parts = [moving_part(frames) for _, frames in clips]
    moving, whole, written = [], [], 0
    with VideoWriter(path, width=320, height=240, frames_per_second=RATE) as writer:
        for (label, frames), (start, end) in zip(clips, parts, strict=True):
            # Standing still: the head of this clip, then the action, then its tail.
            head, tail = frames[: start + 1], frames[end - 1 :]
            standing = [int(n) for n in rng.integers(RATE, 2 * RATE + 1, 2)]
            for picture in [*back_and_forth(head[::-1], standing[0])][::-1]:
                writer.write(picture)
            written += standing[0]
            for picture in frames[start:end]:
                writer.write(picture)
            moving.append(Segment(written / RATE, (written + end - start) / RATE, "action", label))
            before, after = start / RATE, (len(frames) - end) / RATE
            whole.append(
                Segment(moving[-1].start_seconds - before, moving[-1].end_seconds + after, "action", label)
            )
            written += end - start
            for picture in back_and_forth(tail, standing[1]):
                writer.write(picture)
            written += standing[1]
    return moving, whole


@functools.cache
def stand_in(data: Path, pair: int) -> nn.Module:
    """Motion templates learned from all subjects but a pair."""
    files = [
        (file, LABELS[file.parent.name])
        for file in sorted(data.glob("utd-mhad-rgb/*/*.mp4"))
        if (int(re.findall(r"_s(\d+)_", file.name)[0]) - 1) // 2 != pair
    ]
    return learn(files, list(LABELS.values()))


def acting(
    data: Path, model: Any, subjects: list[int], seeds: int, work: Path, *, make_only: bool = False
) -> dict[str, Any]:
    truth: dict[str, list[Segment]] = {}
    whole: dict[str, list[Segment]] = {}
    found: dict[str, list[Segment]] = {}
    seconds = spent = 0.0
    for subject in subjects:
        for seed in range(seeds):
            name = f"s{subject}_{seed}.mp4"
            path = work / name
            truth[name], whole[name] = acting_video(data, subject, seed, path)
            if make_only:
                continue
            chosen = model or stand_in(data, (subject - 1) // 2)
            start = time.perf_counter()
            found[name] = detect_actions(path, model=chosen)
            spent += time.perf_counter() - start
            with open_video(path) as video:
                seconds += video.metadata.duration_seconds or 0.0
    (work / "truth.json").write_text(json.dumps(ground_truth_of(truth), indent=1) + "\n", encoding="utf-8")
    if make_only:
        return {"videos": sorted(truth)}
    predictions = predictions_of(found)
    results: dict[str, Any] = {
        "seconds_of_video": round(seconds),
        "times_real_time": round(seconds / spent, 1),
    }
    for name, segments in (("moving parts", truth), ("whole clips", whole)):
        layout = ground_truth_of(segments)
        results[name] = {
            "mAP@0.5": evaluate_detection(layout, predictions, tiou_thresholds=[0.5]).average_map,
            "average mAP 0.3:0.7": evaluate_detection(
                layout, predictions, tiou_thresholds=THUMOS_THRESHOLDS
            ).average_map,
            "AR at as many proposals as actions": evaluate_proposals(
                layout, predictions, max_proposals_per_video=None, tiou_thresholds=THUMOS_THRESHOLDS
            ).average_recall[-1],
        }
    results["errors at 0.5"] = diagnose_detection(ground_truth_of(truth), predictions).to_dict()
    results["found"] = {
        name: [
            [round(s.start_seconds, 2), round(s.end_seconds, 2), s.label, round(s.score or 0, 2)]
            for s in rows
        ]
        for name, rows in found.items()
    }
    results["true"] = {
        name: [[round(s.start_seconds, 2), round(s.end_seconds, 2), s.label] for s in rows]
        for name, rows in truth.items()
    }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = Path(os.environ.get("MUYBRIDGE_SHARED_DATA", "shared/data")) / "actions"
    parser.add_argument("--data", type=Path, default=default)
    parser.add_argument("--checkpoint", type=Path, help="a model file; default: motion templates")
    parser.add_argument("--subjects", type=int, nargs="*", default=[5, 6])
    parser.add_argument("--orders", type=int, default=1, help="random orders per subject")
    parser.add_argument("--fold", type=int, default=-1, help="which fights are unseen; -1 takes all")
    parser.add_argument(
        "--videos", type=int, default=10, help="with a fight, of each kind; 0 leaves them out"
    )
    parser.add_argument("--switch-cost", type=float, help="of the detection rule, in videos with a fight")
    parser.add_argument("--keep", type=Path, help="keep the videos in this folder, and truth.json")
    parser.add_argument(
        "--make-only", action="store_true", help="make the videos of acting for --keep, find nothing"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = args.keep or Path(folder)
        work.mkdir(parents=True, exist_ok=True)
        results: dict[str, Any] = {"model": args.checkpoint.name if args.checkpoint else "motion templates"}
        if args.subjects:
            results["acting"] = acting(
                args.data, args.checkpoint, args.subjects, args.orders, work, make_only=args.make_only
            )
        if args.videos and args.checkpoint and not args.make_only:
            results["fights"] = fights(
                args.data,
                args.checkpoint,
                fold=args.fold,
                videos=args.videos,
                work=work,
                switch_cost=args.switch_cost,
            )
    report("detection in untrimmed video", results)


if __name__ == "__main__":
    main()
