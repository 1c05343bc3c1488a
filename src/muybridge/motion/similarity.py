"""The similarity that most points agree on: a consensus, then a fit that outliers do not pull.

Consensus over pairs of points (RANSAC with the truncated cost MSAC: Fischler and Bolles, CACM 1981; Torr and
Zisserman, CVIU 2000), among them rest and what is expected, then iteratively re-weighted least squares with
Geman–McClure weights in closed form (Umeyama, PAMI 1991). It runs for every pair of frames of a video, so all
hypotheses are scored by one matrix product, and a fit needs eight sums.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Similarity", "agree", "of_matrix", "refit", "squared_error", "to_matrix"]

_NUM_HYPOTHESES = 48
_MAX_SCORING_POINTS = 160
_CLEAR_SHARE = 0.8
"""Where a known motion explains this much already, no other is sought."""
_STATIC_BONUS = 1.2
"""By this factor a large object may explain more of the picture than the rest that is believed."""

_LEAST_TRUST = 1e-6
"""Where all points together are trusted less, none agrees, and a fit would divide by it."""

Similarity = tuple[float, float, float, float]
"""(p, q, u, v): x moves by p·x − q·y + u and y by q·x + p·y + v; p + 1 + iq is its scale and turn."""


def agree(
    points: NDArray[np.float64],
    shift: NDArray[np.float64],
    trust: NDArray[np.float64],
    tolerance: NDArray[np.float64],
    *,
    expected: Similarity | None,
    size_px: float,
) -> Similarity:
    """The similarity that most of the trusted points agree on, then fitted to those.

    Args:
        points: (2, N) float64, x and y in pixels.
        shift: (2, N) float64, by how far each has moved.
        trust: (N,) float64, how far to trust each.
        tolerance: (N,) float64, by how many pixels a point may err.
        expected: a motion that is likely, such as that of the pair before.
        size_px: of the picture; near points are no base for a scale.
    """
    best = _consensus(points, shift, trust, tolerance, expected, size_px)
    return refit(best, points, shift, trust, tolerance)


def refit(
    similarity: Similarity,
    points: NDArray[np.float64],
    shift: NDArray[np.float64],
    trust: NDArray[np.float64],
    tolerance: NDArray[np.float64],
) -> Similarity:
    """Re-weighted least squares from a similarity that most points agree on already; arguments as of `agree`."""
    terms = _terms(points, shift)
    for _ in range(3):
        squared = squared_error(similarity, points, shift) / tolerance**2
        sums = terms @ (trust / (1 + squared) ** 2 * (squared < 9))
        if sums[0] < _LEAST_TRUST:
            break
        similarity = _fit(sums)
    return similarity


def _consensus(
    points: NDArray[np.float64],
    shift: NDArray[np.float64],
    trust: NDArray[np.float64],
    tolerance: NDArray[np.float64],
    expected: Similarity | None,
    size_px: float,
) -> Similarity:
    some = slice(None, None, max(1, trust.size // _MAX_SCORING_POINTS))
    trust_some, allowed = trust[some], 4 * tolerance[some] ** 2
    (x, y), (dx, dy) = points[:, some], shift[:, some]
    zero, one = np.zeros_like(x), np.ones_like(x)
    along_x, along_y = np.stack([x, -y, one, zero]), np.stack([y, x, zero, one])

    def score(motions: NDArray[np.float64]) -> NDArray[np.float64]:
        off_x, off_y = motions @ along_x, motions @ along_y
        off_x -= dx
        off_y -= dy
        off_x *= off_x
        off_y *= off_y
        off_x += off_y
        off_x /= allowed
        return np.asarray(np.maximum(1 - off_x, 0) @ trust_some)

    known: list[Similarity] = [(0.0, 0.0, 0.0, 0.0), (0.0, 0.0, _median(shift[0]), _median(shift[1]))]
    if expected is not None:
        known.append(expected)
    known_score = score(np.array(known))
    best = int(known_score.argmax())
    if known_score[best] < _CLEAR_SHARE * np.add.reduce(trust_some):
        motions = _pairs(points, shift, trust, size_px)
        sought_score = score(motions)
        sought = int(sought_score.argmax())
        known_score[0] *= _STATIC_BONUS
        best = int(known_score.argmax())
        if sought_score[sought] > known_score[best]:
            p, q, u, v = motions[sought].tolist()
            return p, q, u, v
    return known[best]


def _median(values: NDArray[np.float64]) -> float:
    """As NumPy's, which takes five times as long on a few hundred values."""
    middle = (values.size - 1) // 2, values.size // 2
    ordered = np.partition(values, middle)
    return 0.5 * float(ordered[middle[0]] + ordered[middle[1]])


