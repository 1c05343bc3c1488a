"""From a file to sentences on the clock."""

from __future__ import annotations

from pathlib import Path

from muybridge.errors import OptionError
from muybridge.language.caption import caption_timeline
from muybridge.pipeline.analyze import Progress, analyze
from muybridge.values import Segment

__all__ = ["caption"]


def caption(
    path: str | Path,
    *,
    model: str | Path | None = None,
    use_cache: bool = True,
    progress: Progress | None = None,
) -> list[Segment]:
    """Say in sentences what a video shows: first the whole, then its parts.

    Args:
        path: the video.
        model: who speaks: a hub name, a local folder, an own checkpoint or the address of an endpoint; None for
            sentences from the evidence alone.
        use_cache: whether what was found before in the same bytes is taken from the cache.
        progress: called with (seconds done, seconds in all).

    Returns:
        Segments of kind `"caption"`; the first is of the whole video, the others follow each other on the clock.

    Raises:
        VideoError: the video cannot be read.
        WeightsError: the model cannot be loaded.

    >>> caption(getfixture("sample_video"))[0].label.partition(".")[0]
    'The video lasts 2 s and has 1 shot'
    """
    if model is None:
        return caption_timeline(analyze(path, use_cache=use_cache, progress=progress))
    if not str(model).strip():
        raise OptionError("model is empty; name one, or leave it out for sentences from the evidence")
    from muybridge.language.spoken import speak_captions
    from muybridge.language.vision_language import load_speaker

    speaker = load_speaker(model)
    timeline = analyze(path, use_cache=use_cache, progress=progress)
    return speak_captions(path, timeline, speaker, name=str(model))
