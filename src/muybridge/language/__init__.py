"""Captions, answers and moments, from evidence or from a model."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "EndpointSpeaker": "muybridge.language.endpoint",
    "Speaker": "muybridge.language.speaker",
    "answer_question": "muybridge.language.answer",
    "caption_timeline": "muybridge.language.caption",
    "evidence_context": "muybridge.language.answer",
    "load_speaker": "muybridge.language.vision_language",
    "moments_in_timeline": "muybridge.language.moments",
    "moments_in_timelines": "muybridge.language.moments",
}

__getattr__, __dir__ = attach(__name__, _NAMES, ())
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.language.answer import (
        answer_question as answer_question,
        evidence_context as evidence_context,
    )
    from muybridge.language.caption import caption_timeline as caption_timeline
    from muybridge.language.endpoint import EndpointSpeaker as EndpointSpeaker
    from muybridge.language.moments import (
        moments_in_timeline as moments_in_timeline,
        moments_in_timelines as moments_in_timelines,
    )
    from muybridge.language.speaker import Speaker as Speaker
    from muybridge.language.vision_language import load_speaker as load_speaker
