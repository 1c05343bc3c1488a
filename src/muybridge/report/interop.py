"""Timelines → layouts that other programs read: ActivityNet's evaluators, FFmpeg's chapters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from muybridge.values import Timeline

__all__ = ["to_activitynet", "to_ffmetadata"]


def to_activitynet(timelines: Iterable[Timeline], *, kind: str = "action") -> dict[str, Any]:
    """Detected actions in the layout that ActivityNet's evaluation reads.

    Args:
        timelines: one for each video; a video's id is its file name without the suffix.
        kind: which segments to give.

    Returns:
        `{"version", "results": {video_id: [{"label", "score", "segment": [start, end]}]}, "external_data"}`,
        the likeliest first, in seconds after the video's first frame. Without a score it counts as certain.

    Source: Heilbron et al., ActivityNet, CVPR 2015; the detection task's submission format.

    >>> from muybridge.values import Segment, VideoMetadata
    >>> wave = Segment(1.0, 3.0, "action", "wave", 0.9)
    >>> to_activitynet([Timeline(VideoMetadata("clips/v_1.mp4"), (wave,))])["results"]
    {'v_1': [{'label': 'wave', 'score': 0.9, 'segment': [1.0, 3.0]}]}
    """
    results: dict[str, list[dict[str, Any]]] = {}
    for timeline in timelines:
        zero = timeline.metadata.start_seconds
        rows = [
            {
                "label": segment.label,
                "score": 1.0 if segment.score is None else segment.score,
                "segment": [round(segment.start_seconds - zero, 6), round(segment.end_seconds - zero, 6)],
            }
            for segment in timeline.of(kind)
        ]
        results.setdefault(PurePath(timeline.path).stem, []).extend(
            sorted(rows, key=lambda row: -row["score"])
        )
    return {"version": "VERSION 1.3", "results": results, "external_data": {}}


def to_ffmetadata(timeline: Timeline, *, kind: str = "shot") -> str:
    r"""Segments as the chapters that FFmpeg writes into a copy of the video.

    Use it so: `ffmpeg -i VIDEO -i chapters.ffmetadata -map 0 -map_chapters 1 -c copy COPY`.

    Args:
        timeline: the video's.
        kind: which segments become chapters; one without a label is called by its number.

    Source: FFmpeg's documentation, "Metadata muxer".

    >>> from muybridge.values import Segment, VideoMetadata
    >>> print(to_ffmetadata(Timeline(VideoMetadata("cat.mp4"), (Segment(0, 2, "shot", "a = b"),))), end="")
    ;FFMETADATA1
    [CHAPTER]
    TIMEBASE=1/1000000
    START=0
    END=2000000
    title=a \= b
    """
    zero = timeline.metadata.start_seconds
    lines = [";FFMETADATA1"]
    for number, segment in enumerate(timeline.of(kind), 1):
        title = " ".join(segment.label.split()).replace("\0", "") or f"{kind} {number}"
        lines += [
            "[CHAPTER]",
            "TIMEBASE=1/1000000",
            f"START={round((segment.start_seconds - zero) * 1_000_000)}",
            f"END={round((segment.end_seconds - zero) * 1_000_000)}",
            "title=" + re.sub(r"([=;#\\])", r"\\\1", title),
        ]
    return "\n".join(lines) + "\n"
