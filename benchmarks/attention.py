"""Joint against factorized attention over 8, 16, 32 and 64 frames: time, memory, and the growth of both.

    python benchmarks/attention.py [--device cuda]

A ViViT of 4 blocks and width 384 reads 224×224 clips in 2×16×16 tubelets. Each case runs in a process of its
own, so that the peak of its memory is its own. Seconds are processor time of one thread, which is what a free
core would take, or wall time on a GPU. Beside what is measured stands what `analysis.cost` says.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from pathlib import Path

import torch

from muybridge.analysis.cost import model_cost
from muybridge.models import create_model

KINDS = ("joint", "factorized_encoder", "factorized_self_attention")
FRAMES = (8, 16, 32, 64)


def build(kind: str, num_frames: int) -> torch.nn.Module:
    return create_model(
        "vivit",
        num_classes=10,
        num_frames=num_frames,
        size_px=224,
        dim=384,
        depth=4,
        num_heads=6,
        mlp_dim=1536,
        attention=kind,
    ).eval()


def peak_bytes(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def used_bytes(device: str) -> int:
    if device == "cuda":
        return torch.cuda.memory_allocated()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def measure(kind: str, num_frames: int, device: str, threads: int, repeats: int) -> dict[str, float]:
    torch.set_num_threads(threads)
    model = build(kind, num_frames).to(device)
    clip = torch.randn(1, 3, num_frames, 224, 224, device=device)
    before = used_bytes(device)
    clock = time.perf_counter if device == "cuda" else time.process_time
    times = []
    with torch.inference_mode():
        for _ in range(repeats + 1):
            start = clock()
            model(clip).sum().item()
            times.append(clock() - start)
    return {
        "seconds": statistics.median(times[1:]),
        "fastest": min(times[1:]),
        "slowest": max(times[1:]),
        "memory_mib": (peak_bytes(device) - before) / 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print(json.dumps({"skipped": "no GPU at hand"}))
        return
    processes = multiprocessing.get_context("spawn")
    rows: list[dict[str, object]] = []
    for kind in KINDS:
        for num_frames in FRAMES:
            with torch.device("meta"):
                cost = model_cost(build(kind, num_frames), (num_frames, 224, 224))
            with processes.Pool(1) as pool:
                arguments = (kind, num_frames, options.device, options.threads, options.repeats)
                found = pool.apply(measure, arguments)
            rows.append(
                {
                    "attention": kind,
                    "num_frames": num_frames,
                    "tokens": num_frames // 2 * 196,
                    **{name: round(value, 4) for name, value in found.items()},
                    "giga_multiply_adds": round(cost.giga_multiply_adds, 2),
                    "counted_memory_mib": round(cost.inference_bytes / 2**20, 1),
                }
            )
    for row in rows:
        first = next(other for other in rows if other["attention"] == row["attention"])
        row["growth_of_time"] = round(row["seconds"] / first["seconds"], 2)  # type: ignore[operator]
        row["growth_of_multiply_adds"] = round(
            row["giga_multiply_adds"] / first["giga_multiply_adds"],  # type: ignore[operator]
            2,
        )
    print(json.dumps({"device": options.device, "threads": options.threads, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
