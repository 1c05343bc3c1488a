"""Prefix beam search over a batch of lines, as one NumPy program that looks only where a winner can be.

Of the width × (K − 1) extensions of a step, few can be among the best `width`. With the prefixes and the
characters both in falling order, the extension of prefix i by character j (0-based) is beaten by those of
the prefixes 0…i by the characters 0…j, save at most one for each prefix, its own last character, which is
worth less when repeated. So at least (i + 1) · j − 1 others are at least as good, and only pairs with (i +
1) · j ≤ width need a look: 112 of 1,975 for a width of 25 and 79 characters. An extension that equals a kept
prefix only adds to it, so it holds a place as well. This prunes nothing that could have stayed.

Equal labelings are found by 64-bit polynomial hashes of their columns. Source of the search: A. Hannun et al.,
"First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs", 2014.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Beams", "search"]

_MULTIPLIER = 0x1E3779B97F4A7C15
_EMPTY = 0x2545F4914F6CDD1D  # the hash of the empty labeling
_NO_PARENT = 0


@dataclass(frozen=True, slots=True, eq=False)
class Beams:
    """The best labelings of one line, best first.

    Args:
        labelings: for each labeling its columns (L,).
        log_probabilities: (N,) natural log of the paths that the beam kept of each.
    """

    labelings: list[NDArray[np.int64]]
    log_probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Which (prefix, rank of character) pairs are looked at, flattened behind the `width` kept prefixes."""

    prefix: NDArray[np.int64]  # (G,)
    rank: NDArray[np.int64]  # (G,)
    source: NDArray[np.int64]  # (width + G,) the prefix that a candidate comes from
    slot: NDArray[np.int64]  # (width + 1, ranks + 1) the candidate of a pair; the last one is a dump

    @classmethod
    def of(cls, width: int, num_ranks: int) -> _Grid:
        prefixes, ranks = np.meshgrid(np.arange(width), np.arange(num_ranks), indexing="ij")
        needed = (prefixes + 1) * ranks <= width
        prefix, rank = prefixes[needed], ranks[needed]
        slot = np.full((width + 1, num_ranks + 1), width + len(prefix))
        slot[prefix, rank] = width + np.arange(len(prefix))
        return cls(prefix, rank, np.concatenate([np.arange(width), prefix]), slot)


