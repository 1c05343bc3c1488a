r"""Four ideas of video recognition, trained from nothing on the same people and tested on others.

    python benchmarks/recognition.py --data ../shared/data/actions/utd-mhad-depth --group '_(s\d+)_'

Small on purpose: 8 frames of 48×48 pixels and few epochs, so that all four take less than an hour on one core. What it
shows is how they compare under one small budget of data, not what each could reach.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from timing import report
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from muybridge.analysis.cost import model_cost
from muybridge.metrics.recognition import bootstrap, mean_class_accuracy
from muybridge.models import Weights, create_model
from muybridge.models.two_stream import stack_flow
from muybridge.motion.flow import compute_flow
from muybridge.training import (
    Augmentation,
    ClipCache,
    ClipDataset,
    Trainer,
    TrainingSettings,
    read_videos,
    split_by_group,
)
from muybridge.training.classification import normalize
from muybridge.training.splits import group_by_name

NUM_FRAMES, SIZE_PX = 8, 48
MODELS: dict[str, dict[str, Any]] = {
    "simple3d": {},
    "r2plus1d_18": {},
    "vivit": {
        "num_frames": NUM_FRAMES,
        "size_px": SIZE_PX,
        "tubelet": (2, 8, 8),
        "dim": 192,
        "depth": 4,
        "num_heads": 3,
        "mlp_dim": 768,
        "attention": "factorized_encoder",
        "temporal_depth": 2,
    },
    "two_stream": {"num_flow_fields": NUM_FRAMES - 1, "fusion": "average", "width": 32},
}

RATES = {"vivit": 3e-4}  # at 1e-3 attention without pretraining names one class for every clip


class WithFlow(Dataset[dict[str, Any]]):
    """Clips with the optical flow between their frames, computed after augmentation."""

    def __init__(self, clips: ClipDataset) -> None:
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> dict[str, Any]:
        clip, target = self.clips[index]
        frames = clip.permute(1, 2, 3, 0).contiguous().numpy()
        pairs = itertools.pairwise(frames)
        fields = torch.stack([torch.from_numpy(compute_flow(a, b, method="dis_fast")) for a, b in pairs])
        return {"clip": clip, "flow": stack_flow(fields, bound_px=8.0), "target": target}


def inputs_of(batch: Any) -> tuple[tuple[Tensor, ...], Tensor]:
    """What the network takes, and the classes."""
    if isinstance(batch, dict):
        clips = normalize(batch["clip"], mean=(0.5,) * 3, std=(0.5,) * 3)
        return (clips, batch["flow"]), batch["target"]
    return (normalize(batch[0], mean=(0.5,) * 3, std=(0.5,) * 3),), batch[1]


def loss(model: nn.Module, batch: Any) -> Tensor:
    inputs, targets = inputs_of(batch)
    return functional.cross_entropy(model(*inputs).float(), targets, label_smoothing=0.1)


@torch.no_grad()
def predictions(model: nn.Module, dataset: Dataset[Any]) -> tuple[Tensor, Tensor]:
    loader = torch.utils.data.DataLoader(dataset, batch_size=8)
    rows = [(model(*inputs).argmax(1), targets) for inputs, targets in map(inputs_of, loader)]
    return torch.cat([said for said, _ in rows]), torch.cat([target for _, target in rows])


def run(name: str, train: ClipDataset, test: ClipDataset, epochs: int, folder: Path) -> dict[str, Any]:
    torch.manual_seed(0)
    num_classes = len(train.videos.labels)
    model = create_model(name, num_classes=num_classes, **MODELS[name])
    two = name == "two_stream"
    data, check = (WithFlow(train), WithFlow(test)) if two else (train, test)
    clip = torch.zeros(1, 3, NUM_FRAMES, SIZE_PX, SIZE_PX)
    flow = torch.zeros(1, 2 * (NUM_FRAMES - 1), SIZE_PX, SIZE_PX)
    cost = model_cost(model, inputs=(clip, flow) if two else (clip,))
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=8,
        learning_rate=RATES.get(name, 1e-3),
        warmup_epochs=2,
        ema_decay=0.98,
        precision="auto",
        workers=1,
    )
    start = time.perf_counter()
    trained = Trainer(model, settings, folder / name, loss=loss, quiet=True).fit(data)
    seconds = time.perf_counter() - start
    said, true = predictions(trained.model, check)
    groups = [item.group_name for item in test.videos]
    interval = bootstrap(lambda at: float((said == true)[at].float().mean()), len(true), groups=groups)
    return {
        "top1": round(interval.value, 3),
        "interval": [round(interval.low, 3), round(interval.high, 3)],
        "mean_class_accuracy": round(mean_class_accuracy(said.numpy(), true.numpy()), 3),
        "million_parameters": round(cost.parameters / 1e6, 2),
        "giga_multiply_adds": round(cost.multiply_adds / 1e9, 2),
        "training_seconds": round(seconds, 1),
        "clips_per_second": round(epochs * len(train) / seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--group", default=None)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    options = parser.parse_args()
    videos = read_videos(options.data)
    if options.group:
        videos = group_by_name(videos, options.group)
    train, test = split_by_group(videos, test_share=0.33)
    record = Weights(
        "benchmark", num_frames=NUM_FRAMES, frames_per_second=4.0, size_px=SIZE_PX, resize_px=SIZE_PX * 8 // 7
    )
    results = {}
    with tempfile.TemporaryDirectory() as scratch:
        cache = ClipCache(Path(scratch) / "cache")
        data = ClipDataset(train, record, augmentation=Augmentation(), cache=cache)
        check = ClipDataset(test, record, cache=cache)
        for name in options.models:
            results[name] = run(name, data, check, options.epochs, Path(scratch))
            print(name, results[name], file=sys.stderr, flush=True)
    report(
        "recognition", {"train": len(train), "test": len(test), "epochs": options.epochs, "models": results}
    )


if __name__ == "__main__":
    main()
