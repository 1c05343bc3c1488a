"""Optical flow: error on known motion, by method and size; speed by method; what 8 bits on disk cost.

    python benchmarks/flow.py                          known motion of a procedural texture, and speed
    python benchmarks/flow.py --data FOLDER            also RubberWhale and a real clip (see docs/benchmarks.md)

Prints one JSON document. Peers run in the same process, in turn, on one thread.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from muybridge.metrics.flow import angular_error, endpoint_error, outlier_fraction
from muybridge.motion.flow import compute_flow, read_flo
from muybridge.motion.flow_stack import store_flow
from muybridge.motion.flow_video import iterate_flow
from muybridge.motion.statistics import compute_statistics, direction_degrees

METHODS = ("dis", "dis_medium", "dis_fast", "dis_ultrafast", "farneback")
SIZES_PX = (0.25, 1.0, 4.0, 10.0, 20.0, 40.0)
WIDTH, HEIGHT = 640, 360


def texture(linear: NDArray[np.float64], shift: NDArray[np.float64], seed: int = 0) -> NDArray[np.uint8]:
    """A texture moved by p → linear·p + shift about its center: 60 plane waves of 6 to 150 px, in any direction.

    It is defined everywhere and thus moved exactly. Warping an image instead would not do: OpenCV rounds
    positions to 1/32 px, which turns a shift of 0.25 px by several degrees.
    """
    rng = np.random.default_rng(seed)
    lengths = np.exp(rng.uniform(np.log(6), np.log(150), 60))
    turns, phases = rng.uniform(0, 2 * np.pi, (2, 60))
    waves = (2 * np.pi / lengths)[:, None] * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    inverse = np.linalg.inv(linear)
    phases = phases - waves @ inverse @ shift
    waves = waves @ inverse
    xs, ys = np.arange(WIDTH) - (WIDTH - 1) / 2, np.arange(HEIGHT) - (HEIGHT - 1) / 2
    columns = np.exp(1j * np.outer(waves[:, 0], xs))
    rows = lengths**0.5 * np.exp(1j * (np.outer(ys, waves[:, 1]) + phases))
    total = (rows @ columns).real
    return np.asarray(np.clip(127.5 + 1.5 * total, 0, 255).round(), np.uint8)


def motion(kind: str, size_px: float, angle: float = 30.0) -> NDArray[np.float64]:
    """(2, 3) affine motion about the picture's center whose longest vector within it is `size_px`."""
    radius = np.hypot(WIDTH, HEIGHT) / 2
    turn = np.radians(angle)
    if kind == "translation":
        return np.array([[1, 0, size_px * np.cos(turn)], [0, 1, -size_px * np.sin(turn)]])
    amount = size_px / radius
    if kind == "rotation":
        theta = 2 * np.arcsin(amount / 2)
        return np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0]])
    if kind == "zoom":
        return np.array([[1 + amount, 0, 0], [0, 1 + amount, 0]])
    shear = np.array([[0.6, 0.8], [-0.3, -0.4]])  # "affine": stretch, shear and turn together
    return np.hstack([np.eye(2) + shear * amount / np.linalg.norm(shear, 2), [[0.0], [0.0]]])


def moved_pair(
    kind: str, size_px: float, seed: int = 0, angle: float = 30.0
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]:
    """Two frames, the true flow between them, and where it stays in the picture."""
    matrix = motion(kind, size_px, angle)
    linear, shift = matrix[:, :2], matrix[:, 2]
    center = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
    points = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1) - center
    truth = points @ (linear - np.eye(2)).T + shift
    ends = points + center + truth
    stays = (ends >= 0).all(-1) & (ends <= (WIDTH - 1, HEIGHT - 1)).all(-1)
    still = texture(np.eye(2), np.zeros(2), seed)
    return still, texture(linear, shift, seed), truth, stays


def known_motion() -> list[dict[str, object]]:
    rows = []
    for kind in ("translation", "rotation", "zoom", "affine"):
        for size_px in SIZES_PX:
            first, second, truth, stays = moved_pair(kind, size_px)
            row: dict[str, object] = {"motion": kind, "size_px": size_px}
            for method in METHODS:
                flow = compute_flow(first, second, method=method)
                row[method] = round(endpoint_error(flow, truth, valid=stays), 3)
            rows.append(row)
    return rows


