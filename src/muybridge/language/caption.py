"""A timeline → sentences: one of the whole video, then one of each part, all resting on segments.

shots ──► parts (a long shot is told in pieces) ──► what overlaps each ──► a sentence with its evidence
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from muybridge.language.evidence import Evidence, is_something, is_sure
from muybridge.language.phrases import counted, join_and, moment, quoted, sentence
from muybridge.values import Segment, Timeline

__all__ = ["caption_timeline", "parts_of"]

MAX_PART_SECONDS = 20.0
Ground = tuple[str, Segment]
_MAX_TEXTS, _MAX_ACTIONS, _MAX_EVIDENCE = 3, 3, 20
_MAX_CAMERA_EVIDENCE = 3  # for each motion
_MIN_SHARE = 0.15
"""A camera motion that takes less of a part, all its stretches together, is not worth a word in it."""


def caption_timeline(timeline: Timeline) -> list[Segment]:
    """Say in sentences what was found in a video.

    Args:
        timeline: of `muybridge.analyze`.

    Returns:
        Segments of kind `"caption"`: first the whole video, then its parts in order (shots, and pieces of at most
        20 seconds of longer ones), where there is more than one. `attributes["evidence"]` lists the segments that each
        sentence rests on, as `[start_seconds, end_seconds, kind, label]`; `attributes["model"]` is `"evidence"`.

    >>> from muybridge.values import VideoMetadata
    >>> found = (Segment(0, 4, "shot", "shot 1"), Segment(4, 9, "shot", "shot 2", 0.9, {"transition": "cut"}),
    ...     Segment(0, 4, "camera", "camera static"), Segment(4, 9, "camera", "camera pans left"),
    ...     Segment(5, 6, "text", "EXIT", 0.99))
    >>> for caption in caption_timeline(Timeline(VideoMetadata("a.mp4", duration_seconds=9.0), found)):
    ...     print(caption.start_seconds, caption.end_seconds, caption.label)
    0.0 9.0 The video lasts 9 s and has 2 shots. The camera pans left and stands still. “EXIT” is written.
    0.0 4.0 The camera stands still.
    4.0 9.0 The camera pans left, and “EXIT” is written.
    """
    evidence = Evidence(timeline)
    whole = _whole(evidence)
    spans = parts_of(evidence.of_kind.get("shot", []))
    if len(spans) < 2:
        return [whole]
    return [
        whole,
        *(_part(span, inside) for span, inside in zip(spans, _sorted_into(spans, evidence), strict=True)),
    ]


def parts_of(shots: Sequence[Segment], *, max_seconds: float = MAX_PART_SECONDS) -> list[Segment]:
    """The parts in which a video is told: its shots, long ones in equal pieces.

    Args:
        shots: of kind `"shot"`, in order of time.
        max_seconds: the longest piece.

    >>> [(part.start_seconds, part.end_seconds) for part in parts_of([Segment(0, 3), Segment(3, 53)])]
    [(0.0, 3.0), (3.0, 19.666666666666668), (19.666666666666668, 36.333333333333336), (36.333333333333336, 53.0)]
    """
    parts = []
    for shot in shots:
        number = max(1, -int(-shot.duration_seconds // max_seconds))
        length = shot.duration_seconds / number
        edges = [shot.start_seconds + at * length for at in range(number)] + [shot.end_seconds]
        parts += [Segment(start, end, "caption", shot.label) for start, end in pairwise(edges)]
    return parts


def _whole(evidence: Evidence) -> Segment:
    shots = evidence.of_kind.get("shot", [])
    told = f"The video lasts {moment(evidence.timeline.duration_seconds)}"
    told += f" and has {counted(len(shots), 'shot')}." if shots else "."
    segments = [segment for segment in evidence.timeline.segments if segment.kind not in ("shot", "keyframe")]
    duration = max(evidence.timeline.duration_seconds, 1e-9)
    clauses, used = _clauses(segments, duration)
    sentences = [told, *map(sentence, clauses)]
    if not clauses:
        sentences.append("Nothing else was found in it.")
    used = [*(("shots", shot) for shot in shots), *used]
    return _caption(evidence.start_seconds, evidence.end_seconds, " ".join(sentences), used)


def _part(span: Segment, inside: Sequence[Segment]) -> Segment:
    clauses, used = _clauses(inside, max(span.duration_seconds, 1e-9), span=span)
    if not clauses:
        return _caption(span.start_seconds, span.end_seconds, "Nothing that was looked for happens.", [])
    text = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])}, and {clauses[-1]}"
    return _caption(span.start_seconds, span.end_seconds, sentence(text), used)


def _sorted_into(spans: Sequence[Segment], evidence: Evidence) -> list[list[Segment]]:
    """For each span, the segments that overlap it."""
    starts = [span.start_seconds for span in spans]
    inside: list[list[Segment]] = [[] for _ in spans]
    for segment in evidence.timeline.segments:
        if segment.kind in ("shot", "keyframe"):
            continue
        at = max(0, bisect_right(starts, segment.start_seconds) - 1)
        while at < len(spans) and spans[at].start_seconds <= segment.end_seconds:
            if segment.overlap_seconds(spans[at]) > 0:
                inside[at].append(segment)
            at += 1
    return inside


def _clauses(
    segments: Sequence[Segment], duration: float, *, span: Segment | None = None
) -> tuple[list[str], list[Ground]]:
    """(what happens, as clauses; the segments that say so, each with what it says)."""
    kinds: dict[str, list[Segment]] = {}
    for segment in segments:
        if is_sure(segment):
            kinds.setdefault(segment.kind, []).append(segment)
    told: list[str] = []
    used: list[Ground] = []
    actions = [one for one in kinds.get("action", ()) if is_something(one)]
    done = _by_share(actions, span)
    if done:
        verb = "action is" if len(done) == 1 else "actions are"
        left = len(done) - _MAX_ACTIONS
        names = [*map(quoted, done[:_MAX_ACTIONS]), *([f"{left} more"] if left > 0 else [])]
        told.append(f"the {verb} {join_and(names)}")
        used += _grounds(actions, done[:_MAX_ACTIONS])
    cameras = [one for one in kinds.get("camera", ()) if one.label != "camera unknown"]
    motions, grounds = _camera_motions(cameras, duration, span)
    if motions:
        told.append(_camera_clause(motions))
        used += grounds
    objects = kinds.get("object", [])
    if objects:
        labels = _by_share(objects, span)
        told.append(_object_clause(labels))
        used += _grounds(objects, labels)
    texts = list(dict.fromkeys(one.label for one in kinds.get("text", ())))
    if texts:
        names = [quoted(text) for text in texts[:_MAX_TEXTS]]
        left = len(texts) - len(names)
        names += [f"{counted(left, 'more line')}"] if left else []
        told.append(f"{join_and(names)} {'is' if len(texts) == 1 else 'are'} written")
        used += _grounds(kinds["text"], texts[:_MAX_TEXTS])
    return told, used


def _grounds(segments: Iterable[Segment], told: Sequence[str]) -> list[Ground]:
    """Each segment with what it says: its label where that is told, and else that there is more of its kind."""
    return [(one.kind + (one.label if one.label in told else ""), one) for one in segments]


def _camera_motions(
    cameras: Sequence[Segment], duration: float, span: Segment | None
) -> tuple[list[str], list[Ground]]:
    """(what the camera does, the longest first; the segments that say so).

    A handheld camera pans in many short stretches: what counts is how long it pans in all. A direction is told where
    it takes its share of the panning.
    """
    verbs: dict[str, dict[str, float]] = {}  # verb → {motion: seconds}
    for one in cameras:
        for motion in _motions(one):
            lasting = verbs.setdefault(motion.partition(" ")[0], {})
            lasting[motion] = lasting.get(motion, 0.0) + _seconds(one, span)
    longest = sorted(verbs.values(), key=lambda lasting: -sum(lasting.values()))
    kept = [one for one in longest if sum(one.values()) >= _MIN_SHARE * duration] or longest[:1]
    told: list[str] = []
    for lasting in kept:
        least = min(_MIN_SHARE * sum(lasting.values()), max(lasting.values()))
        told += sorted((one for one in lasting if lasting[one] >= least), key=lambda one: -lasting[one])
    grounds: dict[int, Ground] = {}
    by_length = sorted(cameras, key=lambda one: -_seconds(one, span))
    for motion in told:
        saying = [one for one in by_length if motion in _motions(one)]
        grounds = {id(one): (motion, one) for one in saying[:_MAX_CAMERA_EVIDENCE]} | grounds
    return told, sorted(grounds.values(), key=lambda ground: ground[1].start_seconds)


def _motions(camera: Segment) -> list[str]:
    """What one segment says of the camera.

    >>> [_motions(Segment(0, 1, "camera", f"camera {says}")) for says in ("pans left, shakes", "static")]
    [['pans left', 'shakes'], ['stands still']]
    """
    parts = camera.label.removeprefix("camera ").split(", ")
    return ["stands still" if part == "static" else part for part in parts]


def _camera_clause(motions: Sequence[str]) -> str:
    """Several motions of the camera as one clause.

    >>> _camera_clause(["stands still", "pans left", "shakes", "pans right"])
    'the camera stands still, pans left and right, and shakes'
    """
    return f"the camera {_grouped(motions)}"


def _object_clause(labels: Sequence[str]) -> str:
    """Several object labels as one clause.

    >>> _object_clause(["something moves left", "something falls", "something moves up"])
    'something moves left and up, and falls'
    """
    return f"something {_grouped(label.removeprefix('something ') for label in labels)}"


def _grouped(words: Iterable[str]) -> str:
    """Verbs with their directions, each verb once."""
    verbs: dict[str, dict[str, None]] = {}
    for word in words:
        verb, _, where = word.partition(" ")
        verbs.setdefault(verb, {}).update({where: None} if where else {})
    parts = [f"{verb} {join_and(where)}".strip() for verb, where in verbs.items()]
    has_inner = any(len(where) > 1 for where in verbs.values())
    # "moves left and up and falls" is hard to read: a comma parts what belongs together.
    return f"{', '.join(parts[:-1])}, and {parts[-1]}" if has_inner and len(parts) > 1 else join_and(parts)


def _by_share(segments: Iterable[Segment], span: Segment | None) -> list[str]:
    """Labels, those that last longest first."""
    seconds: dict[str, float] = {}
    for one in segments:
        seconds[one.label] = seconds.get(one.label, 0.0) + _seconds(one, span)
    return sorted(seconds, key=lambda label: -seconds[label])


def _seconds(segment: Segment, span: Segment | None) -> float:
    return segment.duration_seconds if span is None else segment.overlap_seconds(span)


def _caption(start: float, end: float, text: str, used: Sequence[Ground]) -> Segment:
    # The evidence is cut short: each thing that is told has its first segment before any has its second.
    counts: Counter[str] = Counter()
    turns = []
    for says, _ in used:
        turns.append(counts[says])
        counts[says] += 1
    kept = sorted(sorted(range(len(used)), key=turns.__getitem__)[:_MAX_EVIDENCE])
    rows = [[one.start_seconds, one.end_seconds, one.kind, one.label] for one in (used[at][1] for at in kept)]
    return Segment(start, max(start, end), "caption", text, None, {"model": "evidence", "evidence": rows})
