"""A timeline → one HTML page that needs no network: its styles, its script and its small pictures are inside.

    Timeline ─► page data (JSON, on the page's clock) ┐
    report.css, *.js ─────────────────────────────────┼─► report.html.jinja ─► the page
    summary, warnings (escaped by the template) ──────┘

Words from the screen, labels and file names are anybody's words. They enter the page escaped by the template
or as JSON that cannot end its element, the script puts them into text nodes only, and a content security
policy names the one script by its hash: whatever else would want to run or to load does not.

The page counts from the video's first frame. Players differ in what they call that moment: the script asks
the player (see `player.js`).
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib.resources import files as package_files
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

import jinja2
import numpy as np
from numpy.typing import NDArray

from muybridge.language.answer import answer_question
from muybridge.language.caption import caption_timeline
from muybridge.language.evidence import Evidence
from muybridge.language.grammar import page_grammar
from muybridge.language.question import Subject
from muybridge.report.strict_json import json_values
from muybridge.values import Picture, Segment, Signal, Timeline, VideoMetadata

__all__ = ["page_hash", "render_page", "video_href"]

SCRIPTS = ("data", "player", "lanes", "timeline", "lists", "question", "ask", "main")
"""The parts of the page's script, in the order in which they are joined."""

KINDS = {
    "shot": ("Shots", "shot"),
    "keyframe": ("Keyframes", "keyframe"),
    "motion": ("Motion", "motion"),
    "camera": ("Camera", "camera"),
    "object": ("Objects", "moving object"),
    "action": ("Actions", "action"),
    "caption": ("Captions", "caption"),
    "text": ("Text", "text"),
}
"""The kinds in the order of their lanes: title, and what one is called. Other kinds follow by name."""

FACTS = {
    "size": "What is the resolution?",
    "codec": "Which codec is used?",
    "container": "Which container is it?",
    "frame_rate": "What is the frame rate?",
    "rotation": "What is the rotation?",
    "damage": "Is the video damaged?",
    "frames": "How many frames are there?",
}
"""Questions that are answered while the page is made."""

SIGNALS_AFTER = "motion"
THUMBNAIL_HEIGHT_PX = 120
MAX_SIGNAL_POINTS = 20_000
MAX_DETAILS = 6


def render_page(timeline: Timeline, *, video_href: str | None = None, files: Iterable[str] = ()) -> str:
    """The page as HTML text.

    Args:
        timeline: what the page shows.
        video_href: the video's address seen from the page, percent-encoded; None for a page without player.
        files: names of files beside the page that it offers to take away.

    >>> timeline = Timeline(VideoMetadata("cat.mp4"), (Segment(1, 2, "text", "</script><script>alert(1)"),))
    >>> "<script>alert" in render_page(timeline)
    False
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("muybridge.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    summary, timeline = _told(timeline)
    data = json_values(_data(timeline, video_href))
    style = _template("report.css")
    body = "\n".join(_template(f"{name}.js") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{body}\n}})();\n'
    return environment.get_template("report.html.jinja").render(
        name=_name(timeline.metadata),
        facts=_facts(timeline),
        counts=[(lane["title"], len(lane["segments"])) for lane in data["lanes"]],
        summary=summary,
        timeline=timeline,
        video_href=video_href,
        files=list(files),
        data=data,
        style=style,
        style_hash=page_hash(style),
        script=script,
        script_hash=page_hash(script),
    )


def video_href(video_path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> str | None:
    """Where a page in `folder` finds the video; None for a stream, which a page cannot play again.

    Args:
        video_path: the video, seen from the working directory.
        folder: the page's folder, seen from the working directory.

    >>> video_href("clips/50% & more #1.mp4", "out/report")
    '../../clips/50%25%20%26%20more%20%231.mp4'
    >>> video_href("rtsp://camera/1", "out") is None
    True
    """
    if "://" in os.fspath(video_path) or not os.fspath(video_path):
        return None
    target = Path(os.path.abspath(video_path))  # noqa: PTH100  (resolve() would follow links out of the folder)
    try:
        relative = os.path.relpath(target, os.path.abspath(folder))  # noqa: PTH100
    except ValueError:  # another drive of Windows
        return target.as_uri()
    address = quote(os.fsencode(PurePath(relative).as_posix()))
    # A first part with a colon would be taken for a scheme; quote() encodes it, the dot makes it plain.
    return address if address.startswith("../") else f"./{address}"


def _data(timeline: Timeline, href: str | None) -> dict[str, Any]:
    metadata = timeline.metadata
    zero = metadata.start_seconds
    ends = [segment.end_seconds - zero for segment in timeline.segments]
    ends += [float(signal.seconds[-1]) - zero for signal in timeline.signals if len(signal)]
    return {
        "name": _name(metadata),
        "video": href,
        "codec": metadata.codec,
        "aspect": metadata.width / metadata.height if metadata.width and metadata.height else None,
        "startSeconds": zero,
        "durationSeconds": max([timeline.duration_seconds, *ends], default=0.0),
        "lanes": _lanes(timeline),
        "signals": [_signal(signal, zero) for signal in timeline.signals if len(signal)],
        "pictures": [_picture(picture, zero) for picture in _in_order(timeline.pictures)],
        "signalsAfter": SIGNALS_AFTER,
        "language": _language(timeline),
    }


def _told(timeline: Timeline) -> tuple[str, Timeline]:
    """(the sentence of the whole video, the timeline with the sentences of its parts)."""
    whole, *parts = caption_timeline(timeline)
    if timeline.of("caption"):
        return timeline.of("caption")[0].label, timeline
    return whole.label, replace(timeline, segments=(*timeline.segments, *parts))


def _language(timeline: Timeline) -> dict[str, Any]:
    """What the page's script answers questions with: the words of the grammar, and facts that no lane holds."""
    evidence = Evidence(timeline)
    zero = timeline.metadata.start_seconds
    facts = {name: answer_question(timeline, question) for name, question in FACTS.items()}
    return {
        "grammar": page_grammar(),
        "kinds": [kind for kind in KINDS if evidence.looked_for(kind)],
        "transitions": [
            [round(one.start_seconds - zero, 6), round(one.end_seconds - zero, 6), one.label]
            for one in evidence.find(Subject("transition"))
        ],
        "durationSeconds": timeline.duration_seconds,
        "facts": {name: answer.text for name, answer in facts.items() if answer.known},
    }


