r"""CTC decoding: from one row of scores for each time step to text.

A CTC network gives, for each of T time steps, a distribution over the characters and a *blank*. A path is one
symbol for each step; its text is the path with repeats merged and blanks dropped, so many paths write one
text:

    path   a a - b b -     a - - - b -     - a - b b b
    text   ab              ab              ab

`greedy_decode` takes the best path, `beam_search` the best *text* (the sum over its paths),
`log_probability` sums all the paths of a given text. Source: A. Graves et al., "Connectionist Temporal
Classification", ICML 2006.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.counts import check_count
from muybridge.errors import OptionError, ShapeError
from muybridge.text.alignment import (
    align,
    align_labelings,
    exhaustive_search,
    log_probabilities,
    log_probability,
)
from muybridge.text.beam import search
from muybridge.text.evidence import add_evidence, read_together
from muybridge.text.hypothesis import CharacterSpan, Hypothesis, spans_of_path
from muybridge.text.language_model import CharacterLanguageModel, LanguageModelScorer
from muybridge.text.lattice import Alphabet, Kind, as_log_probabilities, as_matrix, peak_log_probabilities
from muybridge.text.lexicon import HotWords, HotWordsScorer, Lexicon, LexiconScorer
from muybridge.text.scored_beam import PrefixScorer, search_scored

__all__ = [
    "CharacterLanguageModel",
    "CharacterSpan",
    "HotWords",
    "Hypothesis",
    "Lexicon",
    "add_evidence",
    "align",
    "beam_search",
    "beam_search_batch",
    "best_path",
    "best_paths",
    "exhaustive_search",
    "greedy_decode",
    "log_probabilities",
    "log_probability",
    "read_together",
]


def greedy_decode(
    log_probs: ArrayLike, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> str:
    """Read a line by its best path: the best symbol of each step, repeats merged, blanks dropped.

    Args:
        log_probs: (T, K) log-probabilities or logits.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        The text; empty where T is 0.

    Raises:
        ShapeError: `log_probs` is not (T, K).
        OptionError: NaN, values that are not what `kind` says, a blank outside, an alphabet of a wrong
            length.

    >>> steps = np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    >>> greedy_decode(steps, "ab")
    'aa'
    """
    return best_path(log_probs, alphabet, blank=blank, kind=kind).text


def best_path(
    log_probs: ArrayLike, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> Hypothesis:
    """Read a line by its best path, with the span and the confidence of each character.

    Takes the same arguments, and raises the same errors, as `greedy_decode`.

    >>> path = best_path([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1]], "ab", kind="probabilities")
    >>> path.characters
    (CharacterSpan(character='a', start=0, stop=2, confidence=0.8),)
    """
    matrix = as_matrix(log_probs, kind=kind)
    symbols = Alphabet.of(alphabet, num_columns=matrix.shape[1], blank=blank)
    columns, peaks = peak_log_probabilities(matrix, kind=kind)
    written = {column: symbol for column, symbol in enumerate(symbols.symbols) if symbol}
    characters = spans_of_path(columns, np.exp(peaks), written)
    log_probability = float(peaks.sum())
    return Hypothesis(
        "".join([span.character for span in characters]), log_probability, log_probability, characters
    )


def best_paths(
    lines: Sequence[ArrayLike] | NDArray[np.floating],
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    kind: Kind = "auto",
) -> list[Hypothesis]:
    """Read a batch of lines by their best paths.

    Args:
        lines: (B, T, K), or B matrices (Tᵢ, K) of different lengths.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        One hypothesis for each line.

    Raises:
        ShapeError: a line is not (T, K).
        OptionError: as `greedy_decode`.

    >>> [path.text for path in best_paths(np.log([[[0.1, 0.9]], [[0.9, 0.1]]]), "a")]
    ['a', '']
    """
    return [best_path(line, alphabet, blank=blank, kind=kind) for line in lines]


def beam_search(
    log_probs: ArrayLike,
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    width: int = 25,
    language_model: CharacterLanguageModel | None = None,
    lexicon: Lexicon | Sequence[str] | None = None,
    nbest: int = 1,
    hot_words: HotWords | Sequence[str] | None = None,
    language_model_weight: float = 0.3,
    length_bonus: float = 0.0,
    mean_bonus: bool = False,
    max_gap: float = math.inf,
    spans: bool = True,
    kind: Kind = "auto",
) -> list[Hypothesis]:
    """Read a line by its likeliest texts: prefix beam search, in which equal labelings are merged.

    Where different labelings write one text (a letter and its mark as one symbol or as two), those that are
    kept to the end are added up as well. The score of a text is its log-probability over the paths that were
    kept, plus the bonus of hot words, and, for each symbol, the weighted log-probability that the language
    model gives to its characters, and the length bonus.

    Args:
        log_probs: (T, K) log-probabilities or logits.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        width: how many labelings are kept at each step.
        language_model: says how likely a character is after those before it.
        lexicon: the only words that may be written, between any characters that occur in no word.
        nbest: how many hypotheses are wanted, at most `width`.
        hot_words: words that are likelier than the network thinks.
        language_model_weight: what the model's log-probabilities are multiplied by.
        length_bonus: what every character adds to the score, in nats.
        mean_bonus: rank the finished texts by the mean bonus of their characters instead of the sum; of no effect
            where nothing gives any bonus.
        max_gap: prune labelings whose score falls this many nats below the best of the step; none by default.
        spans: whether the hypotheses have their characters' time spans (on each one's best path).
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        At most `nbest` hypotheses, best first. Fewer where fewer texts are possible; none where the lexicon
        or the language model allows none of the kept ones (widen the beam).

    Raises:
        ShapeError: `log_probs` is not (T, K).
        OptionError: a width, nbest, weight or bonus outside, a language model of other characters, or what
            `greedy_decode` refuses.

    Each step: blank 0.6, a 0.4. The best path is empty (0.36), yet `a` has 0.24 + 0.24 + 0.16 = 0.64.

    >>> best = beam_search([[0.6, 0.4], [0.6, 0.4]], "a", kind="probabilities")[0]
    >>> best.text, round(np.exp(best.log_probability), 2)
    ('a', np.float64(0.64))
    """
    return beam_search_batch(
        [log_probs],
        alphabet,
        blank=blank,
        width=width,
        language_model=language_model,
        lexicon=lexicon,
        nbest=nbest,
        hot_words=hot_words,
        language_model_weight=language_model_weight,
        length_bonus=length_bonus,
        mean_bonus=mean_bonus,
        max_gap=max_gap,
        spans=spans,
        kind=kind,
    )[0]


def beam_search_batch(
    lines: Sequence[ArrayLike] | NDArray[np.floating],
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    width: int = 25,
    language_model: CharacterLanguageModel | None = None,
    lexicon: Lexicon | Sequence[str] | None = None,
    nbest: int = 1,
    hot_words: HotWords | Sequence[str] | None = None,
    language_model_weight: float = 0.3,
    length_bonus: float = 0.0,
    mean_bonus: bool = False,
    max_gap: float = math.inf,
    spans: bool = True,
    kind: Kind = "auto",
) -> list[list[Hypothesis]]:
    """`beam_search` of many lines at once, (B, T, K) or B matrices (Tᵢ, K) of different lengths.

    Takes the same options and raises the same errors. Without language model, lexicon, hot words and length
    bonus all lines march together, which is many times faster than one after the other; with them the lines
    take turns.

    >>> steps = np.array([[[0.6, 0.4], [0.6, 0.4]], [[0.9, 0.1], [0.9, 0.1]]])
    >>> [best.text for best, *_ in beam_search_batch(steps, "a", kind="probabilities")]
    ['a', '']
    """
    check_count("width", width)
    check_count("nbest", nbest)
    if nbest > width:
        raise OptionError(f"nbest={nbest} must lie between 1 and the width, {width}")
    if not max_gap > 0:
        raise OptionError(f"max_gap={max_gap} must be above 0 nats")
    if not math.isfinite(language_model_weight):
        raise OptionError(f"language_model_weight={language_model_weight} must be a finite number")
    if not math.isfinite(length_bonus):
        raise OptionError(f"length_bonus={length_bonus} must be a finite number of nats")
    matrices = [as_log_probabilities(line, kind=kind) for line in lines]
    if not matrices:
        return []
    symbols = _alphabet_of_all(matrices, alphabet, blank)
    scorers: list[PrefixScorer] = []
    if language_model is not None:
        if not language_model.knows_any(symbols.symbols):
            raise OptionError("the language model has none of the alphabet's characters; is it one of words?")
        scorers.append(
            LanguageModelScorer(
                language_model, symbols.symbols, weight=language_model_weight, length_bonus=length_bonus
            )
        )
    elif length_bonus:
        scorers.append(_LengthScorer(len(symbols.symbols), length_bonus))
    if lexicon is not None:
        words = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon)
        scorers.append(LexiconScorer(words, symbols.symbols))
    if hot_words is not None:
        hot = hot_words if isinstance(hot_words, HotWords) else HotWords(hot_words)
        scorers.append(HotWordsScorer(hot, symbols.symbols))
    return _search(matrices, symbols, scorers, width, nbest, max_gap, mean_bonus, spans)


class _LengthScorer:
    """The length bonus alone, where no language model adds it to its own say."""

    def __init__(self, num_columns: int, bonus: float) -> None:
        self._scores: NDArray[np.float64] = np.full(num_columns, bonus)

    def start(self) -> int:
        return 0

    def scores(self, state: int) -> NDArray[np.float64]:
        return self._scores

    def after(self, state: int, column: int) -> int:
        return 0

    def at_end(self, state: int) -> float:
        return 0.0


def _search(
    matrices: list[NDArray[np.float64]],
    symbols: Alphabet,
    scorers: list[PrefixScorer],
    width: int,
    nbest: int,
    max_gap: float,
    mean_bonus: bool,
    spans: bool,
) -> list[list[Hypothesis]]:
    """The hypotheses of each line, by the search that the scorers call for."""
    found: list[tuple[int, NDArray[np.int64], float, float]] = []  # line, labeling, log-probability, score
    num_kept = width if symbols.is_ambiguous else nbest
    if scorers:
        for index, matrix in enumerate(matrices):
            scored = search_scored(
                matrix, scorers, blank=symbols.blank, width=width, max_gap=max_gap, mean_bonus=mean_bonus
            )
            values, scores = scored.log_probabilities.tolist(), scored.scores.tolist()
            rows = list(zip(scored.labelings, values, scores, strict=True))
            found += [(index, *row) for row in _added_up(rows[:num_kept], symbols)[:nbest]]
    else:
        all_beams = search(matrices, blank=symbols.blank, width=width, nbest=num_kept, max_gap=max_gap)
        for index, beams in enumerate(all_beams):
            values = beams.log_probabilities.tolist()
            rows = list(zip(beams.labelings, values, values, strict=True))
            found += [(index, *row) for row in _added_up(rows, symbols)[:nbest]]
    labelings = [labeling for _, labeling, _, _ in found]
    characters: list[tuple[CharacterSpan, ...]] = [()] * len(found)
    if spans:
        characters = align_labelings([matrices[index] for index, *_ in found], labelings, symbols)
    hypotheses: list[list[Hypothesis]] = [[] for _ in matrices]
    for (index, labeling, value, score), parts in zip(found, characters, strict=True):
        hypotheses[index].append(Hypothesis(symbols.text(labeling.tolist()), value, score, parts))
    return hypotheses


def _added_up(
    rows: list[tuple[NDArray[np.int64], float, float]], symbols: Alphabet
) -> list[tuple[NDArray[np.int64], float, float]]:
    """Labelings, log-probabilities and scores, best first: those that write one text as its best labeling."""
    if not symbols.is_ambiguous:
        return rows
    texts: dict[str, tuple[NDArray[np.int64], float, float]] = {}
    for labeling, value, score in rows:
        text = symbols.text(labeling.tolist())
        best, values, scores = texts.get(text, (labeling, -math.inf, -math.inf))
        texts[text] = (best, float(np.logaddexp(values, value)), float(np.logaddexp(scores, score)))
    return sorted(texts.values(), key=lambda row: -row[2])


def _alphabet_of_all(
    matrices: list[NDArray[np.float64]], alphabet: str | Sequence[str], blank: int
) -> Alphabet:
    num_columns = {matrix.shape[1] for matrix in matrices}
    if len(num_columns) > 1:
        raise ShapeError(f"the lines of a batch have {sorted(num_columns)} columns; all must have the same")
    return Alphabet.of(alphabet, num_columns=num_columns.pop(), blank=blank)
