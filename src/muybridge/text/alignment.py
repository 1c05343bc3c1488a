"""The paths of a text: their summed probability (forward algorithm), the best one (Viterbi), or all of them.

Both algorithms walk over the text with a blank around each character, 2 L + 1 states. From one step to the
next a path stays, moves on by one state, or skips a blank between two different characters. Where symbols of
several code points can write a text in more than one way, the states branch and meet again: one for each
symbol that fits somewhere, one blank for each place between. Source: A. Graves et al., "Connectionist
Temporal Classification", ICML 2006, section 4.1.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError
from muybridge.text.hypothesis import CharacterSpan, spans_of_path
from muybridge.text.lattice import Alphabet, Kind, as_log_probabilities

__all__ = ["align", "align_labelings", "exhaustive_search", "log_probabilities", "log_probability"]

_MAX_PATHS = 2_000_000


def log_probability(
    log_probs: ArrayLike, text: str, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> float:
    """The exact probability that the network writes a text: the sum over all its paths.

    Args:
        log_probs: (T, K) log-probabilities or logits.
        text: the text.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        The natural log, the negative of the CTC loss; −inf where the text needs more than T steps.

    Raises:
        ShapeError: `log_probs` is not (T, K).
        OptionError: a character outside the alphabet, or what `greedy_decode` refuses.

    >>> two_steps = [[0.6, 0.4], [0.6, 0.4]]  # each step: blank 0.6, a 0.4
    >>> round(np.exp(log_probability(two_steps, "a", "a", kind="probabilities")), 2)
    np.float64(0.64)
    """
    return log_probabilities(log_probs, [text], alphabet, blank=blank, kind=kind)[0]


def log_probabilities(
    log_probs: ArrayLike,
    texts: Sequence[str],
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    kind: Kind = "auto",
) -> list[float]:
    """`log_probability` of several texts for one line, in one pass.

    >>> both = log_probabilities([[0.6, 0.4], [0.6, 0.4]], ["a", ""], "a", kind="probabilities")
    >>> [round(float(np.exp(value)), 2) for value in both]
    [0.64, 0.36]
    """
    matrix = as_log_probabilities(log_probs, kind=kind)
    symbols = Alphabet.of(alphabet, num_columns=matrix.shape[1], blank=blank)
    if not texts:
        return []
    states = _States.of(texts, symbols)
    reached = states.reached()
    for row in matrix:
        arrived = reached[:-1]
        for before in states.before[1:]:
            arrived = np.logaddexp(arrived, reached[before])
        reached[:-1] = arrived + row[states.columns]
    return [float(np.logaddexp.reduce(reached[ends])) for ends in states.ends]


def align(
    log_probs: ArrayLike, text: str, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> tuple[CharacterSpan, ...]:
    """Where each character of a text was written: the spans of the text's best path.

    Takes the same arguments as `log_probability`.

    Raises:
        OptionError: the text needs more time steps than there are, or has a character outside the alphabet.

    >>> spans = align([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], "a", "a", kind="probabilities")
    >>> spans[0].start, spans[0].stop
    (1, 2)
    """
    matrix = as_log_probabilities(log_probs, kind=kind)
    symbols = Alphabet.of(alphabet, num_columns=matrix.shape[1], blank=blank)
    # Where there is only one labeling, nothing need be searched.
    columns = _best_labeling(matrix, text, symbols) if symbols.is_ambiguous else symbols.columns(text)
    spans = align_labelings([matrix], [np.array(columns, np.int64)], symbols)[0]
    if len(spans) != len(columns):
        raise OptionError(f"{text!r} cannot be written in {len(matrix)} time steps of this network output")
    return spans


@dataclass(frozen=True, slots=True)
class _States:
    """The places where the paths of some texts may stand, S in all: blanks, and symbols that fit.

    Args:
        columns: (S,) what the network writes there.
        before: (P, S) where a path may have stood one step earlier, first the place itself; S where there are
            fewer than P.
        starts: the first blank of each text.
        ends: where the paths of each text may end.
    """

    columns: NDArray[np.int64]
    before: NDArray[np.int64]
    starts: list[int]
    ends: list[list[int]]

    @classmethod
    def of(cls, texts: Sequence[str], alphabet: Alphabet) -> _States:
        columns: list[int] = []
        before: list[list[int]] = []
        starts: list[int] = []
        ends: list[list[int]] = []
        for text in texts:
            arcs = alphabet.arcs(text)
            places = dict.fromkeys([0, *(stop for _, stop, _ in arcs)])
            blanks = {place: number for number, place in enumerate(places, len(columns))}
            starts.append(len(columns))
            columns += [alphabet.blank] * len(blanks)
            arriving: defaultdict[int, list[int]] = defaultdict(list)  # the symbols that end at a place
            for number, (_, stop, _) in enumerate(arcs, len(columns)):
                arriving[stop].append(number)
            columns += [column for _, _, column in arcs]
            before += [[blank, *arriving[place]] for place, blank in blanks.items()]
            before += [
                [number, blanks[start], *(other for other in arriving[start] if columns[other] != column)]
                for number, (start, _, column) in enumerate(arcs, len(before))
            ]
            ends.append([blanks[len(text)], *arriving[len(text)]])
        padded = itertools.zip_longest(*before, fillvalue=len(columns))
        return cls(np.array(columns), np.array(list(padded)), starts, ends)

    def reached(self) -> NDArray[np.float64]:
        """(S + 1,) natural logs before the first step, when a path stands, so to speak, on the first blank."""
        reached = np.full(len(self.columns) + 1, -np.inf)
        reached[self.starts] = 0.0
        return reached


def _best_labeling(matrix: NDArray[np.float64], text: str, alphabet: Alphabet) -> list[int]:
    """The labeling that the best path of a text has, by the Viterbi algorithm; any where there is no path."""
    states = _States.of([text], alphabet)
    reached = states.reached()
    came_from = np.empty((len(matrix), len(states.columns)), np.int64)
    for step, row in enumerate(matrix):
        best = reached[states.before].argmax(axis=0)
        came_from[step] = states.before[best, np.arange(len(best))]
        reached[:-1] = reached[came_from[step]] + row[states.columns]
    path = [max(states.ends[0], key=lambda end: float(reached[end]))]
    if reached[path[0]] == -np.inf:
        return alphabet.columns(text)
    for step in range(len(matrix) - 1, 0, -1):
        path.append(int(came_from[step, path[-1]]))
    columns = [int(states.columns[state]) for state, _ in itertools.groupby(reversed(path))]
    return [column for column in columns if column != alphabet.blank]


def align_labelings(
    lines: Sequence[NDArray[np.float64]], labelings: Sequence[NDArray[np.int64]], alphabet: Alphabet
) -> list[tuple[CharacterSpan, ...]]:
    """The spans of labelings, each on its own line of normalized log-probabilities, in one pass.

    Args:
        lines: N matrices (Tᵢ, K).
        labelings: N labelings (Lᵢ,) of columns.
        alphabet: the symbols of the columns.

    Returns:
        The spans of each labeling; empty where no path writes it.
    """
    if not lines:
        return []
    lengths = np.array([len(line) for line in lines])
    states, can_skip, last = _states(labelings, alphabet.blank)
    num_lines, num_states = states.shape
    num_steps = int(lengths.max())
    emissions = np.full((num_steps, num_lines, num_states), -np.inf)
    for index, line in enumerate(lines):
        emissions[: len(line), index] = line[:, states[index]]
    # Two impossible states in front spare the special cases of the first and the second.
    best = np.full((num_steps + 1, num_lines, num_states + 2), -np.inf)
    best[0, :, 2] = 0.0
    forbidden = np.where(can_skip, 0.0, -np.inf)
    for step in range(num_steps):
        before, after = best[step], best[step + 1, :, 2:]
        np.add(before[:, :-2], forbidden, out=after)
        np.maximum(after, before[:, 1:-1], out=after)
        np.maximum(after, before[:, 2:], out=after)
        after += emissions[step]
    found: list[tuple[CharacterSpan, ...]] = []
    for index, labeling in enumerate(labelings):
        rows = best[: lengths[index] + 1, index]
        at = int(last[index])
        if at and rows[-1, at + 1] > rows[-1, at + 2]:
            at -= 1
        if rows[-1, at + 2] == -np.inf:
            found.append(())
            continue
        path = np.empty(lengths[index], np.int64)
        skips = can_skip[index].tolist()
        for step in range(len(path) - 1, -1, -1):
            path[step] = at
            skip, move, stay = rows[step, at : at + 3].tolist()
            if skips[at] and skip > max(move, stay):
                at -= 2
            elif move > stay:
                at -= 1
        steps = np.arange(len(path))
        symbols = {2 * place + 1: alphabet.symbols[column] for place, column in enumerate(labeling.tolist())}
        found.append(spans_of_path(path, np.exp(lines[index][steps, states[index, path]]), symbols))
    return found


def _states(
    labelings: Sequence[Sequence[int] | NDArray[np.int64]], blank: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Each labeling's columns with blanks around (N, S), where a skip may end, and each one's last state."""
    longest = max(map(len, labelings))
    states = np.full((len(labelings), 2 * longest + 1), blank)
    for index, labeling in enumerate(labelings):
        states[index, 1 : 2 * len(labeling) : 2] = labeling
    can_skip = np.zeros(states.shape, bool)
    can_skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    return states, can_skip, np.array([2 * len(labeling) for labeling in labelings])


