"""From a file and a query to the moments that it describes."""

from __future__ import annotations

from pathlib import Path

from muybridge.language.moments import moments_in_timeline
from muybridge.language.query_terms import parse_query
from muybridge.pipeline.analyze import Progress, analyze
from muybridge.values import Segment
from muybridge.video.subtitles import read_subtitles

__all__ = ["find_moments"]


def find_moments(
    path: str | Path,
    query: str,
    *,
    top: int = 20,
    use_cache: bool = True,
    progress: Progress | None = None,
) -> list[Segment]:
    r"""Find the moments of a video that a text describes, however long it is.

    Looks at what was found in the video (actions, motion of camera and objects, cuts), what is written in it, and what
    its subtitles say, in the file and beside it.

    Args:
        path: the video.
        query: such as "the camera pans left" or "a sign says EXIT"; words in any script are looked for on the
            screen and in subtitles.
        top: at most so many moments.
        use_cache: whether what was found before in the same bytes is taken from the cache.
        progress: called with (seconds done, seconds in all).

    Returns:
        Segments of kind `"moment"`, the best first, with a score in [0, 1]; attributes tell what they rest on. An empty
        list is an answer: no moment matches. `moments_in_timeline` tells why.

    Raises:
        OptionError: an empty query.
        VideoError: the video cannot be read.

    >>> import shutil
    >>> path = shutil.copy(getfixture("sample_video"), getfixture("tmp_path") / "talk.mp4")
    >>> _ = path.with_suffix(".srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nWe left the harbor.\n")
    >>> [(moment.start_seconds, moment.end_seconds) for moment in find_moments(path, "leaving a harbour")]
    [(0.5, 1.5)]
    >>> find_moments(path, "a dog barks")
    []
    """
    parse_query(query)  # an empty one is refused before the video is looked at
    timeline = analyze(path, use_cache=use_cache, progress=progress)
    found = moments_in_timeline(timeline, query, subtitles=read_subtitles(path), top=top)
    return list(found.moments)