def search(
    lines: Sequence[NDArray[np.float64]],
    *,
    blank: int,
    width: int,
    nbest: int,
    max_gap: float = np.inf,
) -> list[Beams]:
    """Find the best labelings of each line.

    Args:
        lines: B matrices (Tᵢ, K) of normalized natural log-probabilities.
        blank: the blank's column, 0 ≤ blank < K.
        width: how many labelings are kept at each step.
        nbest: how many are given back, at most `width`.
        max_gap: labelings whose log-probability falls this far below the step's best are dropped.

    Returns:
        One `Beams` for each line, in the order of the lines.
    """
    if lines and lines[0].shape[1] == 1:  # nothing but a blank
        return [Beams([np.zeros(0, np.int64)], np.zeros(1)) for _ in lines]
    found: list[Beams | None] = [None] * len(lines)
    order = sorted(range(len(lines)), key=lambda line: -len(lines[line]))
    start = 0
    while start < len(order):
        # Lines of a group march together; the padded group stays within about 64 MB.
        longest, num_columns = lines[order[start]].shape
        size = max(1, min(256, 2**22 // max(1, longest * num_columns)))
        group = order[start : start + size]
        all_beams = _search_group([lines[index] for index in group], blank, width, nbest, max_gap)
        for line, beams in zip(group, all_beams, strict=True):
            found[line] = beams
        start += size
    return [beams for beams in found if beams is not None]


def _search_group(
    lines: list[NDArray[np.float64]], blank: int, width: int, nbest: int, max_gap: float
) -> list[Beams]:
    """`search` for lines that are sorted from the longest to the shortest."""
    lengths = np.array([len(line) for line in lines])
    num_lines, num_steps, num_columns = len(lines), int(lengths[0]), lines[0].shape[1]
    scores = np.zeros((num_steps, num_lines, num_columns))
    for index, line in enumerate(lines):
        scores[: len(line), index] = line
    best, ranks = _ranked(scores, blank, min(num_columns - 1, width + 1))
    grid = _Grid.of(width, best.shape[2])
    columns = best[:, :, grid.rank]
    grown = np.take_along_axis(scores, columns, axis=2)
    grown[columns == blank] = -np.inf
    blanks = np.repeat(scores[:, :, blank, None], width, axis=2)
    state = _State(num_lines, width, blank, num_columns, grid)
    totals = np.full((num_lines, width), -np.inf)
    sources = np.tile(np.arange(width), (num_steps, num_lines, 1))
    emitted = np.full((num_steps, num_lines, width), -1)
    num_active = [int((lengths > step).sum()) for step in range(num_steps)]
    for step, n in enumerate(num_active):
        if n < state.num_lines:
            totals[n : state.num_lines] = state.total[n:]
            state = state.shrunk(n)
        state.stay(scores[step], blanks[step, :n])
        if max_gap == np.inf and state.nothing_can_grow(grown[step, :n]):
            state.keep_all()
            continue
        if not state.is_sorted:
            sources[step - 1, :n] = state.sort()  # the step before kept all, so its place is free
            state.stay(scores[step], blanks[step, :n])
        chosen = state.grow(ranks[step], grown[step, :n])
        state.keep(chosen, columns[step], max_gap, sources[step, :n], emitted[step, :n])
    if not state.is_sorted:
        sources[-1, : state.num_lines] = state.sort()
    totals[: state.num_lines] = state.total
    return _backtrack(sources, emitted, totals[:, :nbest])


def _ranked(
    scores: NDArray[np.float64], blank: int, num_ranks: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The `num_ranks` best columns of each step, blank left out, and the rank of every column (T, B, K)."""
    num_columns = scores.shape[2]
    masked = scores.copy()
    masked[:, :, blank] = -np.inf
    few = np.broadcast_to(np.arange(num_columns), scores.shape)
    if num_columns > 4 * (num_ranks + 1):
        few = np.argpartition(masked, num_columns - num_ranks, axis=2)[:, :, num_columns - num_ranks :]
    order = np.argsort(np.take_along_axis(masked, few, axis=2), axis=2)[:, :, ::-1]
    best = np.take_along_axis(few, order, axis=2)[:, :, :num_ranks]
    ranks = np.full(scores.shape, num_ranks)
    np.put_along_axis(ranks, best, np.arange(num_ranks), axis=2)
    ranks[:, :, blank] = num_ranks  # it may stand among characters that are as impossible
    return best, ranks


class _State:
    """The kept labelings of n lines: arrays are (n, width), each line's in falling order of probability.

    A step of a single line costs as many NumPy calls as it makes, whatever their size. Hence the packed
    arrays, of which one `take` fetches several fields, the offsets written out at full size (broadcasting
    one line costs more than adding it), and the short way out of steps in which nothing new can come up.
    """

    def __init__(self, num_lines: int, width: int, blank: int, num_columns: int, grid: _Grid) -> None:
        self.num_columns, self.grid = num_columns, grid
        self._allocate(num_lines, width)
        self.total[:, 0] = self.ends_blank[:, 0] = 0.0
        self.ends_last = np.full((num_lines, width), -np.inf)
        # The last column; the hash; the hash of the parent (all but the last column); and which of the
        # parent's paths may step here, as an offset into `paths`: all of them, or where the last two columns
        # are the same, those that end in the blank.
        fields = (blank, _EMPTY, _NO_PARENT, 0)
        self.labels = np.stack([np.full((num_lines, width), value, np.int64) for value in fields])
        self._find_parents()

    def _allocate(self, num_lines: int, width: int) -> None:
        self.num_lines, self.width, self.is_sorted = num_lines, width, True
        size = num_lines * width
        self.paths = np.full(2 * size + 1, -np.inf)  # all; those that end in the blank; none
        self.total = self.paths[:size].reshape(num_lines, width)
        self.ends_blank = self.paths[size:-1].reshape(num_lines, width)
        self.grown_labels = np.empty((4, num_lines, width), np.int64)
        self.widths = np.full((num_lines, width), width)
        self.next = np.empty((2, num_lines, width))  # ends_blank and ends_last after the step
        num_pairs = len(self.grid.prefix)
        self.candidates = np.full((num_lines, width + num_pairs + 1), -np.inf)
        self.same_hash = np.ones((num_lines, width, width + 1), bool)
        rows = np.repeat(np.arange(num_lines)[:, None], width, axis=1)
        self.row_columns = rows * self.num_columns
        self.row_paths = rows * width
        self.row_candidates = rows * self.candidates.shape[1]
        self.row_pairs = rows * num_pairs - width
        self.field_rows = np.arange(4)[:, None, None] * size + rows * width
        self.row_slots = 0 * rows + np.arange(width) * self.grid.slot.shape[1]
        self.parent_slots = np.arange(width + 1) * self.grid.slot.shape[1]

    def shrunk(self, num_lines: int) -> _State:
        """The state of the first lines alone."""
        state = object.__new__(_State)
        state.num_columns, state.grid = self.num_columns, self.grid
        state._allocate(num_lines, self.width)
        state.total[:], state.ends_blank[:] = self.total[:num_lines], self.ends_blank[:num_lines]
        state.ends_last = self.ends_last[:num_lines].copy()
        state.labels = self.labels[:, :num_lines].copy()
        state.labels[3] = np.where(state.labels[3] > 0, state.total.size, 0)  # where ends_blank begins now
        state.is_sorted = self.is_sorted
        state._find_parents()
        return state

    def _find_parents(self) -> None:
        """Where each labeling's parent is kept, if it is."""
        last, hashes, parent_hashes, from_parent = self.labels
        self.last_index = last + self.row_columns
        np.equal(parent_hashes[:, :, None], hashes[:, None, :], out=self.same_hash[:, :, : self.width])
        self.parent = self.same_hash.argmax(axis=2)  # `width` where it is not kept
        self.parent_paths = self.parent + from_parent
        self.parent_paths += self.row_paths
        np.copyto(self.parent_paths, self.paths.size - 1, where=self.parent == self.width)

    def stay(self, scores: NDArray[np.float64], blanks: NDArray[np.float64]) -> None:
        """Score the labelings that stay: by the blank, by their last column again, by their parent's growth.

        Args:
            scores: (B, K) log-probabilities.
            blanks: (n, width) those of the blank, repeated.
        """
        self.last_score = scores.take(self.last_index)
        ends_blank, ends_last = self.next
        np.add(self.total, blanks, out=ends_blank)
        np.logaddexp(self.ends_last, self.paths.take(self.parent_paths), out=ends_last)
        ends_last += self.last_score
        np.logaddexp(ends_blank, ends_last, out=self.candidates[:, : self.width])

    def nothing_can_grow(self, grown: NDArray[np.float64]) -> bool:
        """Whether no growth reaches the least of those that stay; asked of few lines, where it is common."""
        if self.num_lines > 2:
            return False
        least = self.candidates[:, : self.width].min(axis=1)
        return bool((least >= self.total.max(axis=1) + grown[:, 0]).all())

    def keep_all(self) -> None:
        """End a step in which nothing grows."""
        self.total[:] = self.candidates[:, : self.width]
        self.ends_blank[:], self.ends_last[:] = self.next
        self.is_sorted = False

    def sort(self) -> NDArray[np.int64]:
        """Put the labelings in falling order again, and say where each was, (n, width)."""
        order: NDArray[np.int64] = self.total.argsort(axis=1)[:, ::-1]
        at = order + self.field_rows
        self.labels = self.labels.take(at)
        self.ends_last = self.ends_last.take(at[0])
        self.paths[:-1] = self.paths.take(at[:2]).reshape(-1)
        self.is_sorted = True
        self._find_parents()
        return order

    def grow(self, ranks: NDArray[np.int64], grown: NDArray[np.float64]) -> NDArray[np.int64]:
        """Score the growth at the pairs where a winner can be, and choose among all candidates.

        Args:
            ranks: (B, K) the rank of each column.
            grown: (n, G) the log-probability of the column of each pair of the grid.

        Returns:
            (n, width) the best candidates, best first.
        """
        width, slot = self.width, self.grid.slot
        np.add(self.total.take(self.grid.prefix, axis=1), grown, out=self.candidates[:, width:-1])
        flat, rank = self.candidates.reshape(-1), ranks.take(self.last_index)
        repeated = slot.take(self.row_slots + rank)
        flat[repeated + self.row_candidates] = self.ends_blank + self.last_score
        kept_already = slot.take(self.parent_slots.take(self.parent) + rank)
        flat[kept_already + self.row_candidates] = -np.inf
        chosen: NDArray[np.int64] = self.candidates[:, :-1].argsort(axis=1)[:, : -width - 1 : -1]
        return chosen

    def keep(
        self,
        chosen: NDArray[np.int64],
        columns: NDArray[np.int64],
        max_gap: float,
        sources: NDArray[np.int64],
        emitted: NDArray[np.int64],
    ) -> None:
        """Make the chosen candidates (n, width) the kept labelings.

        Args:
            chosen: as `grow` gives them.
            columns: (B, G) the column of each pair of the grid.
            max_gap: as in `search`.
            sources: (n, width) is filled with the place that each kept labeling comes from.
            emitted: (n, width) is filled with the columns that they grew by; −1 stays where there is none.
        """
        total = self.candidates.take(chosen + self.row_candidates)
        if max_gap < np.inf:
            total[total < total[:, :1] - max_gap] = -np.inf
        self.grid.source.take(chosen, out=sources, mode="clip")
        at = sources + self.field_rows
        self.labels = labels = self.labels.take(at)
        ends_blank, self.ends_last = self.next.take(at[:2])
        grows = np.greater_equal(chosen, self.widths)
        column, hashes, parent_hashes, from_parent = self.grown_labels
        columns.take(chosen + self.row_pairs, out=column, mode="clip")
        np.copyto(emitted, column, where=grows)
        parent_hashes[:] = labels[1]
        np.multiply(parent_hashes, _MULTIPLIER, out=hashes)
        hashes += column
        np.multiply(np.equal(column, labels[0]), total.size, out=from_parent)
        np.copyto(labels, self.grown_labels, where=grows)
        np.copyto(ends_blank, -np.inf, where=grows)
        np.copyto(self.ends_last, total, where=grows)
        # What has no path left must not be woken by its parent: it may double a labeling that is kept.
        gone = total == -np.inf
        np.copyto(labels[2], _NO_PARENT, where=gone)
        if max_gap < np.inf:
            np.copyto(ends_blank, -np.inf, where=gone)
            np.copyto(self.ends_last, -np.inf, where=gone)
        self.total[:], self.ends_blank[:] = total, ends_blank
        self._find_parents()


def _backtrack(
    sources: NDArray[np.int64], emitted: NDArray[np.int64], totals: NDArray[np.float64]
) -> list[Beams]:
    """Follow the kept labelings (B, N) back to the start; `sources` and `emitted` are (T, B, width)."""
    num_steps, num_lines, width = sources.shape
    nbest = totals.shape[1]
    written = np.empty((num_steps, num_lines, nbest), np.int64)
    row = np.repeat(np.arange(num_lines)[:, None] * width, nbest, axis=1)
    at = row + np.arange(nbest)
    for step in range(num_steps - 1, -1, -1):
        emitted[step].take(at, out=written[step], mode="clip")
        at = sources[step].take(at) + row
    found = []
    for line in range(num_lines):
        num_found = int((totals[line] > -np.inf).sum())
        columns = written[:, line, :num_found].T
        found.append(Beams([row[row >= 0] for row in columns], totals[line, :num_found].copy()))
    return found
