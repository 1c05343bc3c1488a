"""The number that decides all chance of a training or a split."""

from __future__ import annotations

from muybridge.counts import check_count

__all__ = ["LARGEST_SEED", "check_seed"]

LARGEST_SEED = 2**32 - 1
"""NumPy's old generator takes no larger one, and what is derived from it fits the 64 bits of torch's."""


def check_seed(seed: int) -> None:
    """Refuse a seed that a generator would refuse later, deep inside.

    Args:
        seed: a whole number from 0 to `LARGEST_SEED`.

    Raises:
        OptionError: another one.

    >>> check_seed(0)
    >>> check_seed(-1)
    Traceback (most recent call last):
    ...
    muybridge.errors.OptionError: seed is -1; it must be a whole number from 0 to 4294967295
    """
    check_count("seed", seed, least=0, most=LARGEST_SEED)
