"""Moments by words: a free-text query → stretches of time that say it, from what a timeline holds.

    terms        wave ───────▇▇▇▇▇▇──────────       each term's best statement at every moment
                 pan  ──────────▇▇▇▇▇▇▇──────
    coverage          ───────▃▃▃███▃▃▃▃──────       weighted share of the terms that are met
    moments                     ───                 hills, without their slopes

A coverage below `MIN_SCORE` is no match, and that is said. Nothing is measured in pixels here, and the time it
takes follows the number of segments, not the length of the video.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import OptionError
from muybridge.language.moment_index import Match, MomentIndex
from muybridge.language.query_terms import Term, parse_query
from muybridge.values import Segment, Timeline

__all__ = ["MIN_SCORE", "MomentSearch", "moments_in_timeline", "moments_in_timelines"]

MIN_SCORE = 0.55
"""Below it, too little of a query is met to call it a match."""
TOGETHER_SHARE = 0.25  # of the score: that one statement alone meets the terms
GAP_SECONDS = 1.0
LEAST_SECONDS = 0.04
MAX_EVIDENCE = 10
HILL_SHARE = 0.85  # of the highest score of a moment: where it begins and ends


@dataclass(frozen=True, slots=True)
class MomentSearch:
    """What was found, and why or why not.

    Args:
        query: as it was asked.
        moments: segments of kind `"moment"`, the best first; their attributes tell the evidence.
        explanation: one sentence for people.
    """

    query: str
    moments: tuple[Segment, ...]
    explanation: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "query": self.query,
            "moments": [moment.to_dict() for moment in self.moments],
            "explanation": self.explanation,
        }


def moments_in_timeline(
    timeline: Timeline | MomentIndex,
    query: str,
    *,
    subtitles: Iterable[Segment] = (),
    top: int = 20,
    min_score: float = MIN_SCORE,
) -> MomentSearch:
    """Find what a query describes, by the words of a timeline.

    Args:
        timeline: of `muybridge.analyze`; or its index, where many queries are asked.
        query: English words; words in any script, and words in quotation marks, are looked for on the screen and in
            subtitles.
        subtitles: what `muybridge.video.subtitles.read_subtitles` found; an index has them already.
        top: at most so many moments.
        min_score: what is less is no match.

    Raises:
        OptionError: an empty query, or options outside what is allowed.

    >>> from muybridge.values import VideoMetadata
    >>> seen = (Segment(1, 4, "camera", "camera pans left"), Segment(3, 6, "text", "FIRE EXIT", 1.0))
    >>> timeline = Timeline(VideoMetadata("hall.mp4", duration_seconds=9.0), seen)
    >>> found = moments_in_timeline(timeline, "the camera pans left while a sign says exit").moments
    >>> [(moment.start_seconds, moment.end_seconds) for moment in found]
    [(3.0, 4.0)]
    >>> moments_in_timeline(timeline, "a dog barks").explanation
    'No match: nothing in the timeline says dog or barks. It knows camera, text.'
    """
    if top < 1 or not 0 < min_score <= 1:
        raise OptionError(f"top is {top} and min_score {min_score}; expected 1 or more, and a share of 1")
    terms = parse_query(query)
    index = timeline if isinstance(timeline, MomentIndex) else MomentIndex(timeline, subtitles)
    matches = index.match(terms)
    moments = _Coverage(index.timeline.path, terms, matches).moments(top, min_score, query)
    return MomentSearch(query, tuple(moments), _explain(index, terms, moments))


def moments_in_timelines(
    timelines: Sequence[Timeline], query: str, *, top: int = 20, min_score: float = MIN_SCORE
) -> MomentSearch:
    """Find what a query describes in many videos; each moment's attribute `path` tells in which.

    Args:
        timelines: one for each video.
        query: as `moments_in_timeline` takes it.
        top: at most so many moments in all.
        min_score: what is less is no match.

    Raises:
        OptionError: an empty query, or options outside what is allowed.
    """
    parse_query(query)
    results = [moments_in_timeline(one, query, top=top, min_score=min_score) for one in timelines]
    found = sorted(
        (m for result in results for m in result.moments), key=lambda moment: -(moment.score or 0.0)
    )
    hits = sum(bool(result.moments) for result in results)
    explanation = f"{hits} of {len(results)} videos match." if hits else f"No match in {len(results)} videos."
    return MomentSearch(query, tuple(found[:top]), explanation)


class _Coverage:
    """How much of a query is met, piecewise constant between the edges of the statements that fit."""

    def __init__(self, path: str, terms: list[Term], matches: list[Match]) -> None:
        self.path, self.terms, self.matches = path, terms, matches
        starts = np.array([match.start_seconds for match in matches])
        ends = np.maximum([match.end_seconds for match in matches], starts + LEAST_SECONDS)
        self.edges = np.unique(np.concatenate([starts, ends]))
        self.first = np.searchsorted(self.edges, starts)
        self.last = np.searchsorted(self.edges, ends)
        self.fits = np.array([match.fits for match in matches]).reshape(-1, len(terms))
        weights = np.array([term.weight for term in terms])
        union = np.zeros((len(terms), max(0, len(self.edges) - 1)))
        single = np.zeros(union.shape[1])
        alone = self.fits @ weights
        for row, first, last, whole in zip(self.fits, self.first, self.last, alone, strict=True):
            np.maximum(union[:, first:last], row[:, None], out=union[:, first:last])
            np.maximum(single[first:last], whole, out=single[first:last])
        self.score = (1 - TOGETHER_SHARE) * (weights @ union) + TOGETHER_SHARE * single
        self.score /= weights.sum()
        for place, term in enumerate(terms):
            if term.is_required:
                self.score[union[place] <= 0] = 0.0

    def moments(self, top: int, min_score: float, query: str) -> list[Segment]:
        """The highest hills of the score, each down to a share of its height; their slopes are no moments."""
        free = self.score >= min_score
        found: list[tuple[float, float, float]] = []
        while free.any() and len(found) < top:
            peak = int(np.argmax(np.where(free, self.score, 0.0)))
            level = max(min_score, HILL_SHARE * float(self.score[peak])) - 1e-9
            first = self._walk(peak, -1, level, free)
            last = self._walk(peak, 1, level, free)
            inside = np.flatnonzero(self.score[first : last + 1] >= level) + first
            mean = float(np.average(self.score[inside], weights=np.diff(self.edges)[inside]))
            found.append((mean, float(self.edges[first]), float(self.edges[last + 1])))
            free[first : last + 1] = False
            self._clear_slope(first, -1, free)
            self._clear_slope(last, 1, free)
        found.sort(key=lambda one: (-one[0], one[1]))
        return [self._moment(start, end, score, query) for score, start, end in found]

    def _walk(self, peak: int, step: int, level: float, free: NDArray[np.bool_]) -> int:
        """The farthest piece on one side that is still high; short pauses do not end a moment."""
        farthest = place = peak
        while 0 <= place + step < len(free):
            place += step
            pause = (
                self.edges[place] - self.edges[farthest + 1]
                if step > 0
                else self.edges[farthest] - self.edges[place + 1]
            )
            if pause > GAP_SECONDS:
                break
            if self.score[place] >= level:
                if not free[place]:
                    break
                farthest = place
        return farthest

    def _clear_slope(self, place: int, step: int, free: NDArray[np.bool_]) -> None:
        while 0 <= place + step < len(free) and self.score[place + step] <= self.score[place] + 1e-9:
            place += step
            if not free[place]:
                break
            free[place] = False

    def _moment(self, start: float, end: float, score: float, query: str) -> Segment:
        inside = np.flatnonzero((self.edges[self.first] < end) & (self.edges[self.last] > start))
        is_met = [bool((fits > 0).any()) for fits in self.fits[inside].T]
        evidence: dict[tuple[float, str, str], Segment] = {}
        for number in inside[:MAX_EVIDENCE]:
            for segment in self.matches[number].segments:
                evidence[(segment.start_seconds, segment.kind, segment.label)] = segment
        attributes = {
            "path": self.path,
            "found": [term.text for term, met in zip(self.terms, is_met, strict=True) if met],
            "not_found": [term.text for term, met in zip(self.terms, is_met, strict=True) if not met],
            "evidence": [
                {
                    "start_seconds": segment.start_seconds,
                    "end_seconds": segment.end_seconds,
                    "kind": segment.kind,
                    "label": segment.label,
                }
                for segment in sorted(evidence.values(), key=lambda one: one.start_seconds)
            ],
        }
        return Segment(start, end, "moment", query, round(min(1.0, score), 4), attributes)


def _explain(index: MomentIndex, terms: list[Term], moments: list[Segment]) -> str:
    missing = [term.text for term in terms if not index.knows(term)]
    if moments:
        best = moments[0]
        lacking = (
            f"; nothing says {' or '.join(best.attributes['not_found'])} there"
            if best.attributes["not_found"]
            else ""
        )
        more = f", and {len(moments) - 1} more" if len(moments) > 1 else ""
        return f"Best match from {best.start_seconds:.2f} s to {best.end_seconds:.2f} s{more}{lacking}."
    known = f"It knows {', '.join(index.kinds)}." if index.kinds else "It holds nothing in words."
    if missing:
        return f"No match: nothing in the timeline says {' or '.join(missing)}. {known}"
    return f"No match: what the query asks for is never so at once. {known}"
