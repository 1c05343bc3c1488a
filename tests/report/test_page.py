"""What the page is made of, without a browser; `test_page_in_browser.py` uses it as a person does."""

import base64
import hashlib
import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from muybridge.report.page import MAX_SIGNAL_POINTS, render_page, video_href
from muybridge.values import Picture, Segment, Signal, Timeline, VideoMetadata

HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked=2">\'"&{{7*7}}<!--'


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert isinstance(data, dict)
    return data


@pytest.mark.parametrize(
    ("video", "folder", "expected"),
    [
        ("cat.mp4", "cat-report", "../cat.mp4"),
        ("clips/cat.mp4", "clips", "./cat.mp4"),
        ("a b/100%?#é.mp4", "out/deep/er", "../../../a%20b/100%25%3F%23%C3%A9.mp4"),
        ("javascript:alert(1).mp4", ".", "./javascript%3Aalert%281%29.mp4"),
        ('"><script>.mp4', ".", "./%22%3E%3Cscript%3E.mp4"),
        (os.fsdecode(b"\xff.mp4"), ".", "./%FF.mp4"),
        ("https://example.org/cat.mp4", ".", None),
        ("", ".", None),
    ],
)
def test_the_address_of_the_video(video: str, folder: str, expected: str | None) -> None:
    assert video_href(video, folder) == expected


def test_every_word_of_the_outside_is_escaped() -> None:
    timeline = Timeline(
        VideoMetadata(f"clips/{HOSTILE.replace('/', '')}.mp4", codec=HOSTILE),
        (Segment(0, 1, HOSTILE, HOSTILE, None, {HOSTILE: HOSTILE}), Segment(0, 1, "text", HOSTILE)),
        (Signal(HOSTILE, np.array([0.0]), np.array([1.0]), HOSTILE),),
        (),
        (HOSTILE,),
    )
    page = render_page(timeline, video_href="./x.mp4")
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img src=x" not in page
    assert "49" not in data_of(page)["codec"]  # type: ignore[operator]
    assert data_of(page)["codec"] == HOSTILE


def test_the_policy_names_exactly_the_script_and_the_style_of_the_page() -> None:
    page = render_page(Timeline(VideoMetadata("cat.mp4")))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "default-src 'none'" in policy[1]
    for tag in ("script", "style"):
        content = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert content
        digest = base64.b64encode(hashlib.sha256(content[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy[1]


def test_the_page_loads_nothing_from_elsewhere() -> None:
    page = render_page(Timeline(VideoMetadata("cat.mp4")), video_href="../cat.mp4", files=["text.srt"])
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,", "#timeline", "../cat.mp4", "text.srt"]
    assert not re.search(r"https?://|@import|url\(", page)


def test_times_count_from_the_first_frame() -> None:
    metadata = VideoMetadata("cat.ts", duration_seconds=5.0, start_seconds=36_000.0)
    signal = Signal("energy", np.array([36_001.0]), np.array([0.5]))
    data = data_of(render_page(Timeline(metadata, (Segment(36_002, 36_003, "shot"),), (signal,))))
    assert data["lanes"][0]["segments"][0][:2] == [2.0, 3.0]  # type: ignore[index]
    assert data["signals"][0]["seconds"] == [1.0]  # type: ignore[index]


def test_lanes_stand_in_their_order_and_unknown_kinds_follow_by_name() -> None:
    kinds = ["zebra", "text", "action", "moment", "shot", "motion", "camera", "keyframe"]
    timeline = Timeline(VideoMetadata("cat.mp4"), tuple(Segment(0, 1, kind) for kind in kinds))
    lanes = data_of(render_page(timeline))["lanes"]
    assert [lane["kind"] for lane in lanes] == [  # type: ignore[attr-defined]
        "shot", "keyframe", "motion", "camera", "action", "text", "moment", "zebra",
    ]  # fmt: skip


def test_a_long_signal_is_thinned_without_losing_its_spike() -> None:
    values = np.zeros(100_000)
    values[77_777] = 9.0
    values[5] = np.nan
    signal = Signal("energy", np.arange(100_000) / 25.0, values)
    (thin,) = data_of(render_page(Timeline(VideoMetadata("a.mp4"), (), (signal,))))["signals"]  # type: ignore[misc]
    assert len(thin["values"]) == len(thin["seconds"]) == MAX_SIGNAL_POINTS
    spike = thin["values"].index(9.0)
    assert abs(thin["seconds"][spike] - 77_777 / 25) < 0.2


def test_thumbnails_are_small_and_damaged_pictures_are_absent() -> None:
    image = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    jpeg = bytes(cv2.imencode(".jpg", image)[1].tobytes())
    pictures = (
        Picture("a", jpeg, 0.0, 1280, 720),
        Picture("b", b"no jpeg", 1.0, 8, 8),
        Picture("c", b"", 2.0, 8, 8),
    )
    page = data_of(render_page(Timeline(VideoMetadata("a.mp4"), (), (), pictures)))["pictures"]
    first, second, third = page  # type: ignore[misc]
    small = cv2.imdecode(np.frombuffer(base64.b64decode(first["thumbnail"].partition(",")[2]), np.uint8), 1)
    assert small.shape[:2] == (120, 213)
    assert second["thumbnail"] is None
    assert third["thumbnail"] is None
    assert third["href"] is None


def test_a_camera_address_does_not_show_its_password() -> None:
    page = render_page(Timeline(VideoMetadata("rtsp://admin:secret@10.0.0.7/stream1")))
    assert "secret" not in page
    assert "rtsp://10.0.0.7/stream1" in page


def test_an_empty_timeline_has_a_page(tmp_path: Path) -> None:
    assert data_of(render_page(Timeline(VideoMetadata(""))))["lanes"] == []
