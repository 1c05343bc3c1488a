"""Camera words on known motion, object words on real people, and the cost beside Farneback per frame.

python benchmarks/camera.py words [--half tuning]     share of seconds with the right camera words
python benchmarks/camera.py clips                     what real clips of known content are called
python benchmarks/camera.py silhouettes               object words on depth recordings of 27 actions
python benchmarks/camera.py acted                     falls, runs, walks, squats of silhouettes over pictures
python benchmarks/camera.py speed                     times realtime, decoding included
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from camera_scenes import MOTIONS, PART_SECONDS, PICTURES, Part, Person, act_out, draw_part, film, load_scene

from muybridge.motion.readings import MotionObserver
from muybridge.observer import View
from muybridge.values import Frame, Segment, VideoMetadata
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter

SHARED = Path(os.environ.get("MUYBRIDGE_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
SPEED_SECONDS = 20.0


def read(frames: Iterable[Frame]) -> list[Segment]:
    """What the observer says of those frames."""
    observer = MotionObserver()
    observer.start(VideoMetadata("benchmark"))
    findings = []
    end = 0.0
    for frame in frames:
        findings += observer.observe(frame)
        end = frame.pts_seconds + 1 / 15
    return [item for item in (*findings, *observer.finish(end)) if isinstance(item, Segment)]


def words_of_second(segments: list[Segment], second: int) -> frozenset[str]:
    """The camera words that hold for most of a second."""
    here = Segment(second, second + 1)
    longest = max((s for s in segments if s.kind == "camera"), key=here.overlap_seconds)
    return frozenset(longest.label.removeprefix("camera ").split(", "))


def words(half: str, num_rounds: int) -> dict[str, Any]:
    """Every motion over every picture of one half, with zero, one or two people."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    confused: Counter[str] = Counter()
    for number, (round_, (clip, second)) in enumerate(itertools.product(range(num_rounds), PICTURES[half])):
        draw = random.Random(f"{half} {round_} {clip}")
        scene = load_scene(SHARED, clip, second)
        others = [load_scene(SHARED, *place) for place in PICTURES[half] if place[0] != clip]
        people = [Person(SHARED, half, draw.choice(others), draw) for _ in range(number % 3)]
        motions = draw.sample(MOTIONS, len(MOTIONS))
        for names in itertools.batched(motions, 3) if hasattr(itertools, "batched") else _threes(motions):
            parts = [draw_part(name, draw) for name in names]
            segments = read(film(parts, scene, people, number))
            for index, (name, part) in enumerate(zip(names, parts, strict=True)):
                for offset in range(PART_SECONDS):
                    said = words_of_second(segments, index * PART_SECONDS + offset)
                    total[name] += 1
                    right[name] += said == part.truth
                    if said != part.truth:
                        confused[_describe(clip, part, said, len(people))] += 1
    return {
        "half": half,
        "seconds": sum(total.values()),
        "share_right": round(sum(right.values()) / sum(total.values()), 4),
        "by_motion": {name: round(right[name] / total[name], 3) for name in sorted(total)},
        "wrong": confused.most_common(),
    }


def _threes(items: list[str]) -> Iterable[tuple[str, ...]]:
    return [tuple(items[index : index + 3]) for index in range(0, len(items), 3)]


def _describe(clip: str, part: Part, said: frozenset[str], num_people: int) -> str:
    numbers = {
        k: round(getattr(part, k), 3) for k in ("pan", "tilt", "zoom", "roll", "shake") if getattr(part, k)
    }
    return f"{Path(clip).stem} {numbers} people {num_people}: {', '.join(sorted(said))}"


CLIPS = {  # what is seen on them, by eye
    "vtest.avi": "static camera, people walking",
    "juggle.mp4": "static camera, a man juggles a ball with his feet",
    "kth_boxing.mp4": "static camera, a man boxes",
    "kth_handclapping.mp4": "static camera, a man claps with wide arms",
    "bigbuckbunny.mp4": "almost static camera, an animal gets up and stretches",
    "carphone_pristine.mp4": "camera fixed in a car, a man talks",
    "nasa_13013.mp4": "static, dissolve at 5.0 s, static, cut at 8.0 s, zooms out ever slower",
    "bikes.mp4": "five cuts",
    "long_jump.mp4": "hand-held, pans over a pool",
}


def clips() -> dict[str, Any]:
    """Words for waves on the color clips of five actions, and all words on clips of known content."""
    fired: dict[str, Counter[str]] = {}
    for path in sorted((SHARED / "actions" / "utd-mhad-rgb").glob("a*/*.mp4")):
        segments = read_file(path)
        counts = fired.setdefault(path.parent.name, Counter())
        counts["clips"] += 1
        counts.update({segment.label for segment in segments if segment.kind == "object"})
        counts["camera static throughout"] += all(
            segment.label == "camera static" for segment in segments if segment.kind == "camera"
        )
    waves = sum(counts["something waves"] for counts in fired.values())
    true = fired["a03"]["something waves"]
    said = {
        name: {"seen": seen, "said": [_brief(segment) for segment in read_file(SHARED / "clips" / name)]}
        for name, seen in CLIPS.items()
    }
    return {
        "waves": {"precision": true / waves, "recall": true / fired["a03"]["clips"]},
        "utd-mhad-rgb": fired,
        "clips": said,
    }


