"""What a training run is asked to do: one value, checked when it is made, saved with the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

from muybridge.errors import OptionError
from muybridge.training.seeds import check_seed

__all__ = ["TrainingSettings"]

Optimizer = Literal["adamw", "sgd"]
Precision = Literal["float32", "bfloat16", "auto"]

# They change how fast a run goes, not what comes out of it.
_MAY_CHANGE = frozenset({"workers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSettings:
    """How to train.

    A step takes `batch_size` clips, however many processes and accumulation steps share them: the same settings
    mean the same run on a laptop and on several machines.

    Args:
        epochs: passes over the data.
        batch_size: clips of one optimizer step, over all processes.
        learning_rate: its highest value, after the warm-up.
        optimizer: `"adamw"` or `"sgd"` (with Nesterov momentum).
        weight_decay: of matrices and kernels; biases and norms have none.
        momentum: of `"sgd"`.
        warmup_epochs: how long the rate grows from nothing; may be a fraction.
        final_rate: what is left of the rate at the end of the cosine, as a fraction.
        layer_decay: the rate of each layer is this many times that of the layer above; 1 for one rate.
        freeze: names of modules (such as `"stem"` or `"blocks.0"`) that are not trained; the batch norms in
            them keep their statistics.
        clip_norm: the longest gradient; None for no limit.
        accumulation_steps: in how many parts a process computes its share of a batch, to save memory.
        precision: `"bfloat16"` computes convolutions and products in it, with weights in float32; `"auto"` does so
            where the device is fast at it.
        ema_decay: how much of the average of the weights stays at each step; 0 for no average. What is
            evaluated and saved is the average.
        label_smoothing: the probability that is spread over all classes.
        mixup: the α of the Beta distribution that mixes pairs of clips; 0 for none.
        monitor: the number that tells the best epoch, whose model is kept; the lowest where its name has "loss" in
            it. None keeps the last epoch: the honest choice where validation and test set are the same.
        patience_epochs: stop after so many epochs without a better one; None never stops.
        seed: of the order of the data, the augmentation, dropout and mixup; in `fine_tune` of the first weights too. As
            in `check_seed`.
        workers: processes that read clips; 0 reads in the training process. The result is the same.

    Raises:
        OptionError: a setting outside what is allowed.

    >>> TrainingSettings(epochs=5).differences(TrainingSettings(epochs=6, workers=2))
    ['epochs was 6, is 5']
    """

    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 1e-3
    optimizer: Optimizer = "adamw"
    weight_decay: float = 0.05
    momentum: float = 0.9
    warmup_epochs: float = 1.0
    final_rate: float = 0.0
    layer_decay: float = 1.0
    freeze: tuple[str, ...] = ()
    clip_norm: float | None = 1.0
    accumulation_steps: int = 1
    precision: Precision = "float32"
    ema_decay: float = 0.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    monitor: str | None = None
    patience_epochs: int | None = None
    seed: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name, least in (("epochs", 1), ("batch_size", 1), ("accumulation_steps", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise OptionError(f"{name} is {getattr(self, name)}; it must be {least} or more")
        for name in ("weight_decay", "warmup_epochs", "mixup"):
            if not getattr(self, name) >= 0:
                raise OptionError(f"{name} is {getattr(self, name)}; it must not be negative")
        for name in ("momentum", "final_rate", "ema_decay", "label_smoothing"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} is {getattr(self, name)}; it must be from 0 to 1")
        for name in ("learning_rate", "layer_decay", "clip_norm", "patience_epochs"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise OptionError(f"{name} is {value}; it must be positive")
        if self.patience_epochs and self.monitor is None:
            raise OptionError("patience_epochs needs monitor, the number that tells what is better")
        if self.optimizer not in get_args(Optimizer) or self.precision not in get_args(Precision):
            raise OptionError(
                f"optimizer {self.optimizer!r}, precision {self.precision!r}; allowed:"
                " 'adamw', 'sgd'; 'float32', 'bfloat16', 'auto'"
            )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"freeze": list(self.freeze)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**{**data, "freeze": tuple(data.get("freeze", ()))})

    def differences(self, earlier: TrainingSettings) -> list[str]:
        """What has changed since a run began, in words; leaves out what does not change the result."""
        before, now = earlier.to_dict(), self.to_dict()
        return [
            f"{name} was {before[name]}, is {now[name]}"
            for name in now
            if now[name] != before[name] and name not in _MAY_CHANGE
        ]