def _lanes(timeline: Timeline) -> list[dict[str, Any]]:
    metadata = timeline.metadata
    kinds: dict[str, list[Segment]] = {}
    for segment in timeline.segments:
        kinds.setdefault(segment.kind, []).append(segment)
    order = [*KINDS, *sorted(set(kinds) - set(KINDS))]
    names = [picture.name for picture in _in_order(timeline.pictures)]
    places = {name: place for place, name in enumerate(names)}
    lanes = []
    for kind in (kind for kind in order if kind in kinds):
        word = kind.replace("_", " ").replace("-", " ").strip() or "segment"
        title, one = KINDS.get(kind, (word[0].upper() + word[1:], word))
        rows = [
            [
                round(segment.start_seconds - metadata.start_seconds, 6),
                round(segment.end_seconds - metadata.start_seconds, 6),
                segment.label,
                None if segment.score is None else round(segment.score, 4),
                places.get(str(segment.attributes.get("picture")), -1),
                _details(segment.attributes),
            ]
            for segment in kinds[kind]
        ]
        lanes.append({"kind": kind, "title": title, "one": one, "segments": rows})
    return lanes


def _details(attributes: Mapping[str, Any]) -> str:
    """The short facts among a segment's attributes, as one line."""
    facts = []
    for key, value in json_values(attributes).items():
        if key == "picture" or value is None or value is False or isinstance(value, dict | list):
            continue
        name = key.replace("_", " ")
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        if len(shown) <= 60:
            facts.append(name if value is True else f"{name}: {shown}")
    return " · ".join(facts[:MAX_DETAILS])


def _signal(signal: Signal, zero: float) -> dict[str, Any]:
    seconds, values = _thin(signal.seconds, signal.values)
    return {
        "name": (signal.name[:1].upper() + signal.name[1:]).replace("_", " "),
        "unit": signal.unit,
        "seconds": np.round(seconds - zero, 3).tolist(),
        "values": [float(f"{value:.4g}") for value in values.tolist()],
    }


def _thin(
    seconds: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most `MAX_SIGNAL_POINTS` of the points: the largest of each run, so that no spike is lost."""
    if len(values) <= MAX_SIGNAL_POINTS:
        return seconds, values
    runs = np.array_split(np.nan_to_num(values, nan=-np.inf), MAX_SIGNAL_POINTS)
    starts = np.cumsum([0, *(len(run) for run in runs[:-1])])
    peaks = starts + np.array([int(run.argmax()) for run in runs])
    return seconds[starts], values[peaks]


def _picture(picture: Picture, zero: float) -> dict[str, Any]:
    return {
        "seconds": round(picture.pts_seconds - zero, 6),
        "href": f"pictures/{quote(picture.file_name)}" if picture.jpeg else None,
        "thumbnail": _thumbnail(picture.jpeg),
        "width": picture.width,
        "height": picture.height,
    }


def _thumbnail(jpeg: bytes) -> str | None:
    """A small copy as a data URI; None where the bytes are no picture."""
    import cv2

    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if image is None:
        return None
    height, width = image.shape[:2]
    scale = min(1.0, THUMBNAIL_HEIGHT_PX / height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 78])
    return "data:image/jpeg;base64," + base64.b64encode(encoded.tobytes()).decode()


def _in_order(pictures: Iterable[Picture]) -> list[Picture]:
    return sorted(pictures, key=lambda picture: picture.pts_seconds)


def _facts(timeline: Timeline) -> list[tuple[str, str]]:
    """What the header says of the video: (what, value)."""
    metadata = timeline.metadata
    facts = [("Length", _clock(timeline.duration_seconds))]
    if metadata.width and metadata.height:
        facts.append(("Size", f"{metadata.width} \u00d7 {metadata.height}"))
    if metadata.codec:
        facts.append(("Codec", metadata.codec))
    if metadata.frames_per_second:
        kind = ", variable" if metadata.frame_rate_kind == "variable" else ""
        facts.append(("Frame rate", f"{metadata.frames_per_second:.4g} per second{kind}"))
    if metadata.num_frames is not None:
        facts.append(("Frames", f"{metadata.num_frames:,}"))
    if metadata.start_seconds:
        facts.append(
            ("First frame", f"at {metadata.start_seconds:.3f} s of the source; this page counts from it")
        )
    return facts


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _name(metadata: VideoMetadata) -> str:
    if "://" in metadata.path:
        return re.sub(r"//[^/@]*@", "//", metadata.path)  # a camera's address may hold a password
    return PurePath(metadata.path).name or "video"


def _template(name: str) -> str:
    return (package_files("muybridge.report") / "templates" / name).read_text(encoding="utf-8")


def page_hash(text: str) -> str:
    """A script or a style as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
