"""What models reply, made fit to be shown: one line, without the thoughts before it, and nothing half said.

<think>The user …</think> A dog runs. It ju     ──►     A dog runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["behind_thought", "clean_reply", "is_refusal", "whole_sentences", "without_thoughts"]

_BEGIN, _END = "<think>", "</think>"
_SPACES = re.compile(r"\s+")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"|«[^»]*»|`[^`]*`|(?<!\w)['‘](?:[^'’]|['’](?=\w))*['’](?!\w)")
_KNOW = (
    r"(?:tell|told|say|said|see|seen|know|known|determined?|answer(?:ed)?|identif(?:y|ied)|discern(?:ed)?"
    r"|confirm(?:ed)?|make out|made out|be (?:sure|certain))\b"
)
_ON = r"(?:who|what|which|when|where|why|how|whether|if|and|as|at|because|but|from|in|to)"
_NOT = r"(?:n['’o]?t| not)(?: \w+ly)?"
_REFUSAL = re.compile(
    # "It cannot be determined", "I'm unable to tell", "there is no way to say"
    rf"\b(?:can(?:not|['’]t| not)|could(?:n['’]t| not)|unable to|not able to|(?:im|not )possible to|no way (?:to|of)"
    rf"|(?:hard|difficult) to)(?: \w+ly)? (?:be )?(?:{_KNOW}|telling\b|knowing\b)"
    # "The frames do not provide enough", "I don't know"
    rf"|\b(?:do|does|did){_NOT} (?:show|provide|contain|include|depict|reveal|indicate|specify)\b"
    rf"|\b(?:i|we) (?:do|did){_NOT} (?:know|see|have)\b"
    # "It isn't visible", "not possible"
    r"|(?:\b|n['’])(?:not|t)(?: \w+ly)? (?:shown|visible|clear|possible|sure|certain|known|evident|apparent|discernible"
    r"|determinable|specified|enough)\b"
    r"|\b(?:unclear|unanswerable|indeterminate|undetermined|(?:no|insufficient|lack of) (?:\w+ )?information)\b"
    # A man may be unknown and a sign may be sorry: only a reply is one itself.
    rf"|\b(?:is|are|was|were|remains?)(?: \w+ly| still)? unknown\b(?! (?!{_ON}\b)\w)"
    r"|(?:^|[.!?]\s+)(?:unknown\s*(?:[.,;!?]|$)|(?:i['’]?m |i am |we are )?(?:very |so )?sorry\b)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?][\"'”’)]*(?=\s|$)|[。！？]")


def clean_reply(text: str) -> str:
    r"""What a model said, fit for one line: no control characters, no runs of spaces.

    >>> clean_reply(" A person\n waves.\x1b[31m ")
    'A person waves.[31m'
    """
    visible = "".join(char for char in text if char.isprintable() or char.isspace())
    return _SPACES.sub(" ", visible).strip()


def whole_sentences(text: str) -> str:
    """The sentences that are whole of a reply that was cut off; a first one that never ends says so.

    >>> whole_sentences("A man waves. He wears a r")
    'A man waves.'
    >>> whole_sentences("A man of about 1.8 m who wears a r")
    'A man of about 1.8 m who wears a r …'
    """
    ends = [match.end() for match in _ENDS.finditer(text)]
    return text[: ends[-1]] if ends else f"{text} …" if text else ""


def is_refusal(text: str) -> bool:
    """Whether a model says that it does not know, or that the video does not show it; not what it quotes.

    >>> [is_refusal(said) for said in ("It isn't visible in the frames.", "I'm unable to tell.", "Unknown")]
    [True, True, True]
    >>> is_refusal("His sign says “SORRY, I CANNOT SEE”."), is_refusal("An unknown man in a red shirt boxes.")
    (False, False)
    """
    own_words = _QUOTED.sub(" ", text)
    return (
        _REFUSAL.search(own_words if any(map(str.isalnum, own_words)) else text.strip("“”\"'‘’«»` "))
        is not None
    )


def without_thoughts(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces of a reply without the `<think>…</think>` with which some models begin.

    >>> list(without_thoughts(["<th", "ink>Hm", "m</think>", "A d", "og"]))
    ['A d', 'og']
    """
    held: str | None = ""  # what may be part of a thought; None behind it
    for piece in pieces:
        if held is None:
            yield piece
            continue
        held += piece
        start = held.lstrip()
        if start.startswith(_BEGIN):
            _, is_closed, rest = start.partition(_END)
            held = None if is_closed else held
        elif _BEGIN.startswith(start):
            rest = ""
        else:
            rest, held = held, None
        if held is None and rest:
            yield rest
    if held and not held.lstrip().startswith(_BEGIN):
        yield held


def behind_thought(text: str) -> str:
    """A reply without a thought whose beginning a template wrote, so that only its end stands in it.

    >>> behind_thought("The user asks ... </think> A dog.")
    ' A dog.'
    """
    thought, is_closed, rest = text.partition(_END)
    return rest if is_closed and _BEGIN not in thought else text
