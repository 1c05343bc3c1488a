"""Numbers that count something: 2.5 frames are refused where they are asked for, not deep inside NumPy."""

from __future__ import annotations

import operator

from muybridge.errors import OptionError

__all__ = ["check_count"]


def check_count(name: str, value: int, *, least: int = 1, most: int | None = None) -> None:
    """Refuse what is no whole number, or is none that is allowed.

    Args:
        name: of the option, for the message.
        value: what was given for it.
        least: the smallest that is allowed.
        most: the largest that is allowed; None for no bound.

    Raises:
        OptionError: not a whole number, below `least`, or above `most`.

    >>> check_count("num_frames", 16)
    >>> check_count("num_frames", 2.5)
    Traceback (most recent call last):
    ...
    muybridge.errors.OptionError: num_frames is 2.5; it must be a whole number of at least 1
    """
    try:
        count = operator.index(value)  # NumPy's integers count, too
    except TypeError:
        count = least - 1
    if count < least or (most is not None and count > most):
        allowed = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise OptionError(f"{name} is {value!r}; it must be a whole number {allowed}")
