"""The training loop: any model, any loss, on one process or many.

    dataset ──BatchPlan──► parts ──loss──► gradients ──all processes──► step ──► average of the weights
                                                                                       │ each epoch
    state.pt · model.safetensors · log.csv · tensorboard ◄── best so far? ◄── evaluate ◄┘

    trainer = Trainer(create_model("causal_small", num_classes=5), TrainingSettings(epochs=20), "runs/first")
    result = trainer.fit(train_dataset, validation_dataset)

Several processes need no other code: `torchrun --nproc-per-node 2 train.py` or `accelerate launch train.py`. A
run that was stopped goes on after its last finished epoch with `fit(…, resume=True)`; on one CPU process it ends
with the very weights of a run that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from muybridge.actions.inference import has_fast_bfloat16
from muybridge.errors import OptionError, TrainingError, require_extra
from muybridge.heap import keep_freed_memory
from muybridge.models.checkpoint import load_state_dict, read_checkpoint, save_checkpoint
from muybridge.models.weights import Weights, set_weights, weights_of
from muybridge.training.batches import Batch, BatchPlan, Key, item_name, raise_failure, read_batches
from muybridge.training.classification import ClassificationLoss, clip_and_target
from muybridge.training.data_identity import data_changes, data_identity
from muybridge.training.optimizer import build_optimizer, freeze, schedule, set_rate, train_mode
from muybridge.training.progress import EpochProgress
from muybridge.training.run_files import RunFiles
from muybridge.training.settings import TrainingSettings
from muybridge.training.weight_average import WeightAverage

__all__ = ["Trainer", "TrainingResult"]

Loss = Callable[[nn.Module, Any], Tensor]
Evaluate = Callable[[nn.Module], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a training ended.

    Args:
        model: in evaluation mode, with the weights of the best epoch (of the last, where nothing was monitored).
        best_epoch: from 0.
        epochs: for each epoch its numbers, as in `log.csv`.
        path: the saved model.
    """

    model: nn.Module
    best_epoch: int
    epochs: tuple[Mapping[str, float], ...]
    path: Path

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; the model is given by its path."""
        return {
            "best_epoch": self.best_epoch,
            "epochs": [dict(row) for row in self.epochs],
            "path": str(self.path),
        }


class Trainer:
    """Trains one model.

    Args:
        model: the model; it is trained in place.
        settings: what to do.
        output_folder: where the run's files go, see `run_files`; on several machines one that all of them see.
        loss: (model, batch) → the mean loss of the batch; None for cross-entropy over (clip, target) or
            `{"clip": …, "target": …}`, where uint8 clips (B, 3, T, H, W) are normalized.
        name: the model's name in the registry, for the saved file; None for its class.
        record: labels, normalization and clip length, for the saved file; None for those the model carries.
        quiet: no progress bar.

    >>> from muybridge.models import create_model
    >>> clips = [(torch.rand(3, 4, 16, 16) + target, target) for target in (0, 1) * 4]
    >>> settings = TrainingSettings(epochs=2, batch_size=4)
    >>> folder = getfixture("tmp_path") / "run"
    >>> trainer = Trainer(create_model("simple3d", num_classes=2), settings, folder)
    >>> result = trainer.fit(clips, clips)
    >>> len(result.epochs), sorted(path.name for path in folder.iterdir())
    (2, ['log.csv', 'model.safetensors', 'state.pt', 'tensorboard'])
    """

    def __init__(
        self,
        model: nn.Module,
        settings: TrainingSettings,
        output_folder: str | Path,
        *,
        loss: Loss | None = None,
        name: str | None = None,
        record: Weights | None = None,
        quiet: bool = False,
    ) -> None:
        accelerate = require_extra("accelerate", extra="train")
        require_extra("tensorboard", extra="train")
        # Said outright, since without a GPU Accelerate takes torchrun's processes for separate runs otherwise.
        self.accelerator = accelerate.Accelerator(cpu=not torch.accelerator.is_available())
        if self.accelerator.device.type == "cpu":
            keep_freed_memory()
        self.settings, self.files, self.quiet = settings, RunFiles(output_folder), quiet
        self.name = name or type(model).__name__
        self.record = record or weights_of(model) or Weights("trained")
        self.is_classifier = loss is None
        self.loss: Loss = loss or ClassificationLoss(
            self.record, label_smoothing=settings.label_smoothing, mixup=settings.mixup
        )
        freeze(model, settings.freeze)
        self.model, self.optimizer = self.accelerator.prepare(model, build_optimizer(model, settings))
        self.average = WeightAverage(self.accelerator.unwrap_model(self.model), settings.ema_decay)
        self.data: dict[str, Any] = {}
        self.step = 0
        self.rows: list[dict[str, float]] = []
        self.best_epoch, self.best_value = -1, math.inf

    def fit(
        self,
        train: Dataset[Any] | Sequence[Any],
        validation: Dataset[Any] | Sequence[Any] | None = None,
        *,
        evaluate: Evaluate | None = None,
        item_weights: Sequence[float] | None = None,
        resume: bool = False,
    ) -> TrainingResult:
        """Train for the epochs of the settings, or until there is no more to gain.

        Args:
            train: items that the loss understands, once collated. Random numbers that an item draws from torch, numpy
                or random depend on the seed, the epoch and its index alone. A method `name_of(index)` names files in
                errors, and tells other data when a run goes on; see `data_identity` for what else does.
            validation: evaluated after each epoch: `validation_loss`, and `top1` for a classifier.
            evaluate: called after each epoch on the main process with the averaged model in evaluation mode; its
                numbers are logged, and `settings.monitor` may name one.
            item_weights: how often each item of `train` is drawn, relative to the others; None draws each once.
            resume: go on with the run that the folder holds.

        Returns:
            The best model and the log.

        Raises:
            OptionError: the folder holds a run and `resume` is False, the settings or the data have changed since,
                or nothing tells the number that is to be monitored.
            TrainingError: the loss is NaN or infinite; names the step and the files.
            WeightsError: the folder's run is of another model, or damaged.
            OutputError: a file cannot be written; the epochs before are safe.
            VideoError: a video of the dataset cannot be read.
        """
        settings, accelerator = self.settings, self.accelerator
        self.data = data_identity(train, item_weights=item_weights)
        self._begin(train, resume=resume)
        plan = BatchPlan(
            len(cast(Sized, train)),
            settings.batch_size,
            seed=settings.seed,
            rank=accelerator.process_index,
            world_size=accelerator.num_processes,
            accumulation_steps=settings.accumulation_steps,
            weights=item_weights,
        )
        loader = self._loader(train, plan)
        check = None if validation is None else self._validation_loader(validation)
        try:
            for epoch in range(len(self.rows), settings.epochs):
                if settings.patience_epochs and epoch - self.best_epoch > settings.patience_epochs:
                    break
                plan.epoch = epoch
                numbers = self._train_epoch(train, loader, plan)
                numbers |= self._evaluate(check, evaluate)
                self._end_epoch(epoch, numbers, len(cast(Sized, train)))
        finally:
            self.files.close()
        return self._result()

    def _begin(self, train: Any, *, resume: bool) -> None:
        """Start anew, or take up what was saved."""
        self.files.check(resume=resume)
        if resume:
            with self.files.open_state() as state:
                self._take_up(state, train)

    def _take_up(self, state: Mapping[str, Any], train: Any) -> None:
        changed = self.settings.differences(TrainingSettings.from_dict(state["settings"]))
        if state["num_items"] != len(train):
            changed.append(f"the dataset had {state['num_items']} items, has {len(train)}")
        else:  # runs of earlier versions do not say what they learned from
            changed += data_changes(self.data, state.get("data", {}))
        labels = list(self.record.labels)
        if state["labels"] != labels:
            changed.append(f"the classes were {', '.join(state['labels'])}, are {', '.join(labels)}")
        model = self.accelerator.unwrap_model(self.model)
        load_state_dict(model, state["model"], name=self.name, source=str(self.files.state))
        if changed:
            raise OptionError(
                f"the run in {self.files.folder} cannot be resumed, since its settings or data have changed:"
                f" {'; '.join(changed)}; give the earlier ones, or begin a new run in another folder"
            )
        if self.average.model is not model:
            self.average.model.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.rows = state["step"], state["rows"]
        self.best_epoch, self.best_value = state["best_epoch"], state["best_value"]

    def _loader(self, dataset: Any, plan: Iterable[list[Key]]) -> DataLoader[Any]:
        return read_batches(
            dataset,
            plan,
            seed=self.settings.seed,
            workers=self.settings.workers,
            device=self.accelerator.device,
        )

    def _validation_loader(self, dataset: Any) -> DataLoader[Any]:
        """Each process takes every so many-th item."""
        world_size = self.accelerator.num_processes
        own = [(0, index) for index in range(self.accelerator.process_index, len(dataset), world_size)]
        size = -(-self.settings.batch_size // world_size)
        return self._loader(dataset, [own[i : i + size] for i in range(0, len(own), size)])

    def _train_epoch(self, train: Any, loader: DataLoader[Any], plan: BatchPlan) -> dict[str, float]:
        settings, accelerator = self.settings, self.accelerator
        # Dropout and mixup: chance depends on the epoch, so that a resumed run draws the same numbers.
        torch.manual_seed((settings.seed * 100_003 + plan.epoch) * 1009 + accelerator.process_index)
        train_mode(self.model)
        num_parts = settings.accumulation_steps
        total_loss, num_clips = 0.0, 0
        started = waited_since = time.perf_counter()
        waited = 0.0
        with EpochProgress(plan, settings.epochs, quiet=self.quiet or not accelerator.is_main_process) as bar:
            for part, loaded in enumerate(loader):
                waited += time.perf_counter() - waited_since
                batch = raise_failure(loaded)
                share = plan.share(part // num_parts, len(batch.indices))
                is_last = (part + 1) % num_parts == 0
                loss = self._backward(train, batch, share, is_last=is_last)
                if is_last:
                    self._update(train, batch, plan)
                total_loss += loss * len(batch.indices)
                num_clips += len(batch.indices)
                bar.advance(len(batch.indices) * accelerator.num_processes, loss)
                waited_since = time.perf_counter()
        seconds = time.perf_counter() - started
        return {
            "train_loss": self._sums(total_loss, num_clips)[0] / len(train),
            "seconds": seconds,
            "clips_per_second": len(train) / seconds,
            "waiting_share": waited / seconds,
        }

    def _backward(self, train: Any, batch: Batch, share: float, *, is_last: bool) -> float:
        """Add the gradient of one part of a batch; returns its mean loss."""
        accelerator = self.accelerator
        sync: AbstractContextManager[Any] = (
            torch.enable_grad() if is_last else accelerator.no_sync(self.model)
        )
        with sync:
            with self._autocast():
                loss = self.loss(self.model, _to_device(batch.content, accelerator.device))
            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingError(f"the loss is {value} {self._where(train, batch)}")
            # The processes' gradients are averaged, so each counts by its part of the whole batch.
            accelerator.backward(loss * (share * accelerator.num_processes))
        return value

    def _update(self, train: Any, batch: Batch, plan: BatchPlan) -> None:
        settings = self.settings
        factor = schedule(
            self.step,
            num_steps=settings.epochs * plan.num_steps,
            warmup_steps=round(settings.warmup_epochs * plan.num_steps),
            final_rate=settings.final_rate,
        )
        set_rate(self.optimizer, settings.learning_rate * factor)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip_norm or math.inf)
        if not bool(norm.isfinite()):
            raise TrainingError(f"the gradient is {float(norm)} {self._where(train, batch)}")
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(self.step)
        self.step += 1

    def _where(self, train: Any, batch: Batch) -> str:
        names = ", ".join(item_name(train, index) for index in batch.indices)
        return (
            f"at step {self.step} (epoch {len(self.rows)}), in the batch of {names}; look at these clips, or take"
            " a smaller learning_rate"
        )

    @torch.no_grad()
    def _evaluate(self, check: DataLoader[Any] | None, evaluate: Evaluate | None) -> dict[str, float]:
        model = self.average.model.eval()
        numbers: dict[str, float] = {}
        if check is not None:
            total, right, count = 0.0, 0, 0
            for loaded in check:
                batch = raise_failure(loaded)
                content = _to_device(batch.content, self.accelerator.device)
                with self._autocast():
                    total += float(self.loss(model, content)) * len(batch.indices)
                    right += self._num_right(model, content) if self.is_classifier else 0
                count += len(batch.indices)
            total, hits, num_items = self._sums(total, right, count)
            numbers["validation_loss"] = total / num_items
            if self.is_classifier:
                numbers["top1"] = hits / num_items
        if evaluate is not None:
            given = dict(evaluate(model)) if self.accelerator.is_main_process else {}
            numbers |= require_extra("accelerate.utils", extra="train").broadcast_object_list([given])[0]
        return numbers

    def _num_right(self, model: nn.Module, content: Any) -> int:
        clips, targets = clip_and_target(content)
        logits = model(cast(ClassificationLoss, self.loss).prepare(clips))
        return int((logits.argmax(dim=1) == targets).sum())

    def _end_epoch(self, epoch: int, numbers: dict[str, float], num_items: int) -> None:
        """Note the numbers, and save; the model first, so that the state never speaks of one that is not there."""
        value = self._badness(epoch, numbers)
        rate = self.optimizer.param_groups[-1]["lr"]
        self.rows.append({"epoch": epoch, "step": self.step, "learning_rate": rate, **numbers})
        is_better = self.best_epoch < 0 or not value >= self.best_value  # NaN in runs of earlier versions
        if is_better:
            self.best_epoch, self.best_value = epoch, value
        if self.accelerator.is_main_process:
            if is_better:
                model = self.average.model
                self.files.save_model(
                    lambda part: save_checkpoint(part, model, name=self.name, weights=self.record)
                )
            self.files.save_state(self._state(num_items))
            self.files.save_log(self.rows)
        self.accelerator.wait_for_everyone()

    def _badness(self, epoch: int, numbers: Mapping[str, float]) -> float:
        """What is lowest at the best epoch; a number that is none is the worst."""
        monitor = self.settings.monitor
        if monitor is None:
            return -float(epoch)
        if monitor not in numbers:
            raise OptionError(f"monitor is {monitor!r}; each epoch gives {', '.join(numbers)}")
        value = numbers[monitor] if "loss" in monitor else -numbers[monitor]
        return math.inf if math.isnan(value) else value

    def _state(self, num_items: int) -> dict[str, Any]:
        model = self.accelerator.unwrap_model(self.model)
        return {
            "settings": self.settings.to_dict(),
            "labels": list(self.record.labels),
            "num_items": num_items,
            "data": self.data,
            "model": model.state_dict(),
            "average": {} if self.average.model is model else self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "rows": self.rows,
            "best_epoch": self.best_epoch,
            "best_value": self.best_value,
        }

    def _result(self) -> TrainingResult:
        model = self.average.model
        load_state_dict(
            model, read_checkpoint(self.files.model).state, name=self.name, source=str(self.files.model)
        )
        set_weights(model, self.record)
        return TrainingResult(model.eval(), self.best_epoch, tuple(self.rows), self.files.model)

    def _autocast(self) -> AbstractContextManager[Any]:
        # Not Accelerate's mixed_precision, which the first Accelerator of a process fixes for all.
        precision, device = self.settings.precision, self.accelerator.device
        wanted = precision == "bfloat16" or (precision == "auto" and has_fast_bfloat16(device))
        return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)

    def _sums(self, *values: float) -> list[float]:
        """Sums over all processes."""
        own = torch.tensor(values, dtype=torch.float64, device=self.accelerator.device)
        return [float(value) for value in self.accelerator.reduce(own, reduction="sum")]


def _to_device(content: Any, device: torch.device) -> Any:
    """Tensors in tuples, lists and dicts, moved."""
    if isinstance(content, Tensor):
        return content.to(device, non_blocking=True)
    if isinstance(content, Mapping):
        return {key: _to_device(value, device) for key, value in content.items()}
    if isinstance(content, tuple | list):
        return [_to_device(value, device) for value in content]
    return content
