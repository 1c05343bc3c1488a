"""Several looks at one line: what to make of them together, before anything is decoded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from muybridge.errors import OptionError, ShapeError
from muybridge.text.alignment import log_probabilities
from muybridge.text.beam import search
from muybridge.text.hypothesis import Hypothesis
from muybridge.text.lattice import Alphabet, Kind, as_log_probabilities

__all__ = ["add_evidence", "read_together"]


def add_evidence(
    looks: Sequence[ArrayLike] | NDArray[np.floating],
    *,
    weights: Sequence[float] | None = None,
    floor: float = 1e-4,
    kind: Kind = "auto",
) -> NDArray[np.float64]:
    """Add up the log-probabilities of several looks at one line, step by step.

    Right where the looks agree on the time axis: the same crop of several frames, scaled to the same width.
    A blurred look, whose rows are flat, adds next to nothing. Where crops differ in width, use
    `read_together`.

    Args:
        looks: N matrices (T, K) of one shape: log-probabilities or logits.
        weights: how much each look counts; 1 by default.
        floor: the share of equal chances that is mixed into every row first, so that no look can veto.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        (T, K) normalized log-probabilities, to be decoded like any others.

    Raises:
        ShapeError: no look, or looks of different shapes.
        OptionError: weights of another number or below 0, a floor outside [0, 1), or values that are not
            what `kind` says.

    >>> clear, blurred = [[0.1, 0.9]], [[0.6, 0.4]]
    >>> np.exp(add_evidence([clear, blurred], kind="probabilities")).round(2).tolist()
    [[0.14, 0.86]]
    """
    matrices = [as_log_probabilities(look, kind=kind) for look in looks]
    shapes = {matrix.shape for matrix in matrices}
    if len(shapes) != 1:
        raise ShapeError(
            f"looks of the shapes {sorted(shapes)} cannot be added step by step; give the crops one width, "
            "or use read_together"
        )
    if not 0 <= floor < 1:
        raise OptionError(f"floor={floor} must lie in [0, 1)")
    factors = np.ones(len(matrices)) if weights is None else np.asarray(weights, dtype=np.float64)
    if factors.shape != (len(matrices),) or not (factors >= 0).all() or not factors.any():
        raise OptionError(f"weights={weights} must be {len(matrices)} numbers of 0 or more, not all 0")
    stacked = np.stack(matrices)
    if floor:
        stacked = np.logaddexp(stacked + np.log1p(-floor), np.log(floor / stacked.shape[2]))
    stacked[factors == 0] = 0.0  # 0 × −inf is not 0
    return as_log_probabilities(np.einsum("n,ntk->tk", factors, stacked), kind="logits")


def read_together(
    looks: Sequence[ArrayLike] | NDArray[np.floating],
    alphabet: str | Sequence[str],
    *,
    blank: int = 0,
    width: int = 25,
    nbest: int = 5,
    kind: Kind = "auto",
) -> list[Hypothesis]:
    """Read one line from several looks, of any lengths: the text that is likeliest in all of them together.

    Every look proposes its best texts, and every text is scored by the sum of its exact log-probabilities in
    all looks (each over all labelings that write it), which takes them as independent.

    Args:
        looks: N matrices (Tᵢ, K): log-probabilities or logits.
        alphabet: the K − 1 characters in the order of the columns, the blank left out.
        blank: the blank's column; −1 for the last.
        width: how many labelings the beam keeps in each look.
        nbest: how many texts each look proposes.
        kind: what the values are; probabilities need `kind="probabilities"`.

    Returns:
        The proposed texts, best first, without spans; `log_probability` is the sum over the looks.

    Raises:
        ShapeError: no look, or looks of different alphabets.
        OptionError: as `beam_search`.

    >>> looks = [[[0.1, 0.8, 0.1]], [[0.1, 0.4, 0.5]]]
    >>> [reading.text for reading in read_together(looks, "ab", kind="probabilities", nbest=1)]
    ['a', 'b']
    """
    matrices = [as_log_probabilities(look, kind=kind) for look in looks]
    num_columns = {matrix.shape[1] for matrix in matrices}
    if len(num_columns) != 1:
        raise ShapeError(f"looks with {sorted(num_columns)} columns cannot be read together")
    symbols = Alphabet.of(alphabet, num_columns=num_columns.pop(), blank=blank)
    if not 1 <= nbest <= width:
        raise OptionError(f"nbest={nbest} must lie between 1 and the width, {width}")
    num_kept = width if symbols.is_ambiguous else nbest
    texts: dict[str, None] = {}  # each once, in the order in which they are proposed
    for beams in search(matrices, blank=symbols.blank, width=width, nbest=num_kept):
        proposals = dict.fromkeys(symbols.text(columns.tolist()) for columns in beams.labelings)
        texts |= dict.fromkeys(list(proposals)[:nbest])
    proposed = list(texts)
    totals = np.sum(
        [log_probabilities(matrix, proposed, alphabet, blank=blank, kind="logits") for matrix in matrices],
        axis=0,
    )
    ranked = np.argsort(-totals, kind="stable").tolist()
    return [Hypothesis(proposed[i], float(totals[i]), float(totals[i])) for i in ranked]
