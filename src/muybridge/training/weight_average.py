"""The moving average of the weights: what is evaluated and shipped, since it swings less than the weights.

    average ← d · average + (1 - d) · weights,      d = min(decay, (1 + step) / (10 + step))

The second term of d lets the average forget its random beginning. The running statistics of batch norms are averaged
alike: they belong to the averaged weights better than the latest ones do.

Source: Polyak and Juditsky, 1992; the warm-up of d is TensorFlow's `ExponentialMovingAverage(num_updates=…)`.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """Follows a model.

    Args:
        model: the model that is trained; not wrapped for several processes.
        decay: how much of the average stays at each step; 0 makes the average the model itself.

    >>> net = nn.Linear(1, 1, bias=False)
    >>> average = WeightAverage(net, decay=0.9)
    >>> with torch.no_grad():
    ...     before = net.weight.item(); _ = net.weight.add_(1.0)
    >>> average.update(step=1000)
    >>> round(average.model.weight.item() - before, 4)
    0.1
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.source, self.decay = model, decay
        self.model = model
        if decay > 0:
            self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0."""
        if self.model is self.source:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        for old, new in zip(self.model.state_dict().values(), self.source.state_dict().values(), strict=True):
            if old.is_floating_point():
                old.lerp_(new, 1 - decay)
            else:
                old.copy_(new)
