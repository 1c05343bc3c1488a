"""What a model must be able to do to speak of a video: look at frames, and say a sentence.

    own checkpoint · local folder or hub name · endpoint ──► `vision_language.load_speaker` ──► Speaker
                                                                                                  │
                        frames with their true times (Clip), quoted evidence ────────────────────►│──► words

`Clip.pts_seconds` carries the times of the frames: an adapter whose model can be told the time passes them on.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from muybridge.values import Clip

__all__ = ["Speaker"]


@runtime_checkable
class Speaker(Protocol):
    """A model that puts frames into words.

    Whoever sends `context` has delimited it already (`quoted_evidence`): words that were read on the screen are
    data in it. An adapter passes it on as evidence, and never as an instruction of its own.

    >>> from muybridge.language.speaker import Speaker
    >>> class Parrot:
    ...     def caption(self, clip, *, instruction=None):
    ...         return f"{len(clip)} frames"
    ...     def answer(self, clip, question, *, context=None):
    ...         return question
    >>> isinstance(Parrot(), Speaker)
    True
    """

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """Say what the frames show, in one sentence.

        Args:
            clip: (T, H, W, 3) uint8 RGB frames in order, with their times in seconds of the source.
            instruction: what to attend to; None for the model's usual caption. Models that take no instruction
                ignore it.
        """
        ...

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """Answer a question about the frames.

        Args:
            clip: (T, H, W, 3) uint8 RGB frames in order, with their times in seconds of the source.
            question: as the user asked it.
            context: what was measured in the video, as quoted evidence; None for none.
        """
        ...
