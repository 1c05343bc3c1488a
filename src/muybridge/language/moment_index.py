"""What a timeline says in words, arranged so that a term finds its segments at once, over hours of video.

    word ──► sayings (kind, label) ──► segments        each label is taken apart once, however often it is said

A word stands for a segment more or less surely: its own words fully, what the label implies or a synonym less.
Lines that follow each other on the screen or in the subtitles also count together, since a sentence runs over
several of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from muybridge.language.query_terms import Term, stem_of, words_of
from muybridge.language.thesaurus import ACTORS, EXCLUSIVE, IMPLIED, LIGHT, SYNONYMS, SYNONYMS_IN_SPEECH
from muybridge.values import Segment, Timeline

__all__ = ["Match", "MomentIndex"]

IMPLIED_STRENGTH = 0.9
SYNONYM_STRENGTH = 0.85
MISREAD_STRENGTH = 0.8
TOGETHER_STRENGTH = 0.97
TOGETHER_SECONDS = 2.0
# (fewest letters, similarity) at which a word may be another one that was read wrongly, or inflected.
MISREAD = ((7, 80.0), (5, 84.0))
INFLECTED = ((4, 78.0),)  # of scripts for which there are no rules for stems here
CAMERA_STEMS = frozenset(map(stem_of, "camera pan tilt zoomin zoomout shake handheld".split()))  # noqa: SIM905
OBJECT_STEMS = frozenset(map(stem_of, ACTORS | {"object", "something", "thing"}))
_READ = ("text", "subtitle", "caption")
_SAYS_NOTHING = ("shot", "keyframe", "moment", "segment")
_SPOKEN = ("text", "subtitle")
_OF_FILM = ("camera", "cut", "dissolve", "fade")


def _by_stem(groups: Iterable[Iterable[str]]) -> dict[str, set[str]]:
    """For each word of each group, the others; all by their stems."""
    others: dict[str, set[str]] = {}
    for group in groups:
        stems = set(map(stem_of, group))
        for stem in stems:
            others.setdefault(stem, set()).update(stems)
    return others


_GROUPS, _GROUPS_IN_SPEECH = _by_stem(SYNONYMS), _by_stem(SYNONYMS_IN_SPEECH)


@dataclass(frozen=True, slots=True)
class Match:
    """A segment, or two lines that follow each other, and how well each term of a query fits it.

    Args:
        segments: what says it.
        fits: one for each term, in [0, 1].
    """

    segments: tuple[Segment, ...]
    fits: tuple[float, ...]

    @property
    def start_seconds(self) -> float:
        """When it begins to be said."""
        return self.segments[0].start_seconds

    @property
    def end_seconds(self) -> float:
        """When it is said no longer."""
        return max(segment.end_seconds for segment in self.segments)


class MomentIndex:
    """What one timeline says.

    Args:
        timeline: of `muybridge.analyze`, or from any other source.
        subtitles: what `muybridge.video.subtitles.read_subtitles` found.

    >>> from muybridge.values import VideoMetadata
    >>> pan = Segment(1, 3, "camera", "camera pans left", 1.0)
    >>> index = MomentIndex(Timeline(VideoMetadata("a.mp4"), (pan,)))
    >>> [(match.segments[0].label, match.fits) for match in index.match([Term("turn", "turn")])]
    [('camera pans left', (0.9,))]
    """

    def __init__(self, timeline: Timeline, subtitles: Iterable[Segment] = ()) -> None:
        self.timeline = timeline
        self.segments: list[Segment] = []
        self.next_line: dict[int, int] = {}
        self._said: dict[tuple[str, str], list[int]] = {}  # (kind, label) → segments
        self._words: dict[str, dict[tuple[str, str], float]] = {}  # stem → {(kind, label): strength}
        self._read_words: set[str] = set()
        before: dict[str, int] = {}
        for segment in sorted((*timeline.segments, *subtitles), key=lambda one: one.start_seconds):
            for part in _telling(segment):
                number = len(self.segments)
                self.segments.append(part)
                saying = (part.kind, part.label)
                if saying not in self._said:
                    self._said[saying] = []
                    self._learn(saying)
                self._said[saying].append(number)
                if part.kind in ("text", "subtitle"):
                    earlier = before.get(part.kind)
                    if earlier is not None and _follows(self.segments[earlier], part):
                        self.next_line[earlier] = number
                    before[part.kind] = number

    @property
    def kinds(self) -> list[str]:
        """What kinds of segments say anything."""
        return sorted({kind for kind, _ in self._said})

    def knows(self, term: Term) -> bool:
        """Whether anything says it at all."""
        return bool(self._fitting(term))

    def match(self, terms: Sequence[Term]) -> list[Match]:
        """The segments that at least one term fits, without those that are about something else.

        A camera that pans right is no match for one that pans left, and "left" of an object says nothing of the
        camera. Of somebody who turns or stands still, neither the camera nor a cut says anything. Two lines count
        together only where they say more than either alone.
        """
        unwanted = self._contradicted(terms)
        stems = {term.stem for term in terms}
        other = "object" if stems & CAMERA_STEMS else "camera" if stems & OBJECT_STEMS else ""
        fits: dict[int, list[float]] = {}
        for place, term in enumerate(terms):
            is_light = bool({term.stem, term.text} & LIGHT) and term.stem != "camera"
            for saying, strength in self._fitting(term).items():
                if saying in unwanted or (is_light and saying[0] == other):
                    continue
                for number in self._said[saying]:
                    fits.setdefault(number, [0.0] * len(terms))[place] = strength
        matches = [self._match((number,), row) for number, row in fits.items()]
        for number in {*fits, *(one for one, after in self.next_line.items() if after in fits)}:
            after = self.next_line.get(number, -1)
            rows = [fits.get(number), fits.get(after)]
            if rows[0] and rows[1]:
                both = [max(one, two) for one, two in zip(rows[0], rows[1], strict=True)]
                if sum(fit > 0 for fit in both) > max(sum(fit > 0 for fit in row) for row in rows if row):
                    matches.append(self._match((number, after), [TOGETHER_STRENGTH * fit for fit in both]))
        phrases = {place: term for place, term in enumerate(terms) if term.is_phrase}
        return matches + (self._across(phrases, len(terms)) if phrases else [])

    def _fitting(self, term: Term) -> dict[tuple[str, str], float]:
        """The sayings that a term fits, with how well."""
        if term.is_phrase:
            return {saying: fit for saying in self._said if (fit := _says(saying, term.stem))}
        synonyms, in_speech = _GROUPS.get(term.stem, set()), _GROUPS_IN_SPEECH.get(term.stem, set())
        fitting = dict.fromkeys(synonyms | in_speech, SYNONYM_STRENGTH)
        rules = MISREAD if term.stem.isascii() else INFLECTED
        word = term.text if term.stem.isascii() else term.stem
        cutoff = next((similar for letters, similar in rules if len(word) >= letters), None)
        if cutoff is not None and word.isalpha():
            near = process.extract(word, self._read_words, scorer=fuzz.ratio, score_cutoff=cutoff, limit=20)
            fitting |= {stem_of(found): MISREAD_STRENGTH for found, _, _ in near}
        found: dict[tuple[str, str], float] = {}
        for word, strength in (fitting | {term.stem: 1.0}).items():
            must_be_said = word in in_speech - synonyms - {term.stem}
            for saying, own in self._words.get(word, {}).items():
                if (term.is_deed and saying[0] in _OF_FILM) or (must_be_said and saying[0] not in _SPOKEN):
                    continue
                found[saying] = max(found.get(saying, 0.0), strength * own)
        if not term.stem.isascii():  # scripts without spaces: a word is anywhere in the line
            found |= {saying: fit for saying in self._said if (fit := _says(saying, term.stem)) == 1.0}
        return found

    def _contradicted(self, terms: Sequence[Term]) -> set[tuple[str, str]]:
        """Sayings of a camera or an object that does something else of the same sort."""
        wanted = {term.stem for term in terms}
        against: set[tuple[str, str]] = set()
        for group in EXCLUSIVE:
            if asked := wanted & group:
                having = {saying for word in asked for saying in self._words.get(word, ())}
                other = {saying for word in group - asked for saying in self._words.get(word, ())}
                against |= other - having
        return {saying for saying in against if saying[0] in ("camera", "object")}

    def _across(self, phrases: Mapping[int, Term], num_terms: int) -> list[Match]:
        """Quoted words that begin in one line and end in the next."""
        found = []
        for number, after in self.next_line.items():
            one, two = self.segments[number], self.segments[after]
            row = [0.0] * num_terms
            for place, term in phrases.items():
                alone = max(_says((line.kind, line.label), term.stem) for line in (one, two))
                both = _says((one.kind, f"{one.label} {two.label}"), term.stem)
                row[place] = both * TOGETHER_STRENGTH if both > alone else 0.0
            if any(row):
                found.append(self._match((number, after), row))
        return found

    def _match(self, numbers: tuple[int, ...], fits: Sequence[float]) -> Match:
        segments = tuple(self.segments[number] for number in numbers)
        confidence = min(map(_confidence, segments))
        return Match(segments, tuple(confidence * fit for fit in fits))

    def _learn(self, saying: tuple[str, str]) -> None:
        kind, label = saying
        own = words_of(label)
        if kind in _READ:
            self._read_words.update(word for word in own if len(word) >= INFLECTED[0][0])
        names = [kind]
        if kind == "camera":
            names = [f"camera {part}" for part in label.removeprefix("camera ").split(", ")]
        for name in names:
            known = next((one for one in IMPLIED if name.startswith(one)), "")
            for word in IMPLIED.get(known, "").split():
                self._words.setdefault(stem_of(word), {})[saying] = IMPLIED_STRENGTH
        for word in own:
            self._words.setdefault(stem_of(word), {})[saying] = 1.0


def _says(saying: tuple[str, str], wanted: str) -> float:
    """How well read, spoken or told words hold others: 1 for these very words, less where letters differ."""
    kind, label = saying
    if kind not in _READ:
        return 0.0
    words = " ".join(words_of(label))
    packed = wanted.replace(" ", "")
    if f" {wanted} " in f" {words} " or (not wanted.isascii() and packed in words.replace(" ", "")):
        return 1.0
    # A short word inside another one is another word: "art" does not stand on a sign that says "party".
    if len(packed) < MISREAD[0][0] or len(words) < len(wanted):
        return 0.0
    return MISREAD_STRENGTH if fuzz.partial_ratio(wanted, words) >= 88.0 else 0.0


def _confidence(segment: Segment) -> float:
    score = 1.0 if segment.score is None else min(1.0, max(0.0, segment.score))
    # Cameras and cuts are scored by how clean the picture was: half of that still tells something.
    return score if segment.kind in (*_READ, "action") else 0.5 + 0.5 * score


def _telling(segment: Segment) -> list[Segment]:
    """What a segment says in words; a shot says how it begins, at that moment."""
    if segment.kind == "shot":
        how = str(segment.attributes.get("transition", "start"))
        if how == "start":
            return []
        start = float(segment.attributes.get("transition_start_seconds", segment.start_seconds))
        end = float(segment.attributes.get("transition_end_seconds", start))
        return [Segment(start, max(start, end), how, how, segment.score)]
    if segment.kind in _SAYS_NOTHING or not segment.label:
        return []
    if segment.kind == "motion":  # its score says how strong it is, not how sure
        return [Segment(segment.start_seconds, segment.end_seconds, "motion", "movement")]
    return [segment]


def _follows(earlier: Segment, later: Segment) -> bool:
    pause = later.start_seconds - earlier.end_seconds
    same = earlier.attributes.get("source") == later.attributes.get("source")
    return same and -0.05 <= pause <= TOGETHER_SECONDS
