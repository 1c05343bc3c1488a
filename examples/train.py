"""Training from nothing: a square goes left or right, and a small network learns to tell which."""

import tempfile
from pathlib import Path

import numpy as np

from muybridge.models import Weights
from muybridge.training import ClipCache, TrainingSettings, evaluate, fine_tune, read_videos, split_by_group
from muybridge.video import VideoWriter

folder = Path(tempfile.mkdtemp())
for index in range(40):
    label, step = ("slide left", -2) if index % 2 else ("slide right", 2)
    path = folder / "videos" / label / f"{index}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(index)
    background = generator.integers(0, 150, (48, 48, 3), np.uint8)
    top, start = generator.integers(0, 32, 2)
    with VideoWriter(path, width=48, height=48, frames_per_second=10) as writer:
        for frame in range(12):
            pixels = background.copy()
            left = (start + step * frame) % 36
            pixels[top : top + 12, left : left + 12] = 250
            writer.write(pixels)

train, test = split_by_group(read_videos(folder / "videos"), test_share=0.25)
print(f"{len(train)} videos to learn from, {len(test)} to be tested on: {test.counts}")
record = Weights("squares", num_frames=8, frames_per_second=10.0, size_px=32, resize_px=36)
settings = TrainingSettings(epochs=25, batch_size=10, learning_rate=3e-3, ema_decay=0.9)
cache = ClipCache(folder / "cache")
# A mirrored "slide left" is a "slide right": the names tell, and the label turns with the picture.
result = fine_tune(train, folder / "run", model="causal_tiny", settings=settings, record=record, cache=cache)
for row in result.epochs[::8]:
    print(
        f"epoch {row['epoch']:2}: loss {row['train_loss']:.3f}, {row['clips_per_second']:.0f} clips per second"
    )
value, low, high = evaluate(result.model, test, cache=cache).summary()["top1"]
print(f"right on {value:.0%} of the test videos (95% interval {low:.0%} to {high:.0%})")