def directions() -> dict[str, dict[str, float]]:
    """Largest error of both direction statistics over 8 directions and all sizes, in degrees."""
    worst: dict[str, dict[str, float]] = {}
    for method in METHODS:
        errors = {"mean vector": 0.0, "histogram": 0.0}
        for size_px in SIZES_PX:
            for angle in range(0, 360, 45):
                first, second, truth, stays = moved_pair("translation", size_px, angle=angle)
                stats = compute_statistics(compute_flow(first, second, method=method), mask=stays)
                true = direction_degrees(*truth.mean(axis=(0, 1)))
                for name, found in (
                    ("mean vector", stats.direction_degrees),
                    ("histogram", stats.dominant_degrees),
                ):
                    error = 180.0 if found is None else abs((found - true + 180) % 360 - 180)
                    errors[name] = max(errors[name], error)
        worst[method] = {name: round(error, 2) for name, error in errors.items()}
    return worst


def median_ms(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median and half of the interquartile range, in milliseconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()  # one thread: the processor's time, so that neighbors do not count
        function()
        times.append(1000 * (time.process_time() - start))
    lower, middle, upper = statistics.quantiles(times, n=4)
    return middle, (upper - lower) / 2


def speed(repeats: int) -> list[dict[str, object]]:
    first, second, truth, stays = moved_pair("affine", 10.0)
    configurations = [(method, None) for method in ("farneback", *METHODS[:4])]
    configurations += [("dis", 320), ("dis", 160), ("dis_ultrafast", 320), ("dis_ultrafast", 160)]
    rows: list[dict[str, object]] = []
    peer_ms = 0.0
    for method, max_side_px in configurations:

        def once(method: str = method, max_side_px: int | None = max_side_px) -> NDArray[np.float32]:
            return compute_flow(first, second, method=method, max_side_px=max_side_px)

        middle, spread = median_ms(once, repeats)
        peer_ms = peer_ms or middle
        rows.append(
            {
                "method": method,
                "max_side_px": max_side_px or WIDTH,
                "milliseconds": round(middle, 2),
                "spread": round(spread, 2),
                "times_farneback": round(peer_ms / middle, 1),
                "endpoint_error": round(endpoint_error(once(), truth, valid=stays), 3),
            }
        )
    return rows


def rubber_whale(data: Path) -> list[dict[str, object]]:
    first, second = (
        cv2.cvtColor(cv2.imread(str(data / "flow" / f"rubberwhale{i}.png")), cv2.COLOR_BGR2RGB)
        for i in (1, 2)
    )
    truth = read_flo(data / "flow" / "rubberwhale_gt.flo")
    rows: list[dict[str, object]] = []
    for method in (None, *METHODS):
        flow = np.zeros_like(truth) if method is None else compute_flow(first, second, method=method)
        rows.append(
            {
                "method": method or "no flow",
                "endpoint_error": round(endpoint_error(flow, truth), 3),
                "angular_error": round(angular_error(flow, truth), 2),
                "outliers": round(outlier_fraction(flow, truth), 4),
            }
        )
    return rows


def stored(data: Path) -> list[dict[str, object]]:
    """Error and size of flow kept on disk, over 60 pairs of a real clip."""
    clip = data / "clips" / "long_jump.mp4"
    pairs = [pair for _, pair in zip(range(60), iterate_flow(clip, max_side_px=320), strict=False)]
    raw_bytes = pairs[0].flow.nbytes
    rows: list[dict[str, object]] = []
    for encoding, quality in (("png", 95), ("jpeg", 95), ("jpeg", 75)):
        with tempfile.TemporaryDirectory() as folder:
            kept = store_flow(pairs, Path(folder) / "flow", encoding=encoding, jpeg_quality=quality)
            errors = [
                np.hypot(*(field.flow - np.clip(pair.flow, -20, 20)).transpose(2, 0, 1))
                for field, pair in zip(kept, pairs, strict=True)
            ]
            size = kept.path.stat().st_size / len(pairs)
        rows.append(
            {
                "encoding": encoding if encoding == "png" else f"jpeg {quality}",
                "mean_error_px": round(float(np.mean(errors)), 4),
                "p99_error_px": round(float(np.percentile(errors, 99)), 4),
                "max_error_px": round(float(np.max(errors)), 3),
                "kilobytes_per_field": round(size / 1000, 1),
                "times_smaller_than_float32": round(raw_bytes / size, 1),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure optical flow.")
    parser.add_argument("--data", type=Path, help="folder with flow/ and clips/")
    parser.add_argument("--parts", nargs="*", default=["known", "directions", "speed"])
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    results: dict[str, object] = {
        "versions": {"opencv": cv2.__version__, "numpy": np.__version__, "python": sys.version.split()[0]}
    }
    if "known" in options.parts:
        results["known_motion_endpoint_error_px"] = known_motion()
    if "directions" in options.parts:
        results["worst_direction_error_degrees"] = directions()
    if "speed" in options.parts:
        results["speed_640x360"] = speed(options.repeats)
    if options.data:
        results["rubber_whale"] = rubber_whale(options.data)
        results["stored_flow"] = stored(options.data)
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
