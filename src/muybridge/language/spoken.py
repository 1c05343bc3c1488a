"""A model speaks of a video: which frames it is shown, what it is told besides, and what its words are worth.

Frames are chosen where shots begin and where movement stands out, and carry their true times. A question that the
evidence answers needs no model: it is asked what the evidence leaves open.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from muybridge.language.answer import answer_question, evidence_context
from muybridge.language.caption import parts_of
from muybridge.language.replies import is_refusal
from muybridge.language.speaker import Speaker
from muybridge.motion.salient import allot
from muybridge.values import Answer, Clip, Segment, Timeline
from muybridge.video.reader import Video, open_video

__all__ = ["speak_answer", "speak_captions"]

FRAMES_OF_WHOLE, FRAMES_OF_PART = 16, 8
MAX_SIDE_PX = 448


def speak_captions(
    path: str | Path, timeline: Timeline, speaker: Speaker, *, name: str = "model"
) -> list[Segment]:
    """Let a model say what a video shows: first the whole, then its parts.

    Args:
        path: the video.
        timeline: of the same video; its shots are the parts.
        speaker: the model.
        name: what it is called in `attributes["model"]`.

    Returns:
        Segments of kind `"caption"`, in which `attributes["frames_seconds"]` are the times of the frames that the
        model saw. A part of which it says nothing is left out.

    Raises:
        VideoError: the video cannot be read.
    """
    whole = Segment(*_bounds(timeline), "caption")
    parts = parts_of(timeline.of("shot"))
    captions = []
    with open_video(path) as video:
        for part in [whole, *(parts if len(parts) > 1 else [])]:
            clip = _look(
                video, timeline, part, FRAMES_OF_WHOLE if part is whole else FRAMES_OF_PART, speaker=speaker
            )
            words = speaker.caption(clip).strip()
            if words:
                attributes = {"model": name, "frames_seconds": [round(float(t), 3) for t in clip.pts_seconds]}
                captions.append(
                    Segment(part.start_seconds, part.end_seconds, "caption", words, None, attributes)
                )
    return captions


def speak_answer(
    path: str | Path, timeline: Timeline, speaker: Speaker, question: str, *, name: str = "model"
) -> Answer:
    """Answer from the evidence where it is known, and let a model answer where it is not.

    Args:
        path: the video.
        timeline: of the same video.
        speaker: the model; it gets frames with their times, and the evidence as quoted data.
        question: in any language that the model understands.
        name: what the model is called in the evidence.

    Returns:
        The answer; what a model said rests on a segment of kind `"moment"`: the stretch of the frames that it saw.
        `known` is False where it says that it cannot tell.

    Raises:
        OptionError: an empty question.
        VideoError: the video cannot be read.
    """
    measured = answer_question(timeline, question)
    if measured.known:
        return measured
    whole = Segment(*_bounds(timeline), "caption")
    with open_video(path) as video:
        clip = _look(video, timeline, whole, FRAMES_OF_WHOLE, speaker=speaker)
    words = speaker.answer(clip, question, context=evidence_context(timeline)).strip()
    if not words:
        return measured
    seen = Segment(
        float(clip.pts_seconds[0]),
        float(clip.pts_seconds[-1]),
        "moment",
        f"{len(clip)} frames that {name} saw",
        None,
        {"model": name, "frames_seconds": [round(float(t), 3) for t in clip.pts_seconds]},
    )
    return Answer(words, (seen,), known=not is_refusal(words))


def _bounds(timeline: Timeline) -> tuple[float, float]:
    start = timeline.metadata.start_seconds
    return start, start + timeline.duration_seconds


def _look(video: Video, timeline: Timeline, part: Segment, num_frames: int, *, speaker: Speaker) -> Clip:
    """The frames of a part, around its cuts and its movement, whole and small enough for a model."""
    marks = [one for one in timeline.segments if one.kind in ("shot", "motion")]
    if getattr(
        speaker, "evenly_spaced", False
    ):  # an own network, which reads motion from the frames' spacing
        marks, num_frames = [], FRAMES_OF_WHOLE
    indices = _frames_of(video, part)
    if len(indices) > num_frames:
        # The last frame is shown until the video ends.
        end = max(part.start_seconds, min(part.end_seconds, video.packets.end_seconds))
        moments = allot(marks, num_frames, start_seconds=part.start_seconds, end_seconds=end)
        indices = sorted(set(video.indices_at(moments)))
    width, height = video.metadata.width, video.metadata.height
    scale = min(1.0, MAX_SIDE_PX / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return video.frames_at(indices=indices, size_px=size)


def _frames_of(video: Video, part: Segment) -> list[int]:
    """The frames that appear in a part; the one that is shown at its start where none does."""
    # A time that was rounded must not shut out the frame that it stands for.
    edges = (part.start_seconds - 1e-3, part.end_seconds - 1e-3)
    first, stop = np.searchsorted(video.packets.pts_seconds, edges).tolist()
    return list(range(first, stop)) or [video.packets.index_at(part.start_seconds)]
