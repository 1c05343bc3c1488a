"""A classifier made in seconds: which way the edges move, where and when, and a ridge regression over that.

It stands in where no trained network is given, so that the detector is measured by itself: it learns the five actions
from the color clips of the subjects that the test leaves out. Its features: histograms of normal flow (the brightness'
change over its gradient) in four directions, 8 × 8 fields around the middle of the motion and 8 steps of time, after
Kläser et al., "A Spatio-Temporal Descriptor Based on 3D-Gradients", BMVC 2008.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from muybridge.actions.actionness import OwnMotion
from muybridge.models.weights import Weights, set_weights
from muybridge.observer import View
from muybridge.video import open_video

WINDOW, STRIDE, CONTEXT, RATE, SIZE = 32, 8, 4, 15.0, 96
REACH, FIELDS, STEPS = 40, 8, 8


def template(gray: np.ndarray) -> np.ndarray:
    """(T, H, W) float32 in gray levels → (2048,) of length 1."""
    smooth = np.stack([cv2.GaussianBlur(frame, (5, 5), 0) for frame in gray])
    change, mean = np.diff(smooth, axis=0), (smooth[1:] + smooth[:-1]) / 2
    change = np.sign(change) * np.maximum(np.abs(change) - 3, 0)
    slope_y, slope_x = np.gradient(mean, axis=(1, 2))
    length = np.hypot(slope_x, slope_y) + 2
    x, y = -change * slope_x / length, -change * slope_y / length
    ways = np.stack([np.maximum(x, 0), np.maximum(-x, 0), np.maximum(y, 0), np.maximum(-y, 0)])
    energy = ways.sum(axis=(0, 1)) + 1e-9
    middle_y = int((energy.sum(axis=1) * np.arange(energy.shape[0])).sum() / energy.sum())
    middle_x = int((energy.sum(axis=0) * np.arange(energy.shape[1])).sum() / energy.sum())
    padded = np.pad(ways, ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH)))
    near = padded[:, :, middle_y : middle_y + 2 * REACH, middle_x : middle_x + 2 * REACH]
    side = 2 * REACH // FIELDS
    fields = near.reshape(4, -1, FIELDS, side, FIELDS, side).mean(axis=(3, 5))
    bins = np.stack([part.mean(axis=1) for part in np.array_split(fields, STEPS, axis=1)], axis=1)
    vector = np.sqrt(bins).ravel()
    return vector / (np.linalg.norm(vector) + 1e-6)


class MotionTemplates(nn.Module):
    """(B, 3, T, H, W) pixels in [0, 1] → logits; the regression's answers, sharpened."""

    def __init__(self, mean: np.ndarray, weight: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean).float())
        self.register_buffer("weight", torch.from_numpy(weight).float())

    def forward(self, clips: Tensor) -> Tensor:
        """Logits (B, K)."""
        gray = np.einsum("bcthw,c->bthw", 255 * clips.float().numpy(), [0.299, 0.587, 0.114]).astype(
            np.float32
        )
        rows = torch.from_numpy(np.stack([template(each) for each in gray])).float()
        return 5 * (rows - self.mean) @ self.weight


def windows_of(path: Path) -> list[np.ndarray]:
    """The templates of the windows that the detector would look at in a clip of one action."""
    meter, frames, moving = OwnMotion(), [], []
    with open_video(path) as video:
        for number, frame in enumerate(video.frames(View(short_side_px=SIZE, frames_per_second=RATE))):
            gray = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY)
            left = (gray.shape[1] - SIZE) // 2
            frames.append(gray[:, left : left + SIZE].astype(np.float32))
            step = meter.push(cv2.resize(gray, (160, 120)), frame.pts_seconds)
            if step is not None and step.actionness >= 0.25:
                moving.append(number)
    first, last = moving[0] - 1 - CONTEXT, moving[-1] + int(RATE / 2)
    starts = range(first, max(first, last - WINDOW) + STRIDE, STRIDE)
    block = np.stack(frames)
    return [template(block[np.clip(np.arange(start, start + WINDOW), 0, len(block) - 1)]) for start in starts]


def learn(files: list[tuple[Path, str]], labels: list[str], *, ridge: float = 0.5) -> MotionTemplates:
    """The regression over all windows of some clips."""
    pairs = [(row, labels.index(label)) for path, label in files for row in windows_of(path)]
    rows = np.stack([row for row, _ in pairs])
    targets = np.eye(len(labels))[[target for _, target in pairs]] - 1 / len(labels)
    mean = rows.mean(axis=0)
    centered = rows - mean
    dual = np.linalg.solve(centered @ centered.T + ridge * np.eye(len(rows)), targets)
    model = MotionTemplates(mean, centered.T @ dual).eval()
    record = Weights(
        "motion templates", labels=tuple(labels), num_frames=WINDOW, frames_per_second=RATE, size_px=SIZE,
        resize_px=(SIZE, SIZE * 4 // 3), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0),
    )  # fmt: skip
    set_weights(model, record)
    return model
