"""Readings of whole pages and screens: lines that were missed or invented, and engines side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from muybridge.errors import OptionError
from muybridge.metrics.intervals import Interval, ratio_interval
from muybridge.metrics.text import Normalize, edit_distance, evaluate_text, word_accuracy

__all__ = ["EngineComparison", "EngineScores", "LinePair", "compare_engines", "match_lines"]


@dataclass(frozen=True, slots=True)
class LinePair:
    """A line of the reference and what was read for it; None where it was missed, or invented."""

    reference: str | None
    prediction: str | None


def match_lines(
    references: Sequence[str], predictions: Sequence[str], *, max_distance: float = 0.6
) -> list[LinePair]:
    """Pair the lines that belong together, in order, so that one missed line does not spoil all that follow.

    The pairing is the alignment of least cost: a pair costs twice its normalized edit distance, a line
    without partner costs one.

    Args:
        references: the true lines from top to bottom.
        predictions: the lines that were read, from top to bottom.
        max_distance: lines whose normalized edit distance is larger are never paired, in [0, 1].

    Raises:
        OptionError: `max_distance` lies outside [0, 1].

    >>> pairs = match_lines(["one", "two", "three"], ["one", "thre", "%&/"])
    >>> [(pair.reference, pair.prediction) for pair in pairs]
    [('one', 'one'), ('two', None), ('three', 'thre'), (None, '%&/')]
    """
    if not 0 <= max_distance <= 1:
        raise OptionError(f"max_distance={max_distance} must lie in [0, 1]")
    num_true, num_read = len(references), len(predictions)
    cost = np.empty((num_true + 1, num_read + 1))
    cost[:, 0], cost[0, :] = np.arange(num_true + 1), np.arange(num_read + 1)
    pair = np.zeros((num_true, num_read))
    if num_true and num_read:
        distances = cdist(references, predictions, scorer=Levenshtein.normalized_distance, dtype=np.float64)
        pair = np.where(distances <= max_distance, 2 * distances, np.inf)
    for i in range(num_true):
        for j in range(num_read):
            cost[i + 1, j + 1] = min(cost[i, j] + pair[i, j], cost[i, j + 1] + 1, cost[i + 1, j] + 1)
    found = []
    i, j = num_true, num_read
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + pair[i - 1, j - 1]:
            i, j = i - 1, j - 1
            found.append(LinePair(references[i], predictions[j]))
        elif j and cost[i, j] == cost[i, j - 1] + 1:
            j -= 1
            found.append(LinePair(None, predictions[j]))
        else:
            i -= 1
            found.append(LinePair(references[i], None))
    return found[::-1]


@dataclass(frozen=True, slots=True)
class EngineScores:
    """How one engine read the lines.

    Args:
        engine: its name.
        character_accuracy: with its interval; a missed line loses all its characters, an invented one adds
            to them.
        word_accuracy: with its interval; by alignment, case ignored.
        expected_word_accuracy: what the character accuracy alone lets expect: accuracy to the power of the
            mean word length, the chance that *every* character of a word is right if errors fall
            independently.
        line_accuracy: the share of the true lines without any error.
        cer: character error rate.
        wer: word error rate.
        num_missed: true lines that no reading was paired with.
        num_invented: readings that no true line was paired with.
    """

    engine: str
    character_accuracy: Interval
    word_accuracy: Interval
    expected_word_accuracy: float
    line_accuracy: float
    cer: float
    wer: float
    num_missed: int
    num_invented: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class EngineComparison:
    """Engines side by side on the same lines; print it for a table."""

    num_lines: int
    mean_word_length: float
    engines: tuple[EngineScores, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """A Markdown table."""
        rows = [
            "| engine | characters right | words right | words expected | lines right "
            "| CER | WER | missed | invented |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        rows += [
            f"| {e.engine} | {_percent(e.character_accuracy)} | {_percent(e.word_accuracy)} "
            f"| {e.expected_word_accuracy:.1%} | {e.line_accuracy:.1%} | {e.cer:.3f} | {e.wer:.3f} "
            f"| {e.num_missed} | {e.num_invented} |"
            for e in self.engines
        ]
        return "\n".join(rows)


def _percent(interval: Interval) -> str:
    return f"{interval.value:.1%} ({interval.low:.1%}–{interval.high:.1%})"


def compare_engines(
    references: Sequence[str],
    readings: Mapping[str, Sequence[str]],
    *,
    normalize: Normalize | None = None,
    num_resamples: int = 500,
    seed: int = 0,
) -> EngineComparison:
    """Score several engines on the same lines, and show why words fall faster than characters.

    Args:
        references: the true lines from top to bottom.
        readings: for each engine's name the lines that it read, in any number.
        normalize: applied to all lines first.
        num_resamples: of the bootstrap intervals (95%).
        seed: of the bootstrap.

    Raises:
        OptionError: no true line.

    >>> lines = ["the quick brown fox", "jumps over"]
    >>> comparison = compare_engines(lines, {"perfect": lines, "poor": ["the quick brawn fox"]})
    >>> [(scores.engine, scores.num_missed, scores.word_accuracy.value) for scores in comparison.engines]
    [('perfect', 0, 1.0), ('poor', 1, 0.5)]
    """
    true_lines = [normalize(line) if normalize else line for line in references]
    words = [word for line in true_lines for word in line.split()]
    if not words:
        raise OptionError("there is no true line to compare the engines on")
    mean_word_length = sum(map(len, words)) / len(words)
    scored = []
    for engine, lines in readings.items():
        pairs = match_lines(true_lines, [normalize(line) if normalize else line for line in lines])
        true = [pair.reference or "" for pair in pairs]
        read = [pair.prediction or "" for pair in pairs]
        options = {"num_resamples": num_resamples, "seed": seed}
        longer = [max(len(one), len(other)) for one, other in zip(true, read, strict=True)]
        same = [
            length - edit_distance(*texts)
            for length, texts in zip(longer, zip(true, read, strict=True), strict=True)
        ]
        num_words = [len(one.split()) for one in true]
        num_right = [
            length * word_accuracy(*texts, by="alignment") if length else 0
            for length, texts in zip(num_words, zip(true, read, strict=True), strict=True)
        ]
        characters = ratio_interval(same, longer, **options)
        total = evaluate_text(true, read)
        scored.append(
            EngineScores(
                engine,
                characters,
                ratio_interval(num_right, num_words, **options),
                expected_word_accuracy=characters.value**mean_word_length,
                line_accuracy=sum(pair.reference == pair.prediction for pair in pairs) / len(true_lines),
                cer=total.cer,
                wer=total.wer,
                num_missed=sum(pair.prediction is None for pair in pairs),
                num_invented=sum(pair.reference is None for pair in pairs),
            )
        )
    return EngineComparison(len(true_lines), mean_word_length, tuple(scored))
