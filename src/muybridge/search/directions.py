"""Which way a movement goes: word vectors hardly tell "in" from "out", and a match may be the opposite of a query."""

from __future__ import annotations

import re

__all__ = ["contradicts", "directions_of", "without_zoom_direction"]

_OPPOSITES = {
    one: other
    for pair in (
        ("left", "right"),
        ("up", "down"),
        ("zoom in", "zoom out"),
        ("clockwise", "counterclockwise"),
    )
    for one, other in (pair, pair[::-1])
}
# "zooms in", "zooming slowly out", "zoom-in", "zooms in and out"; of other words, "in" says no direction.
_ZOOM = re.compile(
    r"\b(zoom(?:s|ed|ing)?)(?:[ -](?!in|out|and|or)\w+)?[ -](in|out)(?:to)?\b(?: (?:and|or|then) (in|out)\b)?",
    re.I,
)
_COUNTER = re.compile(r"\b(?:counter|anti)[ -]?clockwise\b", re.I)
_WORD = re.compile(r"\b(left|right|up|down)(?:wards?)?\b|\b((?:counter)?clockwise)\b", re.I)
# "Someone left" and "the right moment" are of no direction.
_MOVEMENT = re.compile(
    r"\b(?:camera|something|object|motion|pans?|panned|panning|tilt\w*|mov(?:e|es|ed|ing)|movements?|run\w*|walk\w*"
    r"|turn\w*|go|goes|going|drives?|driving|slid\w+|drift\w*|roll\w*|rotat\w+)\b",
    re.I,
)


def directions_of(text: str) -> frozenset[str]:
    """The directions that a query or a label names.

    >>> sorted(directions_of("the camera pans left, zooming slowly out")), sorted(directions_of("zooms in and out"))
    (['left', 'zoom out'], ['zoom in', 'zoom out'])
    >>> directions_of("she left the room in tears"), directions_of("roll anti-clockwise")
    (frozenset(), frozenset({'counterclockwise'}))
    """
    zooms = {f"zoom {way.lower()}" for found in _ZOOM.finditer(text) for way in found.groups()[1:] if way}
    if not _MOVEMENT.search(text):
        return frozenset(zooms)
    words = _WORD.finditer(_COUNTER.sub("counterclockwise", text))
    return frozenset(zooms | {(found[1] or found[2]).lower() for found in words})


def contradicts(label: str, asked: frozenset[str]) -> bool:
    """Whether a movement goes the other way, and in no way as it was asked.

    >>> asked = directions_of("camera zooms in")
    >>> [contradicts(label, asked) for label in ("camera zooms out", "camera pans left, zooms in", "camera static")]
    [True, False, False]
    """
    if not asked:
        return False
    there = directions_of(label)
    return not there & asked and any(_OPPOSITES[way] in there for way in asked)


def without_zoom_direction(text: str) -> tuple[str, str]:
    """A query without the "in" or "out" of a zoom, and these words: alone, they are in any text.

    >>> without_zoom_direction("the camera zooms in on a cat"), without_zoom_direction("a cat in a box")
    (('the camera zooms on a cat', 'in'), ('a cat in a box', ''))
    """
    ways = " ".join(way for found in _ZOOM.finditer(text) for way in found.groups()[1:] if way)
    return _ZOOM.sub(r"\1", text), ways
