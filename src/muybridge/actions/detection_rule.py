"""When an action begins and ends in an untrimmed video, and what is said of it: the settings of the detector."""

from __future__ import annotations

import math
from dataclasses import dataclass

from muybridge.errors import OptionError

__all__ = ["DetectionRule"]


@dataclass(frozen=True, slots=True)
class DetectionRule:
    """When something begins, when it is over, and what is said of it.

    Args:
        on_actionness: a run begins when actionness reaches this,
        off_actionness: at the moment since which it has been above that.
        rest_seconds: a run is over when it has been below `off_actionness` for so long.
        min_duration_seconds: shorter runs are dropped.
        context_seconds: so much before a run belongs to its first window.
        max_single_seconds: a run up to this long is one action; None for two and a half windows of the model.
        min_score: a label less likely than this is not said.
        switch_cost: what it takes to change the label where no stillness parts two actions, at a cut or while the
            motion goes on: so many nats of log-likelihood, where one window of the model counts once. An action amid
            others is said if what speaks for it is worth two changes. 0 takes each stretch by itself.

    Raises:
        OptionError: thresholds outside [0, 1] or in the wrong order, times that are negative.
    """

    on_actionness: float = 0.5
    off_actionness: float = 0.25
    rest_seconds: float = 0.5
    min_duration_seconds: float = 0.4
    context_seconds: float = 0.25
    max_single_seconds: float | None = None
    min_score: float = 0.2
    switch_cost: float = 1.5

    def __post_init__(self) -> None:
        for name in ("on_actionness", "off_actionness", "min_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} is {getattr(self, name)}; it must lie in [0, 1]")
        if self.off_actionness > self.on_actionness:
            raise OptionError(
                f"off_actionness {self.off_actionness} is above on_actionness {self.on_actionness}; give a lower one"
            )
        for name in ("rest_seconds", "min_duration_seconds", "context_seconds", "max_single_seconds"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise OptionError(f"{name} is {value}; it must be 0 or more seconds")
        if not (math.isfinite(self.switch_cost) and self.switch_cost >= 0):
            raise OptionError(f"switch_cost is {self.switch_cost}; it must be 0 or more")
