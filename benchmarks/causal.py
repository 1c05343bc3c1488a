"""A stream by pushing frames, against running a window of 16 frames again for every new one.

    python benchmarks/causal.py [--threads 1]

Prints JSON: milliseconds of processor time for each new frame (median, 10th and 90th percentile), the ratio,
and how far the pushed logits are from those of the whole clip. With one thread, processor time is what a free
core would take, whatever else the machine does.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch

from muybridge.models import create_model

WINDOW = 16


def milliseconds(run: Callable[[], object], repeats: int) -> list[float]:
    for _ in range(3):
        run()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(1e3 * (time.process_time() - start))
    return times


def summary(times: list[float]) -> dict[str, float]:
    deciles = statistics.quantiles(times, n=10)
    return {
        "median": round(statistics.median(times), 2),
        "p10": round(deciles[0], 2),
        "p90": round(deciles[-1], 2),
    }


def measure(name: str, size_px: int, repeats: int) -> dict[str, object]:
    torch.manual_seed(0)
    model = create_model(name, num_classes=27)
    clip = torch.randn(1, 3, 64, size_px, size_px)
    with torch.no_grad():
        model(clip[:, :, :8])  # batch norm sees data
        model.eval()
        whole = model.frame_logits(clip)[0]
    stream, folded = model.stream(), model.folded()  # the same weights in the same layout for both
    pushed = torch.stack([stream.push(frame) for frame in clip[0].unbind(1)])
    frame, window = clip[0, :, 0], clip[:, :, :WINDOW]
    # In turns, so that whatever else the machine does meets both.
    push, again = [], []
    with torch.inference_mode():
        for _ in range(4):
            push += milliseconds(lambda: stream.push(frame), repeats)
            again += milliseconds(lambda: folded(window), max(3, repeats // 8))
    return {
        "model": name,
        "size_px": size_px,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "push_ms": summary(push),
        "window_ms": summary(again),
        "ratio": round(statistics.median(again) / statistics.median(push), 1),
        "frames_per_second": round(1e3 / statistics.median(push)),
        "max_difference_to_whole_clip": float((pushed - whole).abs().max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    names = ("causal_tiny", "causal_small", "causal_shift_small")
    rows = [measure(name, size_px, options.repeats) for name in names for size_px in (96, 112)]
    print(json.dumps({"threads": options.threads, "window_frames": WINDOW, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
