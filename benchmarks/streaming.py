"""Streaming: what is kept against what is computed again, a camera's pace, and hours of it.

    python benchmarks/streaming.py                    under two minutes
    python benchmarks/streaming.py --hours 8          that much simulated time, as fast as it goes

Prints JSON. The first part gives milliseconds for each prediction, kept and computed anew in turns, so that whatever
else the machine does meets both; the second plays a 720p video at 30 frames per second, decoded and classified in real
time.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from muybridge.actions.live import stream
from muybridge.actions.scorers import make_scorer
from muybridge.actions.streaming import StreamingClassifier
from muybridge.models import create_model, weights_of
from muybridge.models.weights import Weights, set_weights
from muybridge.values import Frame
from muybridge.video.sources import open_source
from muybridge.video.writer import VideoWriter

PLAIN = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def models() -> dict[str, tuple[torch.nn.Module, int, int]]:
    """Name → module, window size, and how many frames before its window it looks back to."""
    torch.manual_seed(0)
    causal = create_model("causal_small", num_classes=27).eval()
    looks_back = sum(block.time.kernel_size - 1 for block in causal.blocks) + 1
    vivit = create_model(
        "vivit",
        num_classes=27,
        attention="factorized_encoder",
        num_frames=32,
        size_px=224,
        dim=192,
        depth=6,
        num_heads=3,
        mlp_dim=768,
    ).eval()
    encoder = create_model("frame_encoder", num_classes=27, head="attention").eval()
    return {
        "causal_small": (causal, 16, looks_back),
        "vivit, factorized encoder": (vivit, 32, 0),
        "frame_encoder, attention": (encoder, 32, 0),
    }


def advance(scorer: object, frames: np.ndarray, position: int, stride: int) -> tuple[float, np.ndarray]:
    # With one thread, processor time is what a free core would take, whatever else the machine does.
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    for offset in range(stride):
        scorer.push(frames[(position + offset) % len(frames)])
    scores = scorer.scores()
    return 1e3 * (clock() - start), scores


def kept_against_anew(
    name: str, model: torch.nn.Module, window: int, looks_back: int, repeats: int
) -> list[dict[str, object]]:
    size_px = getattr(model, "size_px", 112)
    frames = np.random.default_rng(0).integers(0, 256, (64, size_px, size_px, 3), np.uint8)
    rows = []
    for stride in (4, 1):
        kept = make_scorer(model, window_size=window, stride=stride, normalization=PLAIN)
        if looks_back:  # equal is the window with what it looks back to, averaged over the window
            model.memory_frames = window
        same = (
            model.folded() if looks_back else model
        )  # the kept one runs on folded weights, so this one does too
        anew = make_scorer(
            same, window_size=window + looks_back, stride=stride, normalization=PLAIN, recompute=True
        )
        for index in range(window + looks_back):
            for scorer in (kept, anew):
                scorer.push(frames[index % len(frames)])
        times: dict[str, list[float]] = {"kept": [], "anew": []}
        difference, position = 0.0, window + looks_back
        for _ in range(repeats):
            one, first = advance(kept, frames, position, stride)
            other, second = advance(anew, frames, position, stride)
            position += stride
            times["kept"].append(one)
            times["anew"].append(other)
            difference = max(difference, float(np.abs(first - second).max()))
        # The first two fill what is kept: the rows of tubelets that begin at even and at odd frames.
        medians = {key: statistics.median(values[2:]) for key, values in times.items()}
        rows.append(
            {
                "model": name,
                "size_px": size_px,
                "window_frames": window,
                "computed_anew_frames": window + looks_back,
                "stride": stride,
                "kept_ms": round(medians["kept"], 2),
                "anew_ms": round(medians["anew"], 2),
                "ratio": round(medians["anew"] / medians["kept"], 1),
                "largest_difference": difference,
            }
        )
    return rows


def classifier() -> StreamingClassifier:
    """With the best weights at hand: the starter's, where nothing larger was downloaded."""
    return StreamingClassifier(stride=4)


def small_classifier(size_px: int, rate: float) -> StreamingClassifier:
    """A tiny network with random weights, so that hours of frames take minutes."""
    model = create_model("causal_tiny", num_classes=29).eval()
    labels = tuple(f"action {k}" for k in range(29))
    set_weights(model, Weights("random", labels=labels, size_px=size_px, frames_per_second=rate))
    return StreamingClassifier(model, stride=4)


