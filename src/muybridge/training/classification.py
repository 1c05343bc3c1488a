"""The loss of a classifier: cross-entropy, with smoothed labels and mixed clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from muybridge.errors import ShapeError
from muybridge.models.weights import Weights

__all__ = ["ClassificationLoss", "clip_and_target", "mix", "normalize"]


def clip_and_target(batch: Any) -> tuple[Tensor, Tensor]:
    """The clips and the classes of a batch: its first two parts, or its keys `"clip"` and `"target"`.

    >>> clips, targets = clip_and_target({"clip": torch.zeros(2, 3, 4, 8, 8), "target": torch.tensor([0, 1])})
    >>> targets.tolist()
    [0, 1]
    """
    if isinstance(batch, Mapping):
        return batch["clip"], batch["target"]
    if isinstance(batch, Sequence) and len(batch) >= 2:
        return batch[0], batch[1]
    raise ShapeError(
        f"a batch is a {type(batch).__name__}; the dataset must give (clip, target) or"
        " {'clip': …, 'target': …}, or the trainer a loss of its own"
    )


def normalize(clips: Tensor, *, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 pixels → what the model takes; float clips are left as they are.

    Args:
        clips: (B, 3, T, H, W).
        mean: of each channel, in [0, 1].
        std: of each channel, in [0, 1].

    >>> normalize(torch.full((1, 3, 1, 1, 1), 255, dtype=torch.uint8), mean=(0.0,) * 3, std=(0.5,) * 3).flatten()
    tensor([2., 2., 2.])
    """
    if clips.is_floating_point():
        return clips
    scale = torch.tensor([1 / (255 * s) for s in std], device=clips.device).view(1, 3, 1, 1, 1)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], device=clips.device)
    return torch.addcmul(shift.view(1, 3, 1, 1, 1), clips.float(), scale)


def mix(clips: Tensor, alpha: float) -> tuple[Tensor, Tensor, float]:
    """Blend each clip with another one of the batch.

    Args:
        clips: (B, 3, T, H, W) float32.
        alpha: of the Beta(α, α) distribution of the share.

    Returns:
        The blended clips; (B,) int64, which other clip each was blended with; and that clip's share.

    Source: Zhang et al., mixup, arXiv:1710.09412.

    >>> mixed, other, share = mix(torch.arange(2.0).view(2, 1, 1, 1, 1), 0.4)
    >>> torch.allclose(mixed.flatten(), torch.arange(2.0).lerp(other.float(), share))
    True
    """
    # From torch's generator, which the loop seeds for each epoch, so that a resumed run mixes alike.
    generator = np.random.default_rng(int(torch.randint(2**31, ()).item()))
    share = float(generator.beta(alpha, alpha))
    other = torch.randperm(clips.shape[0]).to(clips.device)
    return clips.lerp(clips[other], share), other, share


class ClassificationLoss:
    """(model, batch) → mean cross-entropy.

    Args:
        record: mean and standard deviation for uint8 clips; None for those of `Weights`.
        label_smoothing: the probability that is spread over all classes.
        mixup: the α of mixup; only where the model is in training mode.

    >>> loss = ClassificationLoss()
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2))
    >>> loss(model, (torch.zeros(4, 3, 1, 1, 1, dtype=torch.uint8), torch.tensor([0, 1, 0, 1]))).shape
    torch.Size([])
    """

    def __init__(
        self, record: Weights | None = None, *, label_smoothing: float = 0.0, mixup: float = 0.0
    ) -> None:
        self.record = record or Weights("none")
        self.label_smoothing, self.mixup = label_smoothing, mixup

    def __call__(self, model: nn.Module, batch: Any) -> Tensor:
        """The loss, a mean over the batch."""
        clips, targets = clip_and_target(batch)
        clips = self.prepare(clips)
        smoothing = self.label_smoothing if model.training else 0.0
        if self.mixup == 0 or not model.training:
            return functional.cross_entropy(model(clips).float(), targets, label_smoothing=smoothing)
        clips, other, share = mix(clips, self.mixup)
        logits = model(clips).float()
        own = functional.cross_entropy(logits, targets, label_smoothing=smoothing)
        return own.lerp(functional.cross_entropy(logits, targets[other], label_smoothing=smoothing), share)

    def prepare(self, clips: Tensor) -> Tensor:
        """Normalized clips."""
        return normalize(clips, mean=self.record.mean, std=self.record.std)
