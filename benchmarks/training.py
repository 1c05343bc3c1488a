"""Training throughput: the package's loop and clip cache beside a plain loop that reads each whole file.

    python benchmarks/training.py --data ../shared/data/actions/utd-mhad-rgb

The plain loop does what torchvision's video tutorials do: decode the whole file at full size, take T frames of it,
resize, crop and mirror them as tensors, in a DataLoader with as many workers. Same network, batch, optimizer and
precision; each contestant's epochs take turns with the other's. Without `--data` the clips are made (320×240, 3 s).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import torch
from timing import report
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from muybridge.models import Weights, create_model
from muybridge.training import (
    Augmentation,
    ClipCache,
    ClipDataset,
    Trainer,
    TrainingSettings,
    VideoList,
    read_videos,
)
from muybridge.video import VideoWriter


class WholeFiles(Dataset[tuple[Tensor, int]]):
    """Reads the whole file, then samples: the plain way."""

    def __init__(self, videos: VideoList, record: Weights) -> None:
        self.items, self.targets, self.record = videos.items, videos.targets, record

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with av.open(str(self.items[index].path)) as container:
            frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        video = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2)
        step = max(1, len(video) // self.record.num_frames)
        last = max(1, len(video) - step * (self.record.num_frames - 1))
        start = int(torch.randint(last, ()))
        chosen = (start + step * torch.arange(self.record.num_frames)).clamp(max=len(video) - 1)
        clip = video[chosen].float() / 255
        scale = self.record.resize_px / min(clip.shape[2:])
        clip = functional.interpolate(clip, scale_factor=scale, mode="bilinear", antialias=True)
        top, left = (int(torch.randint(side - self.record.size_px + 1, ())) for side in clip.shape[2:])
        clip = clip[:, :, top : top + self.record.size_px, left : left + self.record.size_px]
        if torch.rand(()) < 0.5:
            clip = clip.flip(3)
        return ((clip - 0.5) / 0.5).transpose(0, 1).contiguous(), self.targets[index]


def plain_epoch(model: torch.nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer) -> float:
    """Seconds of one epoch."""
    start = time.perf_counter()
    model.train()
    for clips, targets in loader:
        loss = functional.cross_entropy(model(clips), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - start


def make_clips(folder: Path, num_clips: int) -> None:
    """Moving noise in two classes, 320×240, 3 s of 30 frames per second."""
    for index in range(num_clips):
        path = folder / ("left", "right")[index % 2] / f"{index}.mp4"
        path.parent.mkdir(exist_ok=True)
        noise = (
            np.random.default_rng(index).integers(0, 256, (24, 32, 3), np.uint8).repeat(10, 0).repeat(10, 1)
        )
        with VideoWriter(path, width=320, height=240, frames_per_second=30) as writer:
            for frame in range(90):
                writer.write(np.roll(noise, (2 * frame) * (1 if index % 2 else -1), axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="causal_tiny")
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=3, help="measured, after a first one")
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data
        if data is None:
            data = Path(scratch) / "clips"
            data.mkdir()
            make_clips(data, options.clips)
        videos = read_videos(data)
        every = max(1, len(videos) // options.clips)
        videos = videos.with_items(videos.items[::every][: options.clips])
        record = Weights(
            "benchmark",
            num_frames=16,
            frames_per_second=8.0,
            size_px=options.size,
            resize_px=options.size * 8 // 7,
        )
        num_classes = len(videos.labels)
        ours_rows = run_ours(videos, record, options, Path(scratch), num_classes)
        model = create_model(options.model, num_classes=num_classes)
        loader = DataLoader(
            WholeFiles(videos, record),
            batch_size=options.batch,
            shuffle=True,
            num_workers=options.workers,
            persistent_workers=options.workers > 0,
        )
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        plain = [plain_epoch(model, loader, optimizer) for _ in range(options.epochs + 1)][1:]
        ours_again = run_ours(videos, record, options, Path(scratch), num_classes, name="again")
        ours = [row["seconds"] for row in (*ours_rows[1:], *ours_again[1:])]
        waiting = [row["waiting_share"] for row in (*ours_rows[1:], *ours_again[1:])]
        rate, plain_rate = (len(videos) / statistics.median(seconds) for seconds in (ours, plain))
        reading = reading_rates(videos, record, Path(scratch))
        report(
            "training",
            {
                "clips": len(videos),
                "model": options.model,
                "muybridge_clips_per_second": round(rate, 1),
                "plain_clips_per_second": round(plain_rate, 1),
                "ratio": round(rate / plain_rate, 2),
                "waiting_share_after_the_first_epoch": round(statistics.median(waiting), 3),
                "first_epoch_seconds": round(ours_rows[0]["seconds"], 2),
                "reading_alone": reading,
            },
        )


def run_ours(videos, record, options, scratch, num_classes, *, name="first"):  # type: ignore[no-untyped-def]
    """The log of a run; the plain epochs lie between two of them."""
    dataset = ClipDataset(videos, record, augmentation=Augmentation(), cache=ClipCache(scratch / "cache"))
    settings = TrainingSettings(epochs=options.epochs + 1, batch_size=options.batch, workers=options.workers)
    trainer = Trainer(
        create_model(options.model, num_classes=num_classes), settings, scratch / name, quiet=True
    )
    return trainer.fit(dataset).epochs


def reading_rates(videos: VideoList, record: Weights, scratch: Path) -> dict[str, float]:
    """Clips per second that each dataset gives in one process, without a network."""
    cached = ClipDataset(videos, record, augmentation=Augmentation(), cache=ClipCache(scratch / "cache"))
    rates = {}
    for name, dataset in (("muybridge", cached), ("plain", WholeFiles(videos, record))):
        start = time.perf_counter()
        for index in range(len(videos)):
            dataset[index]
        rates[name] = round(len(videos) / (time.perf_counter() - start), 1)
    return rates | {"ratio": round(rates["muybridge"] / rates["plain"], 1)}


if __name__ == "__main__":
    main()