def _pairs(
    points: NDArray[np.float64], shift: NDArray[np.float64], trust: NDArray[np.float64], size_px: float
) -> NDArray[np.float64]:
    """The similarities of pairs of well trusted points: (48, 4)."""
    # A fixed sequence of far-spread places instead of a random one: there is no state to keep.
    chosen = np.argsort(-trust, kind="stable")[: max(32, trust.size // 2)]
    spread = np.arange(_NUM_HYPOTHESES)
    first = chosen[(spread * 7919 + 13) % chosen.size]
    second = chosen[(spread * 104729 + 71 + spread // 3) % chosen.size]
    z, d = points[0] + 1j * points[1], shift[0] + 1j * shift[1]
    span = z[second] - z[first]
    far = np.abs(span) > 0.15 * size_px
    grows = np.where(far, (d[second] - d[first]) / np.where(far, span, 1.0), 0.0)
    # A scale or turn beyond these is a wrong match, not a camera.
    grows = np.where(np.abs(grows) < 0.35, grows, 0.0)
    moves = d[first] - grows * z[first]
    return np.stack([grows.real, grows.imag, moves.real, moves.imag], axis=1)


def _terms(points: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the weighted least squares of a similarity add up over the points: (8, N)."""
    (x, y), (dx, dy) = points, shift
    return np.array([np.ones_like(x), x, y, dx, dy, x * x + y * y, x * dx + y * dy, x * dy - y * dx])


def _fit(sums: NDArray[np.float64]) -> Similarity:
    """Weighted least squares, from the weighted sums of `_terms`."""
    total, x, y, dx, dy, square, along, across = sums.tolist()
    x, y, dx, dy = x / total, y / total, dx / total, dy / total
    spread = max(square / total - x * x - y * y, 1e-9 / total)
    p = (along / total - x * dx - y * dy) / spread
    q = (across / total - x * dy + y * dx) / spread
    return p, q, dx - p * x + q * y, dy - q * x - p * y


def squared_error(
    similarity: Similarity, points: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(N,) squared distances in pixels between where the points went and where the similarity puts them."""
    (x, y), (dx, dy), (p, q, u, v) = points, shift, similarity
    off_x, off_y = p * x - q * y + (u - dx), q * x + p * y + (v - dy)
    return np.asarray(off_x * off_x + off_y * off_y)


def to_matrix(similarity: Similarity) -> NDArray[np.float64]:
    """The (3, 3) matrix that maps (x, y, 1) to where it goes.

    >>> to_matrix((0.5, 0.25, 3.0, 0.0)).tolist()
    [[1.5, -0.25, 3.0], [0.25, 1.5, 0.0], [0.0, 0.0, 1.0]]
    """
    p, q, u, v = similarity
    return np.array([[1 + p, -q, u], [q, 1 + p, v], [0.0, 0.0, 1.0]])


def of_matrix(matrix: NDArray[np.float64]) -> Similarity:
    """The inverse of `to_matrix`."""
    return float(matrix[0, 0]) - 1, float(matrix[1, 0]), float(matrix[0, 2]), float(matrix[1, 2])
