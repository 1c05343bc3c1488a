"""Moments by words: which stretch of a talk a query describes, from its subtitles and from what was seen."""

from muybridge.language.moments import moments_in_timeline
from muybridge.values import Segment, Timeline, VideoMetadata
from muybridge.video.subtitles import parse_subtitles

SUBTITLES = """\
1
00:00:04,000 --> 00:00:06,500
We left the harbor

2
00:00:06,600 --> 00:00:09,000
at dawn, with the fishermen.

3
00:00:31,000 --> 00:00:34,000
Nobody had seen the lighthouse.
"""
seen = (
    Segment(2.0, 8.0, "camera", "camera pans left", 0.9),
    Segment(12.0, 15.0, "text", "Assernbly point", 0.9),  # one letter was read wrongly
    Segment(20.0, 24.0, "action", "wave", 0.95),
    Segment(28.0, 30.0, "text", "出口", 0.98),
)
timeline = Timeline(VideoMetadata("talk.mp4", duration_seconds=40.0), seen)
for query in (
    "leaving the harbour with fishermen",
    "the camera turns left",
    "the camera turns right",
    "assembly point",
    "a man who was waving",
    "出口",
    "a dog barks",
):
    found = moments_in_timeline(timeline, query, subtitles=parse_subtitles(SUBTITLES))
    print(f"{query:36}{found.explanation}")