def exhaustive_search(
    log_probs: ArrayLike, alphabet: str | Sequence[str], *, blank: int = 0, kind: Kind = "auto"
) -> dict[str, float]:
    """The log-probability of every text that a tiny lattice can write, by going through all K ** T paths.

    The oracle of the tests, and a way to see what CTC means. Takes the same arguments as `greedy_decode`.

    Returns:
        Each text and its natural log-probability, the likeliest first.

    Raises:
        OptionError: more than two million paths.

    >>> texts = exhaustive_search([[0.6, 0.4], [0.6, 0.4]], "a", kind="probabilities")
    >>> {text: round(float(np.exp(value)), 2) for text, value in texts.items()}
    {'a': 0.64, '': 0.36}
    """
    matrix = as_log_probabilities(log_probs, kind=kind)
    symbols = Alphabet.of(alphabet, num_columns=matrix.shape[1], blank=blank)
    num_steps, num_columns = matrix.shape
    if num_columns**num_steps > _MAX_PATHS:
        raise OptionError(
            f"{num_columns} columns over {num_steps} steps make {num_columns}**{num_steps} paths; "
            f"at most {_MAX_PATHS} are gone through: use beam_search"
        )
    probabilities: dict[str, float] = {}
    for path in itertools.product(range(num_columns), repeat=num_steps):
        text = symbols.text([column for column, _ in itertools.groupby(path)])
        probabilities[text] = probabilities.get(text, 0.0) + float(
            np.exp(sum(matrix[step, column] for step, column in enumerate(path)))
        )
    with np.errstate(divide="ignore"):
        ranked = sorted(probabilities.items(), key=lambda item: -item[1])
        return {text: float(np.log(probability)) for text, probability in ranked}
