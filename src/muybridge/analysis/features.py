"""From features of every moment to one vector for a clip, and how alike two clips are.

A network gives features (C, T, H, W). To compare clips, time must go; how it goes decides what is compared:

    avg        every moment counts the same: noise cancels out, a short event is thinned
    max        the strongest answer at each place: a short event stays whole, and so does the loudest noise
    attention  a weighted mean, weights by a softmax over the moments' scores: with a random query it picks
               moments by chance, with a learned one those that matter

`compare_poolings` measures which of them tells similar pairs from different ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from muybridge.errors import OptionError, ShapeError, UnknownNameError

__all__ = [
    "PoolingComparison",
    "PoolingRow",
    "attention_weights",
    "clip_similarity",
    "compare_poolings",
    "learn_query",
    "synthetic_pairs",
    "temporal_pooling",
]

Array = TypeVar("Array", NDArray[Any], Tensor)
Pair = tuple[Tensor, Tensor]
_METHODS = ("avg", "max", "attention")


def temporal_pooling(
    features: Array, method: str = "avg", *, query: Tensor | NDArray[Any] | None = None, seed: int = 0
) -> Array:
    """Pool a clip's features over time.

    Args:
        features: (C, T, H, W).
        method: `"avg"`, `"max"` or `"attention"`.
        query: (C,), what attention looks for, as `learn_query` finds it; None for a random one.
        seed: of the random query.

    Returns:
        (C, H, W), of the kind that came in.

    Raises:
        ShapeError: features of another shape.
        UnknownNameError: an unknown method.

    >>> features = np.array([1.0, 2.0, 6.0]).reshape(1, 3, 1, 1)
    >>> temporal_pooling(features, "avg").item(), temporal_pooling(features, "max").item()
    (3.0, 6.0)
    """
    tensor = _checked(features)
    if method == "avg":
        pooled = tensor.mean(dim=1)
    elif method == "max":
        pooled = tensor.amax(dim=1)
    elif method == "attention":
        weights = attention_weights(tensor, query=query, seed=seed)
        pooled = torch.einsum("cthw,t->chw", tensor, weights)
    else:
        raise UnknownNameError("pooling", method, _METHODS)
    return pooled if isinstance(features, Tensor) else pooled.numpy()


def attention_weights(
    features: Tensor | NDArray[Any], *, query: Tensor | NDArray[Any] | None = None, seed: int = 0
) -> Tensor:
    """How much each moment counts: softmax over t of query · mean(features at t) / √C.

    Args:
        features: (C, T, H, W).
        query: (C,); None for a random one, normally distributed.
        seed: of the random query.

    Returns:
        (T,), positive, of sum 1.

    Raises:
        ShapeError: features or a query of another shape.

    >>> features = np.array([0.0, math.log(3.0)]).reshape(1, 2, 1, 1)
    >>> attention_weights(features, query=np.ones(1)).tolist()
    [0.25, 0.75]
    """
    tensor = _checked(features)
    channels = tensor.shape[0]
    if query is None:
        query = torch.randn(channels, generator=torch.Generator().manual_seed(seed))
    query = torch.as_tensor(query).to(tensor)
    if query.shape != (channels,):
        raise ShapeError(
            f"query is {tuple(query.shape)}; the features have {channels} channels: ({channels},)"
        )
    return (query @ tensor.mean(dim=(2, 3)) / math.sqrt(channels)).softmax(dim=0)


def clip_similarity(a: Tensor | NDArray[Any], b: Tensor | NDArray[Any]) -> float:
    """The cosine of the angle between two clips' features: 1 the same direction, 0 nothing in common.

    Args:
        a: features of any shape.
        b: features of the same shape.

    Returns:
        In [-1, 1]; 0.0 where one of them is all zeros.

    Raises:
        ShapeError: two shapes.
        OptionError: NaN or infinite values.

    >>> clip_similarity(np.array([1.0, 0.0]), np.array([3.0, 4.0]))
    0.6
    """
    first, second = (torch.as_tensor(x).detach().double().flatten() for x in (a, b))
    if tuple(a.shape) != tuple(b.shape):
        raise ShapeError(f"features of {tuple(a.shape)} and of {tuple(b.shape)}; both must have one shape")
    if not (first.isfinite().all() and second.isfinite().all()):
        raise OptionError("the features have NaN or infinite values, so no similarity")
    norms = float(first.norm() * second.norm())
    return max(-1.0, min(1.0, float(first @ second) / norms)) if norms > 0 else 0.0


def learn_query(similar: Sequence[Pair], different: Sequence[Pair], *, num_steps: int = 60) -> Tensor:
    """Learn the query by which attention tells similar pairs from different ones.

    Args:
        similar: pairs of features (C, T, H, W) that belong together.
        different: pairs that do not.
        num_steps: of gradient descent (Adam); it starts from zeros, where all moments count the same.

    Returns:
        (C,).
    """
    query = torch.zeros(similar[0][0].shape[0], requires_grad=True)
    optimizer = torch.optim.Adam([query], lr=0.1)
    stacks = [
        torch.stack([pair[side] for pair in pairs]) for pairs in (similar, different) for side in (0, 1)
    ]
    means = [stack.mean(dim=(3, 4)) for stack in stacks]

    def pooled(stack: Tensor, mean: Tensor) -> Tensor:
        scores = torch.einsum("c,pct->pt", query, mean) / math.sqrt(len(query))
        return torch.einsum("pcthw,pt->pchw", stack, scores.softmax(dim=1)).flatten(1)

    for _ in range(num_steps):
        near_a, near_b, far_a, far_b = map(pooled, stacks, means)
        similarity = torch.cosine_similarity(near_a, near_b).mean()
        loss = torch.cosine_similarity(far_a, far_b).mean() - similarity
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return query.detach()


def synthetic_pairs(
    num_seeds: int = 50,
    *,
    channels: int = 32,
    num_frames: int = 16,
    event_frames: int = 16,
    noise: float = 1.0,
    size: int = 4,
    first_seed: int = 0,
) -> tuple[list[Pair], list[Pair]]:
    """Features of made-up clips: an event that lasts some of the frames, in noise.

    Args:
        num_seeds: pairs of each sort, one of each for a seed.
        channels: C.
        num_frames: T.
        event_frames: how many frames in a row show the event; it may begin at another time in each clip.
        noise: standard deviation of the noise, where the event's is 1.
        size: H and W.
        first_seed: of the first pair.

    Returns:
        Similar pairs (the same event, other noise) and different pairs (two events).

    Raises:
        OptionError: an event longer than the clip.
    """
    if not 1 <= event_frames <= num_frames:
        raise OptionError(f"event_frames is {event_frames}; it must be 1 to num_frames ({num_frames})")
    similar: list[Pair] = []
    different: list[Pair] = []
    for seed in range(first_seed, first_seed + num_seeds):
        generator = torch.Generator().manual_seed(seed)
        # The first channel is on whenever an event is: what a trained network would know of it.
        events = torch.randn(2, channels, 1, size, size, generator=generator)
        events[:, 0] = 3.0

        def clip(event: Tensor, generator: torch.Generator = generator) -> Tensor:
            features = noise * torch.randn(channels, num_frames, size, size, generator=generator)
            start = int(torch.randint(num_frames - event_frames + 1, (1,), generator=generator))
            features[:, start : start + event_frames] += event
            return features

        similar.append((clip(events[0]), clip(events[0])))
        different.append((clip(events[0]), clip(events[1])))
    return similar, different


@dataclass(frozen=True, slots=True)
class PoolingRow:
    """How one pooling tells similar pairs from different ones.

    Args:
        method: its name.
        similar_mean: mean similarity of the similar pairs.
        similar_std: its spread.
        different_mean: mean similarity of the different pairs.
        different_std: its spread.
        separation: d′, the distance of the means in units of the spread: (μs − μd) / √((σs² + σd²) / 2).
        accuracy: the probability that a similar pair is more alike than a different one (ties count half).
        effective_frames: 1 / Σ w², on how many frames it rests; None for max, which has no weights.
    """

    method: str
    similar_mean: float
    similar_std: float
    different_mean: float
    different_std: float
    separation: float
    accuracy: float
    effective_frames: float | None


@dataclass(frozen=True, slots=True)
class PoolingComparison:
    """A row for each pooling, best first, and what they say."""

    rows: tuple[PoolingRow, ...]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"rows": [asdict(row) for row in self.rows], "sentence": self.sentence}

    def table(self) -> str:
        """As text, a line for each pooling."""
        lines = [f"{'pooling':<18} {'similar':>14} {'different':>14} {'d′':>6} {'accuracy':>9}"]
        lines += [
            f"{row.method:<18} {row.similar_mean:>7.3f} ±{row.similar_std:.3f} {row.different_mean:>7.3f}"
            f" ±{row.different_std:.3f} {row.separation:>6.1f} {row.accuracy:>9.1%}"
            for row in self.rows
        ]
        return "\n".join(lines)


def compare_poolings(
    similar: Sequence[Pair], different: Sequence[Pair], *, query: Tensor | None = None
) -> PoolingComparison:
    """Measure which pooling tells similar pairs from different ones.

    Args:
        similar: pairs of features (C, T, H, W) that belong together, two or more.
        different: pairs that do not, two or more.
        query: of attention, as `learn_query` finds it on other pairs; None leaves learned attention out.

    Raises:
        OptionError: fewer than two pairs of a sort.

    >>> comparison = compare_poolings(*synthetic_pairs(20, noise=2.0))
    >>> comparison.rows[0].method
    'avg'
    """
    if min(len(similar), len(different)) < 2:
        raise OptionError(f"{len(similar)} similar and {len(different)} different pairs; need two of each")
    methods: dict[str, Callable[[Tensor, int], Tensor]] = {
        "avg": lambda features, seed: temporal_pooling(features, "avg"),
        "max": lambda features, seed: temporal_pooling(features, "max"),
        "attention, random": lambda features, seed: temporal_pooling(features, "attention", seed=seed),
    }
    if query is not None:
        methods["attention, learned"] = lambda features, seed: temporal_pooling(
            features, "attention", query=query
        )
    rows = [_row(name, pool, similar, different, query) for name, pool in methods.items()]
    rows.sort(key=lambda row: row.separation, reverse=True)
    return PoolingComparison(tuple(rows), _sentence(rows, similar[0][0].shape[1]))


def _row(
    name: str,
    pool: Callable[[Tensor, int], Tensor],
    similar: Sequence[Pair],
    different: Sequence[Pair],
    query: Tensor | None,
) -> PoolingRow:
    def similarities(pairs: Sequence[Pair]) -> NDArray[np.float64]:
        # One query for both clips of a pair, another for the next pair.
        return np.array([clip_similarity(pool(a, seed), pool(b, seed)) for seed, (a, b) in enumerate(pairs)])

    near, far = similarities(similar), similarities(different)
    spread = math.sqrt((near.var(ddof=1) + far.var(ddof=1)) / 2)
    gap = float(near.mean() - far.mean())
    wins = (near[:, None] > far).mean() + 0.5 * (near[:, None] == far).mean()
    effective: float | None = None
    if name == "avg":
        effective = float(similar[0][0].shape[1])
    elif name.startswith("attention"):
        learned = query if name.endswith("learned") else None
        weights = [attention_weights(a, query=learned, seed=seed) for seed, (a, _) in enumerate(similar)]
        effective = float(np.mean([1 / float((w**2).sum()) for w in weights]))
    return PoolingRow(
        method=name,
        similar_mean=float(near.mean()),
        similar_std=float(near.std(ddof=1)),
        different_mean=float(far.mean()),
        different_std=float(far.std(ddof=1)),
        separation=gap / spread if spread > 0 else math.copysign(math.inf, gap) if gap else 0.0,
        accuracy=float(wins),
        effective_frames=effective,
    )


def _sentence(rows: Sequence[PoolingRow], num_frames: int) -> str:
    """Which is best, and why, in the numbers measured."""
    best, second = rows[0], rows[1]
    by_name = {row.method: row for row in rows}
    sentence = (
        f"{best.method} separates best (d′ {best.separation:.1f}; {second.method} {second.separation:.1f})"
    )
    if best.method == "avg":
        why = f"all {num_frames} frames count the same, so the noise of each cancels out most"
    elif best.method == "max":
        why = (
            "what similar clips share stands out at its strongest moment, while avg thins it"
            f" (similar pairs reach {by_name['avg'].similar_mean:.2f} there)"
        )
    else:
        why = (
            f"it rests on {best.effective_frames:.1f} of {num_frames} frames, those that hold what"
            f" similar clips share, while avg thins it (similar pairs reach {by_name['avg'].similar_mean:.2f} there)"
        )
    others = []
    if best.method != "max":
        others.append(
            "max keeps the loudest noise at each place, so that different clips come out"
            f" {by_name['max'].different_mean:.2f} alike"
        )
    if best.method != "attention, random":
        frames = by_name["attention, random"].effective_frames
        others.append(
            f"random attention weighs the frames by chance, which leaves {frames:.1f} of them in effect"
        )
    return f"{sentence}: {why}; {'; '.join(others)}."


def _checked(features: Tensor | NDArray[Any]) -> Tensor:
    tensor = torch.as_tensor(features)
    if tensor.ndim != 4 or 0 in tensor.shape:
        raise ShapeError(f"features are {tuple(tensor.shape)}; they must be (C, T, H, W), none of them zero")
    return tensor if tensor.is_floating_point() else tensor.float()
