"""Decoders side by side on lines whose text is known, from clean output to noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError
from muybridge.metrics.intervals import Interval, proportion_interval, ratio_interval
from muybridge.metrics.text import edit_distance
from muybridge.text.lattice import Alphabet, as_matrix

__all__ = ["Decoder", "DecoderComparison", "DecoderScores", "compare_decoders", "spelled_logits"]

Decoder = Callable[[list[NDArray[np.float64]]], list[str]]
"""Reads a batch of lines, each (T, K) logits."""


def spelled_logits(
    text: str,
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    steps_per_character: int = 2,
    height: float = 5.0,
) -> NDArray[np.float64]:
    """The logits of a network that is sure of a text: each character for some steps, a blank step around each.

    Args:
        text: the text.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        steps_per_character: how many steps each character lasts, 1 or more.
        height: by how much the right symbol's logit stands above the others, which are 0.

    Returns:
        (T, K) with T = L · (steps_per_character + 1) + 1.

    >>> spelled_logits("ab", "ab", steps_per_character=1, height=3.0).argmax(axis=1).tolist()
    [0, 1, 0, 2, 0]
    """
    num_columns = len(alphabet) + 1
    symbols = Alphabet.of(alphabet, num_columns=num_columns, blank=blank)
    path = [symbols.blank]
    for column in symbols.columns(text):
        path += [column] * steps_per_character + [symbols.blank]
    logits = np.zeros((len(path), num_columns))
    logits[np.arange(len(path)), path] = height
    return logits


@dataclass(frozen=True, slots=True)
class DecoderScores:
    """How one decoder read all the lines of one noise level.

    Args:
        decoder: its name.
        sigma: the standard deviation of the noise on the logits.
        exact: the share of lines without any error, with its 95% Wilson interval.
        cer: character error rate, with its 95% bootstrap interval over the seeds.
    """

    decoder: str
    sigma: float
    exact: Interval
    cer: Interval


@dataclass(frozen=True, slots=True)
class DecoderComparison:
    """Decoders side by side over the noise levels; print it for a table."""

    text: str
    num_seeds: int
    scores: tuple[DecoderScores, ...]

    def of(self, decoder: str) -> list[DecoderScores]:
        """One decoder's scores from the least noise to the most."""
        return [scores for scores in self.scores if scores.decoder == decoder]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """A Markdown table: exact share and character error rate with their intervals."""
        names = list(dict.fromkeys(scores.decoder for scores in self.scores))
        columns = [self.of(name) for name in names]
        rows = [
            f"| sigma | {' | '.join(f'{name}: exact | CER' for name in names)} |",
            f"|---|{'---|---|' * len(names)}",
        ]
        for row in zip(*columns, strict=True):
            cells = [f"{_percent(scores.exact)} | {_percent(scores.cer)}" for scores in row]
            rows.append(f"| {row[0].sigma:g} | {' | '.join(cells)} |")
        return "\n".join(rows)


def _percent(interval: Interval) -> str:
    return f"{100 * interval.value:.1f} ({100 * interval.low:.1f}–{100 * interval.high:.1f})"


def compare_decoders(
    logits: ArrayLike,
    text: str,
    decoders: Mapping[str, Decoder],
    *,
    sigmas: Sequence[float] = (0.0, 0.5, 1.0, 1.5, 2.0),
    num_seeds: int = 300,
) -> DecoderComparison:
    """Read one line under Gaussian noise of growing strength with several decoders.

    All decoders read the same noisy lines, so their differences are not chance between draws.

    Args:
        logits: (T, K) the line's clean network output, such as `spelled_logits` or a real network's.
        text: what is written there.
        decoders: for each name a function from a batch of logits to texts.
        sigmas: standard deviations of the noise that is added to the logits.
        num_seeds: how many noisy lines each level has; line i of every level uses seed i.

    Raises:
        ShapeError: `logits` is not (T, K).
        OptionError: no decoder, no seed, or a negative sigma.

    >>> from muybridge.text import ctc
    >>> decoders = {"greedy": lambda lines: [ctc.greedy_decode(line, "HELO", kind="logits") for line in lines]}
    >>> comparison = compare_decoders(spelled_logits("HELLO", "HELO"), "HELLO", decoders, sigmas=[0], num_seeds=3)
    >>> comparison.scores[0].exact.value
    1.0
    """
    clean = as_matrix(logits, kind="logits").astype(np.float64)
    if not decoders or num_seeds < 1 or min(sigmas, default=-1) < 0:
        raise OptionError("a comparison needs a decoder, a seed, and sigmas of 0 or more")
    noises = [np.random.default_rng(seed).normal(size=clean.shape) for seed in range(num_seeds)]
    scores = []
    for sigma in sigmas:
        lines = [clean + sigma * noise for noise in noises]
        for name, decoder in decoders.items():
            readings = decoder(lines)
            edits = [edit_distance(text, reading) for reading in readings]
            scores.append(
                DecoderScores(
                    name,
                    float(sigma),
                    exact=proportion_interval(edits.count(0), num_seeds),
                    cer=ratio_interval(edits, [len(text)] * num_seeds),
                )
            )
    return DecoderComparison(text, num_seeds, tuple(scores))
