"""Which clips come when: the order of an epoch is a function of the seed and the epoch, and so is all chance in a clip.

    seed, epoch ──► order of the indices ──► batches ──► parts for processes and accumulation steps
    seed, epoch, index ──► the random numbers that the dataset draws for that clip

Nothing has to be remembered to resume a run, and the number of reading workers changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, default_collate

from muybridge.errors import MuybridgeError, OptionError

__all__ = ["Batch", "BatchPlan", "Key", "item_name", "raise_failure", "read_batches"]

Key = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Batch:
    """One part of a batch, as it comes from the data loader.

    Args:
        indices: the places of its items in the dataset.
        content: what the dataset gave, collated.
    """

    indices: tuple[int, ...]
    content: Any


class BatchPlan:
    """The parts that one process computes, in their order; `epoch` may be set anew before each pass.

    All batches of an epoch have the same size, give or take one clip, so none is dropped and none is tiny.

    Args:
        num_items: the size of the dataset.
        batch_size: clips of one step, over all processes.
        seed: of the order; None keeps the order of the dataset.
        rank: of this process.
        world_size: how many processes share each batch.
        accumulation_steps: in how many parts a process computes its share.
        weights: how often each item is drawn, relative to the others, with replacement; None takes each once.

    Raises:
        OptionError: no items, or batches too small to be shared.

    >>> plan = BatchPlan(5, 2, seed=None)
    >>> [[index for _, index in part] for part in plan]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        num_items: int,
        batch_size: int,
        *,
        seed: int | None,
        rank: int = 0,
        world_size: int = 1,
        accumulation_steps: int = 1,
        weights: Sequence[float] | None = None,
    ) -> None:
        if num_items < 1:
            raise OptionError("the dataset is empty; give at least one clip")
        self.num_steps = -(-num_items // batch_size)
        self.num_parts = world_size * accumulation_steps
        if num_items // self.num_steps < self.num_parts:
            raise OptionError(
                f"batches of {num_items // self.num_steps} clips cannot be shared by {world_size} processes with"
                f" {accumulation_steps} accumulation steps; take a larger batch_size or fewer of these"
            )
        if weights is not None and len(weights) != num_items:
            raise OptionError(f"{len(weights)} weights for {num_items} items; give one for each")
        self.num_items, self.seed, self.epoch = num_items, seed, 0
        self.own = range(rank * accumulation_steps, (rank + 1) * accumulation_steps)
        self.probabilities = None if weights is None else np.asarray(weights, float) / np.sum(weights)

    def __len__(self) -> int:
        return self.num_steps * len(self.own)

    def __iter__(self) -> Iterator[list[Key]]:
        for batch in np.array_split(self._order(), self.num_steps):
            parts = np.array_split(batch, self.num_parts)
            for part in self.own:
                yield [(self.epoch, int(index)) for index in parts[part]]

    def share(self, step: int, num_own: int) -> float:
        """What part of a step's batch `num_own` clips are."""
        larger = self.num_items % self.num_steps
        return num_own / (self.num_items // self.num_steps + (step < larger))

    def _order(self) -> NDArray[np.int64]:
        if self.seed is None:
            return np.arange(self.num_items)
        generator = np.random.default_rng((self.seed, self.epoch))
        if self.probabilities is not None:
            return generator.choice(self.num_items, self.num_items, p=self.probabilities)
        return generator.permutation(self.num_items)


def read_batches(
    dataset: Dataset[Any], plan: Iterable[list[Key]], *, seed: int, workers: int, device: torch.device
) -> DataLoader[Any]:
    """A loader that gives `Batch`es in the order of the plan.

    Args:
        dataset: anything with `len` and items that `default_collate` can put together.
        plan: the keys (epoch, index) of each batch; a `BatchPlan`, or any list of such lists.
        seed: of the random numbers that items draw from `torch`, `numpy.random` and `random`.
        workers: processes that read.
        device: where the batches will go; for a GPU they are read into pinned memory.
    """
    return DataLoader(
        _SeededItems(dataset, seed),
        batch_sampler=cast(Any, plan),
        num_workers=workers,
        collate_fn=_collate,
        worker_init_fn=_one_thread,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
        prefetch_factor=4 if workers else None,
        # Its own, else each pass would draw a seed for workers from the generator that dropout draws from.
        generator=torch.Generator(),
    )


def item_name(dataset: Dataset[Any], index: int) -> str:
    """What to call an item in a message: its file, where the dataset has a method `name_of(index)`."""
    name_of: Callable[[int], str] | None = getattr(dataset, "name_of", None)
    return name_of(index) if name_of is not None else f"item {index}"


class _SeededItems(Dataset[tuple[int, Any]]):
    """Items whose random numbers depend on the seed, the epoch and the index alone."""

    def __init__(self, dataset: Dataset[Any], seed: int) -> None:
        self.dataset, self.seed = dataset, seed

    def __len__(self) -> int:
        return len(cast(Sized, self.dataset))

    def __getitem__(self, key: Key) -> tuple[int, Any]:
        epoch, index = key
        before = torch.get_rng_state(), np.random.get_state(), random.getstate()
        words = np.random.SeedSequence((self.seed, epoch, index)).generate_state(2, np.uint32)
        number = int(words[0]) << 32 | int(words[1])
        # Not torch.manual_seed, which would also touch the accelerators, whose state is not put back below.
        torch.default_generator.manual_seed(number)
        np.random.seed(int(words[0]))
        random.seed(number)
        try:
            return index, self.dataset[index]
        except MuybridgeError as error:
            # A worker's error would reach the trainer as another type, without its path.
            return index, _Failed(error)
        finally:
            torch.set_rng_state(before[0])
            np.random.set_state(before[1])
            random.setstate(before[2])


@dataclass(frozen=True, slots=True)
class _Failed:
    error: MuybridgeError


def _collate(items: list[tuple[int, Any]]) -> Batch | _Failed:
    for _, item in items:
        if isinstance(item, _Failed):
            return item
    return Batch(tuple(index for index, _ in items), default_collate([item for _, item in items]))


def raise_failure(batch: Batch | _Failed) -> Batch:
    """The batch, or the error that reading one of its items met."""
    if isinstance(batch, _Failed):
        raise batch.error
    return batch


def _one_thread(worker: int) -> None:
    import cv2

    cv2.setNumThreads(0)  # there are as many workers as cores
