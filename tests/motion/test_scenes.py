"""The observer of scenes: findings of a known sequence, interruptions, bounded memory."""

import itertools
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from motion.scenery import dissolve, noisy, pan, scene, still
from muybridge.motion.scenes import ScenesObserver
from muybridge.observer import Finding, Observer, Resumable
from muybridge.values import Frame, Picture, Segment, Timeline, VideoMetadata

FPS = 25.0


def story() -> list[NDArray[np.uint8]]:
    """A cut at 3 s, a dissolve from 6 s to 6.8 s, a fast pan from 10.8 s to 12.4 s."""
    a, b = scene(1), scene(2)
    moving = pan(600, 40, 5, seed=4)
    pictures = still(a, 75) + still(b, 75) + dissolve(b, moving[0], 20) + still(moving[0], 100)
    return noisy([*pictures, *moving, *still(moving[-1], 115)], 2.0)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    big = [cv2.resize(p, (240, 136), interpolation=cv2.INTER_CUBIC) for p in story()]
    return [Frame(np.asarray(p, np.uint8), 1.5 + n / FPS, 1 / FPS, n) for n, p in enumerate(big)]


def watch(frames: list[Frame], observer: ScenesObserver | None = None) -> list[Finding]:
    observer = observer or ScenesObserver()
    observer.start(VideoMetadata("story"))
    findings = [found for frame in frames for found in observer.observe(frame)]
    return findings + list(observer.finish(frames[-1].pts_seconds + 1 / FPS if frames else 0.0))


@pytest.fixture(scope="module")
def findings(frames: list[Frame]) -> list[Finding]:
    return watch(frames)


def test_it_is_an_observer_that_can_be_resumed() -> None:
    assert isinstance(ScenesObserver(), Observer)
    assert isinstance(ScenesObserver(), Resumable)


def test_the_story_is_told(findings: list[Finding]) -> None:
    timeline = Timeline.of_findings(VideoMetadata("story"), findings)
    shots = timeline.of("shot")
    assert [shot.attributes["transition"] for shot in shots] == ["start", "cut", "dissolve"]
    assert [shot.start_seconds for shot in shots] == pytest.approx([1.5, 4.5, 7.9], abs=0.1)
    assert all(a.end_seconds == b.start_seconds for a, b in itertools.pairwise(shots))
    assert shots[-1].end_seconds == pytest.approx(1.5 + 425 / FPS)
    assert shots[2].attributes["transition_start_seconds"] == pytest.approx(7.5, abs=0.1)
    assert shots[2].attributes["transition_end_seconds"] == pytest.approx(8.3, abs=0.1)
    [spike] = timeline.of("motion")
    assert spike.start_seconds <= 12.4
    assert spike.end_seconds >= 13.8
    signal = timeline.signal("motion energy")
    assert signal is not None
    assert signal.seconds.tolist() == [1.5 + n for n in range(17)]


def test_keyframes_stand_for_shots_and_movement(frames: list[Frame], findings: list[Finding]) -> None:
    timeline = Timeline.of_findings(VideoMetadata("story"), findings)
    keyframes = timeline.of("keyframe")
    assert [keyframe.attributes["reason"] for keyframe in keyframes] == [
        "shot",
        "shot",
        "shot",
        "motion",
    ] or [keyframe.attributes["reason"] for keyframe in keyframes] == ["shot", "shot", "motion", "shot"]
    pictures = {picture.name: picture for picture in timeline.pictures}
    assert len(pictures) == len(keyframes) == 4
    for keyframe in keyframes:
        assert not 7.5 < keyframe.start_seconds < 8.25, "in the dissolve"
        picture = pictures[keyframe.attributes["picture"]]
        assert picture.pts_seconds == keyframe.start_seconds
        decoded = cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
        assert decoded.shape == (136, 240, 3) == (picture.height, picture.width, 3)
        shown = frames[round((picture.pts_seconds - 1.5) * FPS)].pixels
        assert np.abs(decoded.astype(int) - shown).mean() < 8


def test_the_sharpest_frame_wins() -> None:
    sharp = np.kron(scene(3)[::4, ::4], np.ones((4, 4, 1))).astype(np.uint8)
    blurred = [np.asarray(cv2.GaussianBlur(sharp, (0, 0), 3), np.uint8)] * 40
    pictures = [*blurred, sharp, *blurred]
    findings = watch([Frame(p, n / 10, 0.1, n) for n, p in enumerate(pictures)])
    [keyframe] = [f for f in findings if isinstance(f, Segment) and f.kind == "keyframe"]
    assert keyframe.start_seconds == 4.0


@pytest.mark.parametrize("stop", [1, 75, 150, 171, 330])
def test_an_interrupted_watch_finds_the_same(frames: list[Frame], findings: list[Finding], stop: int) -> None:
    first = ScenesObserver()
    first.start(VideoMetadata("story"))
    resumed = [found for frame in frames[:stop] for found in first.observe(frame)]
    state = freeze(first.state())
    second = ScenesObserver()
    second.start(VideoMetadata("story"))
    second.restore(state)
    resumed += [found for frame in frames[stop:] for found in second.observe(frame)]
    resumed += second.finish(frames[-1].pts_seconds + 1 / FPS)
    assert resumed == findings


def freeze(value: Any) -> Any:
    """A deep copy that holds nothing but what a state may hold."""
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        return {key: freeze(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [freeze(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return value.copy()
    assert value is None or isinstance(value, (bool, int, float, str, bytes)), type(value)
    return value


def test_memory_is_bounded_however_long_a_shot() -> None:
    observer = ScenesObserver()
    observer.start(VideoMetadata("still"))
    moving = noisy(pan(300, 100, 1), 3.0)
    for number in range(2000):
        list(observer.observe(Frame(moving[number % 100], number / 10, 0.1, number)))
    keeper = observer._keeper
    assert len(keeper._shot) <= 8
    assert len(keeper._recent) < 130
    assert len(keeper._lively) <= 24
    assert len(observer._meter._steps) < 130


def test_black_is_no_keyframe_where_there_is_something_else() -> None:
    black, picture = np.zeros((72, 128, 3), np.uint8), scene(3)
    pictures = still(black, 40) + dissolve(black, picture, 15) + still(picture, 20)
    [found] = [
        f
        for f in watch([Frame(p, n / FPS, 1 / FPS, n) for n, p in enumerate(pictures)])
        if isinstance(f, Segment) and f.kind == "keyframe"
    ]
    assert found.start_seconds > 1.7


@pytest.mark.parametrize("num", [0, 1, 2])
def test_very_short_sources(num: int) -> None:
    findings = watch([Frame(scene(1), n / FPS, 1 / FPS, n) for n in range(num)])
    segments = [f for f in findings if isinstance(f, Segment)]
    if num == 0:
        assert findings == []
    else:
        assert [segment.kind for segment in segments] == ["shot", "keyframe"]
        assert segments[0].end_seconds == num / FPS


def test_without_pictures() -> None:
    findings = watch(
        [Frame(scene(1), n / FPS, 1 / FPS, n) for n in range(30)], ScenesObserver(pictures=False)
    )
    assert not any(isinstance(found, Picture) for found in findings)
    assert not any("picture" in found.attributes for found in findings if isinstance(found, Segment))
