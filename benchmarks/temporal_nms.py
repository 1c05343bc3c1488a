"""Temporal suppression of 10,000 proposals beside a double loop in plain Python, with the same result.

python benchmarks/temporal_nms.py > temporal_nms.json
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from timing import report, take_turns

from muybridge.actions.nms import Overlap, suppress, temporal_nms
from muybridge.actions.proposals import Proposal


def proposals_of_a_long_video(num: int, seconds: float, seed: int = 0) -> list[Proposal]:
    """Candidates of 2 to 40 seconds, anywhere in the video."""
    rng = np.random.default_rng(seed)
    starts, lengths = rng.uniform(0, seconds, num), rng.uniform(2, 40, num)
    scores = rng.random(num)
    rows = zip(starts.tolist(), lengths.tolist(), scores.tolist(), strict=True)
    return [Proposal(start, start + length, score, score) for start, length, score in rows]


def double_loop(rows: list[tuple[float, float, float]], threshold: float, overlap: Overlap) -> list[int]:
    """Greedy suppression as a text book writes it, on lists of floats: best first, each against all that are kept."""
    kept: list[int] = []
    for row in sorted(range(len(rows)), key=lambda row: -rows[row][2]):
        start, end, _ = rows[row]
        for other in kept:
            other_start, other_end, _ = rows[other]
            shared = min(end, other_end) - max(start, other_start)
            if shared <= 0:
                continue
            shorter, both = min(end - start, other_end - other_start), end - start + other_end - other_start
            if shared / (shorter if overlap == "shorter" else both - shared) > threshold:
                break
        else:
            kept.append(row)
    return kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--num", type=int, default=10_000)
    args = parser.parse_args()
    results: dict[str, Any] = {}
    for name, seconds, overlap, threshold in (
        ("8 hours, shorter, 0.3", 28_800.0, "shorter", 0.3),
        ("8 hours, iou, 0.3", 28_800.0, "iou", 0.3),
        ("1 hour, shorter, 0.3", 3_600.0, "shorter", 0.3),
        ("1 hour, iou, 0.7", 3_600.0, "iou", 0.7),
    ):
        proposals = proposals_of_a_long_video(args.num, seconds)
        rows = [(p.start, p.end, p.mean_score) for p in proposals]
        spans, scores = np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])
        options: dict[str, Any] = {"overlap_threshold": threshold, "overlap": overlap}
        expected = double_loop(rows, threshold, overlap)
        assert suppress(spans, scores, **options).tolist() == expected
        assert temporal_nms(proposals, **options) == [proposals[row] for row in expected]
        times = take_turns(
            {
                "double loop": lambda rows=rows, t=threshold, o=overlap: double_loop(rows, t, o),
                "temporal_nms": lambda p=proposals, o=options: temporal_nms(p, **o),
                "suppress": lambda s=spans, v=scores, o=options: suppress(s, v, **o),
            },
            runs=args.runs,
        )
        results[name] = {
            "num_kept": len(expected),
            "seconds": times,
            "times_faster": {
                mine: round(times["double loop"]["median"] / times[mine]["median"], 1)
                for mine in ("temporal_nms", "suppress")
            },
        }
    report("temporal suppression", {"num_proposals": args.num, "same_result": True, "cases": results})


if __name__ == "__main__":
    main()
