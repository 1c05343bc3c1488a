"""One decode for all: files, arrays and a resumed pass give the same findings; a new observer needs no change here."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from muybridge.cores import num_threads
from muybridge.errors import OptionError
from muybridge.observer import Finding, Observer, Resumable, View
from muybridge.pipeline import Pass, watch
from muybridge.pipeline.encoding import decode, decode_findings, encode, encode_findings
from muybridge.pipeline.passes import prefetch, shared_cores
from muybridge.values import Frame, Picture, Segment, Signal, Timeline, VideoMetadata
from muybridge.video import open_video
from muybridge.video.picture import ArrayPicture, MomentPicture


class BrightnessObserver:
    """An observer as a third party would write one: when is the picture brighter than a level?"""

    def __init__(self, name: str = "brightness", view: View | None = None, level: float = 90.0) -> None:
        self.name = name
        self.view = view or View(short_side_px=12, pixel_format="gray8")
        self.level = level
        self.shapes: set[tuple[int, ...]] = set()
        self.num_seen = 0
        self.since: float | None = None

    def settings(self) -> Mapping[str, Any]:
        return {"level": self.level}

    def start(self, source: VideoMetadata) -> None:
        self.since = None

    def observe(self, frame: Frame) -> Iterable[Finding]:
        self.shapes.add(frame.pixels.shape)
        self.num_seen += 1
        bright = frame.pixels.mean() > self.level
        if bright and self.since is None:
            self.since = frame.pts_seconds
        elif not bright and self.since is not None:
            since, self.since = self.since, None
            yield Segment(since, frame.pts_seconds, "bright", "bright")
        yield Signal("brightness", np.array([frame.pts_seconds]), np.array([frame.pixels.mean()]))

    def finish(self, end_seconds: float) -> Iterable[Finding]:
        if self.since is not None:
            yield Segment(self.since, end_seconds, "bright", "bright")

    def state(self) -> Mapping[str, Any]:
        return {"since": self.since}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.since = state["since"]


def steps(num_frames: int = 60) -> Iterator[ArrayPicture]:
    """A second of dark, a second of light, and so on, at 10 per second."""
    for index in range(num_frames):
        pixels = np.full((24, 32, 3), 200 if index // 10 % 2 else 20, np.uint8)
        yield ArrayPicture(pixels, pts_seconds=index / 10, duration_seconds=0.1, index=index)


SOURCE = VideoMetadata("steps", width=32, height=24)


def test_the_example_is_an_observer() -> None:
    assert isinstance(BrightnessObserver(), Observer)
    assert isinstance(BrightnessObserver(), Resumable)


def test_findings_are_segments_on_the_sources_clock() -> None:
    timeline = Timeline.of_findings(SOURCE, watch(steps(), [BrightnessObserver()], SOURCE))
    spans = [(s.start_seconds, s.end_seconds) for s in timeline.of("bright")]
    assert spans == [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)]
    signal = timeline.signal("brightness")
    assert signal is not None
    assert len(signal) == 60


def test_each_gets_its_own_view_and_equal_views_are_made_once() -> None:
    observers = [
        BrightnessObserver("small"),
        BrightnessObserver("color", View(max_side_px=16)),
        BrightnessObserver("slow", View(frames_per_second=2)),
    ]
    pictures = [
        ArrayPicture(np.zeros((24, 32, 3), np.uint8), pts_seconds=index / 10, index=index)
        for index in range(20)
    ]
    watch(pictures, observers, SOURCE)
    assert [observer.shapes for observer in observers] == [{(12, 16)}, {(12, 16, 3)}, {(24, 32, 3)}]
    assert [observer.num_seen for observer in observers] == [20, 20, 4]
    first = pictures[0]
    assert first.frame(View(short_side_px=12)).pixels is first.frame(View(max_side_px=16)).pixels


class Failing(BrightnessObserver):
    """An observer with a bug."""

    def observe(self, frame: Frame) -> Iterable[Finding]:
        if frame.index == 5:
            raise RuntimeError("a bug")
        return []


def test_an_observers_bug_is_not_hidden_and_leaves_no_thread(sample_video: Path) -> None:
    with open_video(sample_video) as video, pytest.raises(RuntimeError, match="a bug"):
        watch(video.pictures(), [Failing()], video.metadata)
    assert not [thread for thread in threading.enumerate() if thread.name == "muybridge-decode"]


def test_the_last_of_several_passes_puts_the_threads_back() -> None:
    before = cv2.getNumThreads(), torch.get_num_threads()
    cv2.setNumThreads(3)
    torch.set_num_threads(3)
    try:
        first, second = shared_cores(), shared_cores()
        first.__enter__()
        second.__enter__()
        assert cv2.getNumThreads() == 1
        first.__exit__(None, None, None)
        assert (cv2.getNumThreads(), torch.get_num_threads() < 3 or num_threads() > 5) == (1, True)
        second.__exit__(None, None, None)
        assert (cv2.getNumThreads(), torch.get_num_threads()) == (3, 3)
    finally:
        cv2.setNumThreads(before[0])
        torch.set_num_threads(before[1])


def test_a_sources_error_reaches_the_caller() -> None:
    def broken() -> Iterator[ArrayPicture]:
        yield from steps(3)
        raise OSError("the cable was pulled")

    with pytest.raises(OSError, match="cable"):
        watch(broken(), [BrightnessObserver()], SOURCE)


def test_a_pass_that_is_left_early_ends_its_thread(sample_video: Path) -> None:
    with open_video(sample_video) as video:
        ahead = prefetch(video.pictures(), [BrightnessObserver()])
        assert next(ahead).index == 0
    ahead.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "muybridge-decode"]


def test_closer_shows_the_same_moment_in_another_size() -> None:
    picture = next(steps(1))
    small = picture.frame(View(short_side_px=6, pixel_format="gray8"))
    assert small.closer is not None
    full = small.closer(View())
    assert full.pixels.shape == (24, 32, 3)
    assert full.pts_seconds == small.pts_seconds


def test_a_file_and_its_frames_give_the_same_findings(shared: Path) -> None:
    """What a camera would deliver: full-size RGB arrays with times."""
    with open_video(shared / "clips/carphone_pristine.mp4") as video:
        from_file = watch(video.pictures(), [BrightnessObserver(view=View())], video.metadata)
        arrays = (
            ArrayPicture(
                f.pixels, pts_seconds=f.pts_seconds, duration_seconds=f.duration_seconds, index=f.index
            )
            for f in video
        )
        from_arrays = watch(arrays, [BrightnessObserver(view=View())], video.metadata)
    assert encode_findings(from_file) == encode_findings(from_arrays)


@pytest.mark.parametrize("stop_after", [1, 7, 15, 33, 59])
def test_a_pass_that_was_cut_off_goes_on_as_if_nothing_had_been(stop_after: int) -> None:
    whole = watch(steps(), [BrightnessObserver(view=View(frames_per_second=7))], SOURCE)
    first = Pass([BrightnessObserver(view=View(frames_per_second=7))], SOURCE)
    pictures: list[MomentPicture] = list(steps())
    for picture in pictures[:stop_after]:
        first.see(picture)
    saved = decode(encode(first.state()))
    findings = decode_findings(decode(encode(encode_findings(first.findings("brightness")))))
    second = Pass([BrightnessObserver(view=View(frames_per_second=7))], SOURCE)
    second.restore(saved, {"brightness": findings})
    for picture in pictures[stop_after:]:
        second.see(picture)
    second.finish()
    assert encode_findings(second.findings("brightness")) == encode_findings(whole)


def test_two_observers_of_one_name_are_refused() -> None:
    with pytest.raises(OptionError, match="one name"):
        watch(steps(), [BrightnessObserver(), BrightnessObserver()], SOURCE)


def test_encoding_keeps_arrays_and_bytes_and_refuses_objects() -> None:
    value = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": b"\x00\xff",
        "c": [1, None, "é"],
        "d": np.int8(3),
    }
    back = decode(encode(value))
    np.testing.assert_array_equal(back["a"], value["a"])
    assert back["a"].dtype == np.float32
    assert (back["b"], back["c"], back["d"]) == (b"\x00\xff", [1, None, "é"], 3)
    with pytest.raises(TypeError, match="object"):
        encode({"x": object()})
    with pytest.raises((ValueError, TypeError)):
        decode('{"__array__": "AAAA", "dtype": "|O", "shape": [1]}')


def test_pictures_survive_the_cache() -> None:
    picture = Picture("keyframe-0001", b"\xff\xd8jpeg", 1.5, 4, 3)
    assert decode_findings(decode(encode(encode_findings([picture])))) == [picture]
