"""Shot detection beside PySceneDetect: found transitions (F1) and speed, on reels of real clips.

    python benchmarks/shots.py --data ../shared/data

Thresholds were tuned on reels of other seeds, orders and transition lengths (8 to 40 frames) than the ones used here.
A cut counts as found within two frames; a gradual transition anywhere inside its span, give or take two frames,
whoever finds it. With `--reels cuts --shots 63` the reel lasts three minutes.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from shots_reel import ENCODINGS, Boundary, boundaries, encode, frames, plan

from muybridge.motion.shots import detect_shots

TOLERANCE_SECONDS = 0.081
REELS = {  # name: seed, whether there are dissolves and fades, size, encodings
    "cuts": (101, False, (640, 360), ("x264",)),
    "gradual": (102, True, (640, 360), tuple(ENCODINGS)),
}
TRANSITION_FRAMES = (6, 50)
PEERS = ["ContentDetector", "AdaptiveDetector", "ThresholdDetector", "HistogramDetector", "HashDetector"]


def f1(truth: list[Boundary], found: list[float]) -> dict[str, float]:
    left, hits = sorted(found), 0
    for boundary in truth:
        low, high = boundary.start_seconds - TOLERANCE_SECONDS, boundary.end_seconds + TOLERANCE_SECONDS
        hit = next((seconds for seconds in left if low <= seconds <= high), None)
        if hit is not None:
            left.remove(hit)
            hits += 1
    precision, recall = hits / max(1, len(found)), hits / len(truth)
    return {
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "f1": round(2 * hits / (len(found) + len(truth)), 3),
    }


def peers(names: list[str]) -> dict[str, Callable[[Path], list[float]]]:
    import scenedetect

    def peer(name: str) -> Callable[[Path], list[float]]:
        def run(path: Path) -> list[float]:
            manager = scenedetect.SceneManager()
            manager.add_detector(getattr(scenedetect, name)())
            manager.detect_scenes(scenedetect.open_video(str(path)))
            return [start.seconds for start, _ in manager.get_scene_list()[1:]]

        return run

    return {name: peer(name) for name in names}


def ours(mode: str) -> Callable[[Path], list[float]]:
    # It is imported when first needed; the peers' imports are not timed either.
    importlib.import_module("muybridge.motion.hints")
    return lambda path: [shot.start_seconds for shot in detect_shots(path, mode=mode)[1:]]  # type: ignore[arg-type]


def best_peer(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Beside the peer with the highest F1, and the fastest of those: the summary of one reel."""
    others = [row for row in rows if not row["detector"].startswith("muybridge")]
    best = max(others, key=lambda row: (row["f1"], -row["seconds"]))
    summary = {"reel": rows[0]["reel"], "best peer": best["detector"], "its f1": best["f1"]}
    for row in rows:
        if row["detector"].startswith("muybridge"):
            summary[f"{row['detector']}, f1"] = row["f1"]
            summary[f"{row['detector']}, times as fast"] = round(best["seconds"] / row["seconds"], 2)
    return summary


def build(
    folder: Path, data: Path, names: list[str], num_shots: int
) -> dict[str, tuple[Path, list[Boundary]]]:
    files = {}
    for name in names:
        seed, gradual, (width, height), encodings = REELS[name]
        shots = plan(seed, num_shots=num_shots, gradual=gradual, transition_frames=TRANSITION_FRAMES)
        paths = {
            encoding: folder / f"{name}-{num_shots}-{encoding}{ENCODINGS[encoding][0]}"
            for encoding in encodings
        }
        if not all(path.exists() for path in paths.values()):
            print(f"encoding {name} …", file=sys.stderr)
            encode(frames(shots, data / "clips", width, height), paths, width, height)
        files |= {f"{name}, {encoding}": (path, boundaries(shots)) for encoding, path in paths.items()}
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--folder", type=Path, help="where the reels are kept between runs")
    parser.add_argument("--reels", nargs="+", choices=REELS, default=list(REELS))
    parser.add_argument(
        "--peers", nargs="+", choices=PEERS, default=PEERS, help="ContentDetector is always one"
    )
    parser.add_argument("--shots", type=int, default=48)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    detectors = {
        "muybridge fast": ours("fast"),
        "muybridge exact": ours("exact"),
        **peers(list(dict.fromkeys(["ContentDetector", *options.peers]))),
    }
    results, summaries = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for reel, (path, truth) in build(folder, options.data, options.reels, options.shots).items():
            found: dict[str, list[float]] = {}
            seconds: dict[str, list[float]] = {name: [] for name in detectors}
            for _ in range(options.runs):
                # In turn, so that a busy moment of the machine strikes all alike.
                for name, detect in detectors.items():
                    begin = time.perf_counter()
                    found[name] = detect(path)
                    seconds[name].append(time.perf_counter() - begin)
            content = statistics.median(seconds["ContentDetector"])
            rows = []
            for name in detectors:
                middle = statistics.median(seconds[name])
                row = {"reel": reel, "transitions": len(truth), "detector": name, **f1(truth, found[name])}
                row |= {"seconds": round(middle, 4), "times_content": round(content / middle, 2)}
                row["spread"] = [round(min(seconds[name]), 4), round(max(seconds[name]), 4)]
                rows.append(row)
                print(json.dumps(row), file=sys.stderr)
            results += rows
            summaries.append(best_peer(rows))
            print(json.dumps(summaries[-1]), file=sys.stderr)
    print(
        json.dumps({"benchmark": "shots", "runs": options.runs, "results": results, "best peers": summaries})
    )


if __name__ == "__main__":
    main()