def write_720p(folder: Path, seconds: int) -> Path:
    """A texture that moves sideways, 30 frames per second."""
    path = folder / "720p.mp4"
    texture = np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    with VideoWriter(path, width=1280, height=720, frames_per_second=30) as writer:
        for index in range(30 * seconds):
            writer.write(np.roll(texture, 4 * index, axis=1))
    return path


def camera(seconds: int) -> dict[str, object]:
    """A 720p video at its own pace: opened, decoded, classified; from the frame's arrival to the prediction."""
    watcher = classifier()
    with tempfile.TemporaryDirectory() as folder:
        path = write_720p(Path(folder), seconds)
        with open_source(path, real_time=True) as source:
            found = [update for update in stream(source, model=watcher) if update.prediction is not None]
            counts = source.counts
    latencies = [1e3 * update.latency_seconds for update in found]
    middle, late, latest = np.percentile(latencies, [50, 99, 100]).tolist()
    record = weights_of(watcher.model)
    return {
        "weights": record.name if record is not None else None,
        "seconds": seconds,
        "frames": counts.num_read,
        "dropped": counts.num_dropped,
        "predictions": len(latencies),
        "latency_ms": {
            "median": round(middle, 1),
            "p99": round(late, 1),
            "max": round(latest, 1),
        },
    }


def resident_mb() -> float:
    """Memory in use now, where the system tells; else the most that was ever in use."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def long_run(hours: float, rate: float, *, starter: bool) -> dict[str, object]:
    """A stream without end, as fast as it goes: memory and latency for each simulated hour.

    Latency is processor time, so that what else the machine does is not counted.
    """
    watcher = classifier() if starter else small_classifier(48, rate)
    side = watcher.view.short_side_px or 48
    pictures = np.random.default_rng(0).integers(0, 256, (50, side, side * 4 // 3, 3), np.uint8)
    began, rows = time.process_time(), []
    times: list[float] = []
    per_hour, num_frames = round(3600 * rate), round(hours * 3600 * rate)
    num_events = 0
    for index in range(num_frames):
        frame = Frame(pictures[index % len(pictures)], index / rate, index=index)
        start = time.thread_time()
        num_events += len(watcher.observe(frame))
        times.append(1e3 * (time.thread_time() - start))
        if (index + 1) % per_hour == 0 or index + 1 == num_frames:
            middle, late = np.percentile(times, [50, 99]).tolist()
            row = {"hour": (index + 1) / per_hour, "memory_mb": round(resident_mb(), 1)}
            rows.append(row | {"median_ms": round(middle, 3), "p99_ms": round(late, 3)})
            print(json.dumps(rows[-1]), file=sys.stderr)
            times.clear()
    return {
        "model": watcher.model_name,
        "hours": hours,
        "frames_per_second": rate,
        "frames": num_frames,
        "events": num_events,
        "processor_minutes": round((time.process_time() - began) / 60, 1),
        "rows": rows,
    }


def file_rate(seconds: int) -> dict[str, object]:
    """Frames of a 720p video per second that are decoded and classified, as fast as it goes."""
    watcher = classifier()
    with tempfile.TemporaryDirectory() as folder:
        path = write_720p(Path(folder), seconds)
        start, processor = time.perf_counter(), time.process_time()
        num_frames = num_predictions = 0
        with open_source(path) as source:
            for update in stream(source, model=watcher):
                num_predictions += update.prediction is not None
            num_frames = source.counts.num_read
        wall, used = time.perf_counter() - start, time.process_time() - processor
    return {
        "model": watcher.model_name,
        "frames": num_frames,
        "predictions": num_predictions,
        "frames_per_second": round(num_frames / wall, 1),
        "frames_per_processor_second": round(num_frames / used, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=20, help="of the camera; 0 leaves it out")
    parser.add_argument("--hours", type=float, default=0.0, help="simulated; leaves the rest out")
    parser.add_argument(
        "--starter", action="store_true", help="for --hours: the best weights at hand, not a tiny network"
    )
    parser.add_argument("--no-models", action="store_true", help="only the camera and the file")
    parser.add_argument("--rate", type=float, default=10.0, help="frames per simulated second")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.hours:
        torch.set_num_threads(1)  # a second thread is no help with pictures that small
        print(json.dumps(long_run(options.hours, options.rate, starter=options.starter), indent=2))
        return
    rows = [
        row
        for name, subject in ({} if options.no_models else models()).items()
        for row in kept_against_anew(name, *subject, options.repeats)
    ]
    result: dict[str, object] = {"threads": options.threads, "per_prediction": rows}
    if options.seconds:
        result["camera_720p_30fps"] = camera(options.seconds)
        result["file_720p"] = file_rate(options.seconds)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
