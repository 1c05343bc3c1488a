"""From a file and a question to an answer."""

from __future__ import annotations

from pathlib import Path

from muybridge.errors import OptionError
from muybridge.language.answer import answer_question
from muybridge.language.question import parse_question
from muybridge.pipeline.analyze import Progress, analyze
from muybridge.values import Answer

__all__ = ["ask"]


def ask(
    path: str | Path,
    question: str,
    *,
    model: str | Path | None = None,
    use_cache: bool = True,
    progress: Progress | None = None,
) -> Answer:
    """Answer a question about a video.

    Args:
        path: the video.
        question: such as "When is the first cut?", "What is written at 5 s?" or "Does the camera move?"; in English,
            or with a model in any language that it understands.
        model: who answers what the evidence leaves open: a hub name, a local folder, an own checkpoint or the
            address of an endpoint; None for the evidence alone.
        use_cache: whether what was found before in the same bytes is taken from the cache.
        progress: called with (seconds done, seconds in all).

    Returns:
        The answer with the segments that it rests on; `known` is False where the video does not show it, or where it
        cannot be told from what was measured.

    Raises:
        OptionError: an empty question, or one of more than 2000 characters.
        VideoError: the video cannot be read.
        WeightsError: the model cannot be loaded.

    >>> ask(getfixture("sample_video"), "How many shots are there?").text
    'The video shows 1 shot.'
    """
    parse_question(question)  # an empty one is refused before the video is looked at
    if model is None:
        return answer_question(analyze(path, use_cache=use_cache, progress=progress), question)
    if not str(model).strip():
        raise OptionError("model is empty; name one, or leave it out for answers from the evidence")
    from muybridge.language.spoken import speak_answer
    from muybridge.language.vision_language import load_speaker

    speaker = load_speaker(model)
    timeline = analyze(path, use_cache=use_cache, progress=progress)
    return speak_answer(path, timeline, speaker, question, name=str(model))
