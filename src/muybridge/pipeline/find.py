"""From a file and a query to the moments that it describes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from muybridge.errors import OptionError
from muybridge.language.moments import moments_in_timeline
from muybridge.language.own_networks import OwnGrounder, is_own_checkpoint
from muybridge.language.query_terms import parse_query
from muybridge.pipeline.analyze import Progress, analyze, default_observers
from muybridge.values import Segment, Timeline
from muybridge.video.subtitles import read_subtitles

if TYPE_CHECKING:
    from muybridge.language.image_text import ImageTextModel

__all__ = ["find_moments"]

SAME_OVERLAP = 0.5  # as a share of both together, from which on two moments are one


def find_moments(
    path: str | Path,
    query: str,
    *,
    model: str | Path | None = None,
    top: int = 20,
    use_cache: bool = True,
    progress: Progress | None = None,
) -> list[Segment]:
    r"""Find the moments of a video that a text describes, however long it is.

    Looks at what was found in the video (actions, motion of camera and objects, cuts), what is written in it, and what
    its subtitles say, in the file and beside it; with an image-text model also at its frames, one each second.

    Args:
        path: the video.
        query: such as "the camera pans left" or "a sign says EXIT"; words in any script are looked for on the
            screen and in subtitles.
        model: a CLIP or SigLIP by hub name or folder; the path of an own grounding network's checkpoint, which then
            answers alone; None for the evidence alone.
        top: at most so many moments.
        use_cache: whether what was found before in the same bytes is taken from the cache.
        progress: called with (seconds done, seconds in all).

    Returns:
        Segments of kind `"moment"`, the best first, with a score in [0, 1]; attributes tell what they rest on. What
        frames and evidence found may overlap; where they are nearly the same stretch, they are one moment. An empty
        list is an answer: no moment matches. `moments_in_timeline` tells why.

    Raises:
        OptionError: an empty query.
        VideoError: the video cannot be read.
        WeightsError: the model cannot be loaded.

    >>> import shutil
    >>> path = shutil.copy(getfixture("sample_video"), getfixture("tmp_path") / "talk.mp4")
    >>> _ = path.with_suffix(".srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nWe left the harbor.\n")
    >>> [(moment.start_seconds, moment.end_seconds) for moment in find_moments(path, "leaving a harbour")]
    [(0.5, 1.5)]
    >>> find_moments(path, "a dog barks")
    []
    """
    parse_query(query)  # an empty one is refused before the video is looked at
    if model is not None and is_own_checkpoint(model):
        return OwnGrounder(model).find_moments(path, query)[:top]
    found: list[Segment] = []
    if model is None:
        timeline = analyze(path, use_cache=use_cache, progress=progress)
    elif not str(model).strip():
        raise OptionError("model is empty; name one, or leave it out to search the evidence alone")
    else:
        from muybridge.language.frame_vectors import FrameVectorsObserver
        from muybridge.language.image_text import load_image_text_model

        network = load_image_text_model(model)
        observers = [*default_observers(), FrameVectorsObserver(network)]
        timeline = analyze(path, observers=observers, use_cache=use_cache, progress=progress)
        found = _seen(timeline, network, query, top)
    found += moments_in_timeline(timeline, query, subtitles=read_subtitles(path), top=top).moments
    return _each_once(found)[:top]


def _seen(timeline: Timeline, model: ImageTextModel, query: str, top: int) -> list[Segment]:
    """What an image-text model sees in the frames."""
    from muybridge.language.frame_vectors import shown_until, vectors_of
    from muybridge.language.score_moments import moments_of_scores

    seconds, vectors = vectors_of(timeline)
    if not len(seconds):
        return []
    start = timeline.metadata.start_seconds
    spans = moments_of_scores(
        seconds,
        model.probabilities(vectors, query),
        until_seconds=shown_until(timeline),
        start_seconds=start,
        end_seconds=start + timeline.duration_seconds,
        top=top,
    )
    attributes = {"path": timeline.path, "model": model.name, "evidence": []}
    return [Segment(begin, end, "moment", query, round(score, 4), attributes) for begin, end, score in spans]


def _each_once(found: Iterable[Segment]) -> list[Segment]:
    """Moments, the best first; what frames and evidence both found has the better one's span and what both rest on.

    A line of a second inside a minute that frames show is no second finding of that minute: both are told.

    >>> minute = Segment(0, 60, "moment", "a dog", 0.9, {"model": "clip", "evidence": []})
    >>> line, whole = (Segment(0, end, "moment", "a dog", 1.0, {"evidence": ["said"]}) for end in (1, 50))
    >>> [(one.end_seconds, one.attributes) for one in _each_once([minute, line])]
    [(1.0, {'evidence': ['said']}), (60.0, {'model': 'clip', 'evidence': []})]
    >>> [(one.end_seconds, one.attributes) for one in _each_once([minute, whole])]
    [(50.0, {'model': 'clip', 'evidence': ['said']})]
    """
    kept: list[Segment] = []
    for moment in sorted(found, key=lambda one: -(one.score or 0.0)):
        place = next((at for at, other in enumerate(kept) if _is_same(moment, other)), None)
        if place is None:
            kept.append(moment)
            continue
        better = kept[place].attributes
        rests_on = {"evidence": [*better["evidence"], *moment.attributes["evidence"]]}
        kept[place] = replace(kept[place], attributes={**moment.attributes, **better, **rests_on})
    return kept


def _is_same(one: Segment, other: Segment) -> bool:
    """Whether two moments overlap by half of what they cover together: their intersection over their union."""
    shared = one.overlap_seconds(other)
    together = one.duration_seconds + other.duration_seconds - shared
    return shared >= SAME_OVERLAP * max(together, 1e-9)
