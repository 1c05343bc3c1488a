"""How well a text was read: error rates and accuracies over characters, graphemes, words and lines.

All of them count the insertions, deletions and substitutions that turn the reference into the prediction (V.
Levenshtein, 1966). Where a reference is empty, an error rate divides by one instead of by nothing, as jiwer
does: nothing is ever infinite or NaN.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import regex
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from muybridge.errors import OptionError, ShapeError
from muybridge.metrics.intervals import Interval, bootstrap, proportion_interval, ratio_interval

__all__ = [
    "AlignedText",
    "Interval",
    "Normalization",
    "TextScores",
    "Unit",
    "align_text",
    "bootstrap_interval",
    "cer",
    "character_accuracy",
    "edit_distance",
    "evaluate_text",
    "exact_match",
    "normalized_edit_distance",
    "proportion_interval",
    "ratio_interval",
    "split_units",
    "wer",
    "word_accuracy",
]

Unit = Literal["character", "grapheme", "word"]
"""What is counted: a code point, a user-perceived character (Unicode extended grapheme cluster), or a word."""

_UNITS = ("character", "grapheme", "word")


@dataclass(frozen=True, slots=True)
class Normalization:
    """What does not count as a difference; call it on a text. Nothing is normalized by default.

    Args:
        unicode_form: the Unicode normalization form that both texts are brought to, such as `"NFC"` or
            `"NFKC"`.
        ignore_case: fold upper and lower case.
        ignore_punctuation: drop every character of a Unicode punctuation category.
        ignore_spaces: drop all white space.
        collapse_spaces: make every run of white space one space, and strip the ends.

    >>> Normalization(ignore_case=True, ignore_punctuation=True, collapse_spaces=True)("  Wait,  WHAT?! ")
    'wait what'
    """

    unicode_form: Literal["NFC", "NFD", "NFKC", "NFKD"] | None = None
    ignore_case: bool = False
    ignore_punctuation: bool = False
    ignore_spaces: bool = False
    collapse_spaces: bool = False

    def __call__(self, text: str) -> str:
        """The text as it is compared."""
        if self.unicode_form is not None:
            text = unicodedata.normalize(self.unicode_form, text)
        if self.ignore_case:
            text = text.casefold()
        if self.ignore_punctuation:
            text = "".join(c for c in text if not unicodedata.category(c).startswith("P"))
        if self.ignore_spaces:
            text = "".join(text.split())
        if self.collapse_spaces:
            text = " ".join(text.split())
        return text


Normalize = Callable[[str], str]


def split_units(text: str, unit: Unit = "character") -> list[str]:
    r"""Cut a text into what is counted.

    Args:
        text: the text.
        unit: what is counted.

    Raises:
        OptionError: an unknown unit.

    >>> len(split_units("e\u0301")), len(split_units("e\u0301", "grapheme")), split_units("to be", "word")
    (2, 1, ['to', 'be'])
    """
    if unit not in _UNITS:
        raise OptionError(f"unit={unit!r} is not one of {', '.join(_UNITS)}")
    if unit == "word":
        return text.split()
    if unit == "grapheme":
        graphemes: list[str] = regex.findall(r"\X", text)
        return graphemes
    return list(text)


def _as_is(text: str) -> str:
    return text


def edit_distance(
    reference: str, prediction: str, *, unit: Unit = "character", normalize: Normalize = _as_is
) -> int:
    """How many insertions, deletions and substitutions turn one text into the other.

    Args:
        reference: the true text.
        prediction: what was read.
        unit: what is counted.
        normalize: applied to both texts first, such as a `Normalization`.

    >>> edit_distance("kitten", "sitting"), edit_distance("to be or", "to bee or not", unit="word")
    (3, 2)
    """
    return Levenshtein.distance(
        split_units(normalize(reference), unit), split_units(normalize(prediction), unit)
    )


def normalized_edit_distance(
    reference: str, prediction: str, *, unit: Unit = "character", normalize: Normalize = _as_is
) -> float:
    """The edit distance divided by the length of the longer text, in [0, 1]; 0.0 for two empty texts.

    Takes the same arguments as `edit_distance`.

    >>> normalized_edit_distance("HELLO", "HELO"), normalized_edit_distance("", "")
    (0.2, 0.0)
    """
    one, other = split_units(normalize(reference), unit), split_units(normalize(prediction), unit)
    return Levenshtein.distance(one, other) / max(1, len(one), len(other))


def character_accuracy(
    reference: str,
    prediction: str,
    *,
    unit: Literal["character", "grapheme"] = "character",
    normalize: Normalize = _as_is,
) -> float:
    """1 − edit distance / length of the longer text, in [0, 1]; 1.0 for two empty texts.

    Takes the same arguments as `edit_distance`.

    >>> character_accuracy("HELLO", "HELO"), character_accuracy("", ""), character_accuracy("", "x")
    (0.8, 1.0, 0.0)
    """
    return 1.0 - normalized_edit_distance(reference, prediction, unit=unit, normalize=normalize)


def word_accuracy(
    reference: str,
    prediction: str,
    *,
    by: Literal["position", "alignment"] = "position",
    ignore_case: bool = True,
    normalize: Normalize = _as_is,
) -> float:
    """The share of the reference's words that were read right, in [0, 1].

    Words that were invented do not count here; they do in `wer`.

    Args:
        reference: the true text.
        prediction: what was read.
        by: `"position"` compares the first words, the second words and so on, so that one missed word spoils
            all that follow; `"alignment"` pairs them in order with the fewest edits of whole words, as `wer`
            does, and among such pairings takes one with the most right words.
        ignore_case: whether upper and lower case are the same.
        normalize: applied to both texts first.

    Returns:
        The share; for an empty reference 1.0 if the prediction is empty too, and 0.0 if not.

    Raises:
        OptionError: an unknown `by`.

    Formula: by alignment (N − S − D) / N of N words, S substituted and D deleted: the "percent correct" of speech
    recognition.

    >>> word_accuracy("The quick fox", "the quick fox"), word_accuracy("one two three four", "two three four")
    (1.0, 0.0)
    >>> word_accuracy("one two three four", "two three four", by="alignment")
    0.75
    >>> word_accuracy("room 4711", "4711 left", by="alignment")
    0.5
    """
    if by not in ("position", "alignment"):
        raise OptionError(f"by={by!r} is neither 'position' nor 'alignment'")
    reference, prediction = normalize(reference), normalize(prediction)
    if ignore_case:
        reference, prediction = reference.casefold(), prediction.casefold()
    true, read = reference.split(), prediction.split()
    if not true:
        return float(not read)
    return _num_right(true, read, by) / len(true)


def _num_right(true: Sequence[str], read: Sequence[str], by: str) -> int:
    if by == "position":
        return sum(one == other for one, other in zip(true, read, strict=False))
    # Several alignments may have the fewest edits E and not the same S + D, the true words that are lost. An edit
    # weighs more than all true words together, so E is least first, then S + D: the sum is E · weight + S + D.
    weight = len(true) + 1
    cost = Levenshtein.distance(true, read, weights=(weight, weight + 1, weight + 1))
    return len(true) - cost % weight


def cer(
    reference: str | Sequence[str],
    prediction: str | Sequence[str],
    *,
    average: Literal["corpus", "mean"] = "corpus",
    unit: Literal["character", "grapheme"] = "character",
    normalize: Normalize = _as_is,
) -> float:
    """Character error rate: edits divided by the characters of the reference; may exceed 1.

    Args:
        reference: the true text, or several.
        prediction: what was read, one for each reference.
        average: over several texts, all edits by all characters (`"corpus"`), or the mean of the texts' own
            rates.
        unit: what is counted.
        normalize: applied to all texts first.

    Returns:
        The rate; an empty reference counts as one character long.

    Raises:
        ShapeError: the numbers of references and predictions differ.
        OptionError: an unknown average or unit.

    >>> cer("HELLO", "HELO"), cer(["ab", "abcdefgh"], ["xy", "abcdefgh"]), cer("", "")
    (0.2, 0.2, 0.0)
    """
    return _error_rate(reference, prediction, average, unit, normalize)


def wer(
    reference: str | Sequence[str],
    prediction: str | Sequence[str],
    *,
    average: Literal["corpus", "mean"] = "corpus",
    normalize: Normalize = _as_is,
) -> float:
    """Word error rate: edits of whole words divided by the words of the reference; may exceed 1.

    Takes the same arguments as `cer`; case counts unless it is normalized away.

    >>> wer("the quick fox", "the quack fox jumps")
    0.6666666666666666
    """
    return _error_rate(reference, prediction, average, "word", normalize)


def _error_rate(
    reference: str | Sequence[str],
    prediction: str | Sequence[str],
    average: str,
    unit: Unit,
    normalize: Normalize,
) -> float:
    if average not in ("corpus", "mean"):
        raise OptionError(f"average={average!r} is neither 'corpus' nor 'mean'")
    pairs = _pairs(reference, prediction)
    edits = [edit_distance(true, read, unit=unit, normalize=normalize) for true, read in pairs]
    lengths = [len(split_units(normalize(true), unit)) for true, _ in pairs]
    if average == "corpus":
        return sum(edits) / max(1, sum(lengths))
    rates = [edit / max(1, length) for edit, length in zip(edits, lengths, strict=True)]
    return sum(rates) / max(1, len(rates))


def _pairs(reference: str | Sequence[str], prediction: str | Sequence[str]) -> list[tuple[str, str]]:
    if isinstance(reference, str) != isinstance(prediction, str):
        raise ShapeError("reference and prediction must both be a text, or both be a list of texts")
    if isinstance(reference, str) and isinstance(prediction, str):
        return [(reference, prediction)]
    if len(reference) != len(prediction):
        raise ShapeError(
            f"{len(reference)} references but {len(prediction)} predictions; "
            "pair lines that may be missing or invented with muybridge.metrics.text_lines.match_lines"
        )
    return list(zip(reference, prediction, strict=True))


def exact_match(
    reference: str | Sequence[str], prediction: str | Sequence[str], *, normalize: Normalize = _as_is
) -> float:
    """The share of texts that were read without any error, in [0, 1]; 1.0 where there is no text.

    Takes the same arguments as `cer`.

    >>> exact_match(["one", "two"], ["one", "too"]), exact_match("One", "one", normalize=str.casefold)
    (0.5, 1.0)
    """
    right = [normalize(true) == normalize(read) for true, read in _pairs(reference, prediction)]
    return sum(right) / len(right) if right else 1.0


def bootstrap_interval(
    metric: Callable[[list[str], list[str]], float],
    references: Sequence[str],
    predictions: Sequence[str],
    *,
    confidence: float = 0.95,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """A percentile bootstrap interval of a metric over texts: what other texts of the same kind might have given.

    Args:
        metric: takes a list of references and one of predictions, such as `cer`.
        references: the true texts, at least one.
        predictions: what was read.
        confidence: the share of resamples between the bounds.
        num_resamples: how often the texts are drawn anew, with replacement.
        seed: of the draws.

    Raises:
        ShapeError: no text, or the numbers differ.
        OptionError: a confidence outside (0, 1), or no resample.

    Source: B. Efron, R. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.

    >>> bootstrap_interval(cer, ["abc"] * 5, ["abc"] * 5).high
    0.0
    """
    pairs = _pairs(list(references), list(predictions))
    if not pairs:
        raise ShapeError("an interval needs at least one text")

    def of(places: NDArray[np.int64]) -> float:
        drawn = [pairs[place] for place in places.tolist()]
        return metric([true for true, _ in drawn], [read for _, read in drawn])

    return bootstrap(of, len(pairs), confidence=confidence, num_resamples=num_resamples, seed=seed)


@dataclass(frozen=True, slots=True)
class TextScores:
    """All scores of a reading; rates over the whole corpus, accuracies as in the functions of the same names."""

    num_texts: int
    cer: float
    wer: float
    character_accuracy: float
    word_accuracy: float
    word_accuracy_by_position: float
    exact_match: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def evaluate_text(
    references: Sequence[str], predictions: Sequence[str], *, normalize: Normalize = _as_is
) -> TextScores:
    """Score readings of several texts at once.

    The accuracies pool all texts: their edits by their longer lengths, their right words by all words.

    Args:
        references: the true texts.
        predictions: what was read, one for each reference.
        normalize: applied to all texts first.

    Raises:
        ShapeError: the numbers differ.

    >>> scores = evaluate_text(["one two", "three"], ["one too", "three"])
    >>> scores.word_accuracy, scores.exact_match, round(scores.character_accuracy, 3)
    (0.6666666666666666, 0.5, 0.917)
    """
    pairs = [(normalize(true), normalize(read)) for true, read in _pairs(references, predictions)]
    edits = sum(Levenshtein.distance(true, read) for true, read in pairs)
    longer = sum(max(len(true), len(read)) for true, read in pairs)
    words = [(true.casefold().split(), read.casefold().split()) for true, read in pairs]
    num_words = sum(len(true) for true, _ in words)
    by_alignment = sum(_num_right(true, read, "alignment") for true, read in words)
    by_position = sum(_num_right(true, read, "position") for true, read in words)
    nothing_read = not any(read for _, read in words)
    trues, reads = [true for true, _ in pairs], [read for _, read in pairs]
    return TextScores(
        num_texts=len(pairs),
        cer=cer(trues, reads),
        wer=wer(trues, reads),
        character_accuracy=1 - edits / max(1, longer),
        word_accuracy=by_alignment / num_words if num_words else float(nothing_read),
        word_accuracy_by_position=by_position / num_words if num_words else float(nothing_read),
        exact_match=exact_match(trues, reads),
    )


@dataclass(frozen=True, slots=True)
class AlignedText:
    """Two texts side by side, unit by unit; an empty string stands where one has nothing.

    Args:
        reference: what is true at each place.
        prediction: what was read there.
        unit: what was aligned.
    """

    reference: tuple[str, ...]
    prediction: tuple[str, ...]
    unit: Unit

    @property
    def marks(self) -> tuple[str, ...]:
        """For each place: a blank where they agree, or S(ubstituted), D(eleted), I(nserted)."""
        return tuple(
            " " if true == read else "I" if not true else "D" if not read else "S"
            for true, read in zip(self.reference, self.prediction, strict=True)
        )

    def __str__(self) -> str:
        rows = []
        for row in (self.reference, self.prediction, self.marks):
            widths = [max(1, len(a), len(b)) for a, b in zip(self.reference, self.prediction, strict=True)]
            cells = [(cell or "·").ljust(width) for cell, width in zip(row, widths, strict=True)]
            rows.append((" " if self.unit == "word" else "").join(cells).rstrip())
        return "\n".join(rows)


def align_text(
    reference: str, prediction: str, *, unit: Unit = "character", normalize: Normalize = _as_is
) -> AlignedText:
    """Lay two texts side by side with the fewest differences, for display; where there are several ways, one of them.

    Takes the same arguments as `edit_distance`.

    >>> print(align_text("kitten", "sitting"))
    kitten·
    sitting
    S   S I
    """
    true, read = split_units(normalize(reference), unit), split_units(normalize(prediction), unit)
    left: list[str] = []
    right: list[str] = []
    for block in Levenshtein.opcodes(true, read):
        one, other = true[block.src_start : block.src_end], read[block.dest_start : block.dest_end]
        length = max(len(one), len(other))
        left += one + [""] * (length - len(one))
        right += other + [""] * (length - len(other))
    return AlignedText(tuple(left), tuple(right), unit)