def silhouettes() -> dict[str, Any]:
    """Words on the depth recordings: another camera, and 22 actions that no rule was made on."""
    fired: dict[str, Counter[str]] = {}
    for path in sorted((SHARED / "actions" / "utd-mhad-depth").glob("a*/*_t[12].mp4")):
        counts = fired.setdefault(path.parent.name, Counter())
        counts["clips"] += 1
        counts.update({segment.label for segment in read_file(path) if segment.kind == "object"})
    rare = ("something waves", "something falls", "something runs left", "something runs right")
    return {
        action: {name: counts[name] for name in ("clips", *rare) if counts[name]}
        for action, counts in fired.items()
    }


def acted(num_each: int = 24) -> dict[str, Any]:
    """Falls and runs made of real silhouettes over real pictures, and walks and squats that are neither."""
    pictures = PICTURES["held-out"]
    fired: dict[str, Counter[str]] = {}
    for act, number in itertools.product(("falls", "runs", "walks", "squats", "sits down"), range(num_each)):
        draw = random.Random(f"{act} {number}")
        scene, other = (load_scene(SHARED, *place) for place in draw.sample(pictures, 2))
        segments = read(act_out(act, SHARED, scene, other, draw))
        counts = fired.setdefault(act, Counter())
        counts["clips"] += 1
        counts.update(
            {
                segment.label.removeprefix("something ").split()[0]
                for segment in segments
                if segment.kind == "object"
            }
        )
        counts["camera static"] += all(s.label == "camera static" for s in segments if s.kind == "camera")
    return fired


def speed() -> dict[str, Any]:
    """This observer over a whole file, decoding included, and Farneback for every frame beside it."""
    source = SHARED / "clips" / "vtest.avi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "street.mp4"
        _encode(source, path)
        work = {
            "observer": lambda: read_file(path),
            "decoding alone": lambda: _decode(path, MotionObserver().view),
            "farneback, one second": lambda: _farneback(path, 1.0),
        }
        runs = {name: [_timed(call) for _ in range(5)] for name, call in work.items()}
    wall = {name: float(np.median([times[0] for times in both])) for name, both in runs.items()}
    processor = {name: float(np.median([times[1] for times in both])) for name, both in runs.items()}
    per_frame = (processor["observer"] - processor["decoding alone"]) / SPEED_SECONDS / 30
    peer = "farneback, one second"
    return {
        "video_seconds": SPEED_SECONDS,
        "wall_seconds": {name: [round(times[0], 2) for times in both] for name, both in runs.items()},
        "processor_seconds": {name: [round(times[1], 2) for times in both] for name, both in runs.items()},
        "times_realtime": round(SPEED_SECONDS / wall["observer"], 1),
        "times_faster_than_farneback": round(wall[peer] * SPEED_SECONDS / wall["observer"], 1),
        "times_less_processor_time": round(processor[peer] * SPEED_SECONDS / processor["observer"], 1),
        "processor_ms_per_source_frame_without_decoding": round(1000 * per_frame, 2),
    }


def read_file(path: Path) -> list[Segment]:
    """What the observer says of a file."""
    with open_video(path) as video:
        return read(video.frames(MotionObserver().view))


def _encode(source: Path, path: Path) -> None:
    with (
        open_video(source) as video,
        VideoWriter(path, width=640, height=360, frames_per_second=30) as writer,
    ):
        for index, frame in enumerate(video.frames()):
            if index >= SPEED_SECONDS * 30:
                break
            writer.write(
                np.asarray(cv2.resize(frame.pixels, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)
            )


def _decode(path: Path, view: View) -> None:
    with open_video(path) as video:
        for _ in video.frames(view):
            pass


def _farneback(path: Path, seconds: float) -> None:
    previous = None
    with open_video(path) as video:
        for frame in video.frames(View(pixel_format="gray8")):
            if frame.pts_seconds >= seconds:
                break
            if previous is not None:
                cv2.calcOpticalFlowFarneback(previous, frame.pixels, None, 0.5, 3, 15, 3, 5, 1.2, 0)
            previous = frame.pixels


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds; the latter says more on a machine that others use too."""
    begin, begin_processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - begin_processor


def _brief(segment: Segment) -> str:
    return f"{segment.start_seconds:.1f}-{segment.end_seconds:.1f} {segment.label}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["words", "clips", "silhouettes", "acted", "speed"])
    parser.add_argument("--half", choices=sorted(PICTURES), default="held-out")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if options.what == "words":
        result = words(options.half, options.rounds)
    else:
        result = {"clips": clips, "silhouettes": silhouettes, "acted": acted, "speed": speed}[options.what]()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
