import io

import av

from muybridge.report.interop import to_activitynet, to_ffmetadata
from muybridge.values import Segment, Timeline, VideoMetadata


def timeline_of(*segments: Segment, path: str = "clips/v_7.mp4", start: float = 0.0) -> Timeline:
    return Timeline(VideoMetadata(path, duration_seconds=10.0, start_seconds=start), segments)


def test_activitynet_counts_from_the_first_frame_and_puts_the_likeliest_first() -> None:
    timeline = timeline_of(
        Segment(101.0, 103.0, "action", "wave", 0.4),
        Segment(104.0, 105.5, "action", "clap", 0.9),
        start=100.0,
    )
    assert to_activitynet([timeline]) == {
        "version": "VERSION 1.3",
        "results": {
            "v_7": [
                {"label": "clap", "score": 0.9, "segment": [4.0, 5.5]},
                {"label": "wave", "score": 0.4, "segment": [1.0, 3.0]},
            ]
        },
        "external_data": {},
    }


def test_a_video_without_actions_is_listed_with_none() -> None:
    assert to_activitynet([timeline_of()])["results"] == {"v_7": []}


def test_ffmpeg_reads_the_chapters() -> None:
    labels = ["harbor; night", "a = b # c \\ d", "", "two\nlines"]
    shots = [Segment(100 + n, 101 + n, "shot", label) for n, label in enumerate(labels)]
    text = to_ffmetadata(timeline_of(*shots, start=100.0))
    with av.open(io.BytesIO(text.encode()), format="ffmetadata") as container:
        chapters = container.chapters()
    assert [chapter["metadata"]["title"] for chapter in chapters] == [
        "harbor; night",
        "a = b # c \\ d",
        "shot 3",
        "two lines",
    ]
    spans = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in chapters]
    assert spans == [(0, 1), (1, 2), (2, 3), (3, 4)]
