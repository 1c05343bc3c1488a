"""The processes that share a training, where `torchrun` or `accelerate launch` started several.

    process 0    looks at every second video ─┐             ┌─► tests, writes, prints
    process 1    looks at the others ─────────┴─► training ─┴─► is done

Both set `RANK` and `WORLD_SIZE`, which is how they are known here before anything is set up.
"""

from __future__ import annotations

import os
from typing import TypeVar

import torch

from muybridge.errors import require_extra

__all__ = ["gather", "is_main_process", "num_processes", "process_index"]

T = TypeVar("T")


def num_processes() -> int:
    """How many share the training.

    >>> num_processes()
    1
    """
    return int(os.environ.get("WORLD_SIZE", "1"))


def process_index() -> int:
    """Which of them this is, from 0."""
    return int(os.environ.get("RANK", "0"))


def is_main_process() -> bool:
    """Whether this is the one that tests, writes and prints.

    >>> is_main_process()
    True
    """
    return process_index() == 0


def gather(found: list[T]) -> list[T]:
    """The lists of all processes, one after the other; each must call this, and gets the same.

    >>> gather([1, 2])
    [1, 2]
    """
    if num_processes() == 1:
        return found
    # Accelerate first: it tells torch's processes of each other as the training will.
    require_extra("accelerate", extra="train").PartialState(cpu=not torch.accelerator.is_available())
    lists: list[list[T]] = [[] for _ in range(num_processes())]
    torch.distributed.all_gather_object(lists, found)
    return [item for part in lists for item in part]
