import itertools
import math

import numpy as np
import pytest

from motion_scenes import HEIGHT, RATE, film, labels, paste, signal, texture, view, watch
from muybridge.errors import OptionError, ShapeError
from muybridge.motion.readings import MotionObserver
from muybridge.observer import Observer, Resumable
from muybridge.values import Frame, Segment, VideoMetadata

SCENE = texture(1)
MAN = texture(2)[:40, :20]
STILL = view(SCENE, 300, 300)


def test_it_is_an_observer_that_can_be_resumed() -> None:
    assert isinstance(MotionObserver(), Observer)
    assert isinstance(MotionObserver(), Resumable)


@pytest.mark.parametrize(
    ("label", "path"),
    [
        ("camera static", lambda t: (300, 300)),
        ("camera pans right", lambda t: (300 + 30 * t, 300)),
        ("camera pans left", lambda t: (300 - 60 * t, 300)),
        ("camera tilts up", lambda t: (300, 300 - 25 * t)),
        ("camera tilts down", lambda t: (300, 300 + 45 * t)),
        ("camera pans right, tilts up", lambda t: (300 + 30 * t, 300 - 30 * t)),
        ("camera zooms in", lambda t: (300, 300, math.exp(0.2 * t))),
        ("camera zooms out", lambda t: (300, 300, math.exp(-0.1 * t))),
        ("camera rolls clockwise", lambda t: (300, 300, 1, 12 * t)),
        ("camera rolls counterclockwise", lambda t: (300, 300, 1, -8 * t)),
        ("camera shakes", lambda t: (300 + 2 * math.sin(23 * t), 300 + 2 * math.cos(19 * t))),
    ],
)
def test_camera_words(label: str, path) -> None:
    findings = watch(film(lambda t: view(SCENE, *path(t)), 3.0))
    assert labels(findings, "camera") == [label]
    assert labels(findings, "object") == []


def test_the_numbers_say_why() -> None:
    findings = watch(film(lambda t: view(SCENE, 300 + 36 * t, 300), 3.0))
    (segment,) = (item for item in findings if isinstance(item, Segment))
    assert segment.attributes["pan_heights_per_second"] == pytest.approx(36 / HEIGHT, rel=0.05)
    assert segment.attributes["roll_degrees_per_second"] == pytest.approx(0, abs=0.3)
    assert (segment.start_seconds, segment.end_seconds) == (0.0, pytest.approx(3.0))
    assert signal(findings, "camera motion").values.mean() == pytest.approx(36 / HEIGHT, rel=0.05)
    assert signal(findings, "object motion").values.max() == 0


@pytest.mark.parametrize("zoom", [0.1, -0.1, 0.3])
def test_a_zoom_is_as_strong_as_it_is(zoom: float) -> None:
    (segment,) = camera_segments(lambda t: view(SCENE, 300, 300, math.exp(zoom * t)))
    assert math.log(segment.attributes["magnification_per_second"]) == pytest.approx(zoom, rel=0.06)


@pytest.mark.parametrize("roll", [8.0, -30.0])
def test_a_roll_is_as_fast_as_it_is(roll: float) -> None:
    (segment,) = camera_segments(lambda t: view(SCENE, 300, 300, 1, roll * t))
    assert segment.attributes["roll_degrees_per_second"] == pytest.approx(roll, rel=0.06)


def test_a_zoom_under_changing_light_and_a_passer_by_is_as_strong_as_it_is() -> None:
    def draw(t: float) -> np.ndarray:
        seen = paste(view(SCENE, 300, 300, math.exp(0.2 * t)), 20 + 40 * t, 45, MAN)
        return np.asarray(seen * (0.8 - 0.1 * t), np.uint8)

    (segment,) = camera_segments(draw)
    assert math.log(segment.attributes["magnification_per_second"]) == pytest.approx(0.2, rel=0.1)


def camera_segments(draw) -> list[Segment]:
    segments = [item for item in watch(film(draw, 3.0)) if isinstance(item, Segment)]
    return [segment for segment in segments if segment.kind == "camera"]


def test_a_pan_begins_and_ends_where_it_does() -> None:
    def draw(t: float) -> np.ndarray:
        return view(SCENE, 300 + 40 * min(max(t - 1.5, 0), 2.0), 300)

    segments = [item for item in watch(film(draw, 5.0)) if isinstance(item, Segment)]
    assert [s.label for s in segments] == ["camera static", "camera pans right", "camera static"]
    assert [s.end_seconds for s in segments] == pytest.approx([1.5, 3.5, 5.0], abs=0.2)
    assert all(a.end_seconds == b.start_seconds for a, b in itertools.pairwise(segments))


@pytest.mark.parametrize("camera", [0.0, 50.0])
def test_an_object_that_crosses_is_no_pan(camera: float) -> None:
    def draw(t: float) -> np.ndarray:
        return paste(view(SCENE, 300 + camera * t, 300), 130 - 25 * t, 45, MAN)

    findings = watch(film(draw, 3.0))
    assert labels(findings, "camera") == ["camera pans right" if camera else "camera static"]
    # In the scene the object under the pan goes right: 50 - 25 pixels per second; on the screen, left.
    assert labels(findings, "object") == (["something moves right"] if camera else ["something moves left"])


def test_a_large_object_over_a_static_camera() -> None:
    big = texture(5)[:80, :70]
    findings = watch(film(lambda t: paste(STILL, 50 + 20 * t, 45, big), 3.0))
    assert labels(findings, "camera") == ["camera static"]
    assert set(labels(findings, "object")) == {"something moves right"}


def test_a_cut_ends_a_segment_and_is_not_averaged_in() -> None:
    other = view(texture(9), 300, 300)
    findings = watch(film(lambda t: STILL if t < 2 else other, 4.0))
    segments = [item for item in findings if isinstance(item, Segment)]
    assert [s.label for s in segments] == ["camera static", "camera static"]
    assert segments[0].attributes["ends_with_cut"]
    assert segments[1].attributes["starts_with_cut"]
    assert segments[0].end_seconds == segments[1].start_seconds == pytest.approx(2.0)
    motion = signal(findings, "camera motion")
    assert len(motion) == 4 * RATE - 2
    assert motion.values.max() < 0.01


def test_a_movement_too_fast_to_follow_is_no_chain_of_cuts() -> None:
    places = [view(texture(20 + n), 300, 300) for n in range(8)]  # nothing of a picture is in the next

    def draw(t: float) -> np.ndarray:
        number = round((t - 2) * RATE)
        return STILL if t < 2 else places[min(number, 7)]

    segments = [item for item in watch(film(draw, 5.0)) if isinstance(item, Segment)]
    assert not any(s.attributes["ends_with_cut"] or s.attributes["starts_with_cut"] for s in segments)
    assert len(segments) <= 3
    nothing = [item for item in watch(film(draw, 2.4)) if isinstance(item, Segment)]
    assert not any(s.attributes["ends_with_cut"] for s in nothing)


def test_a_cut_in_the_last_frame_is_a_cut() -> None:
    findings = watch(Frame(STILL if i < 29 else view(texture(9), 300, 300), i / RATE) for i in range(30))
    segments = [item for item in findings if isinstance(item, Segment)]
    assert segments[0].attributes["ends_with_cut"]
    assert segments[0].end_seconds == pytest.approx(29 / RATE)


@pytest.mark.parametrize("num_unmatched", [1, 2, 5])
def test_a_break_while_nothing_matches_changes_nothing(num_unmatched: int) -> None:
    pictures = [STILL] * 20 + [view(texture(20 + n), 300, 300) for n in range(num_unmatched)]
    pictures += [pictures[-1]] * 20
    frames = [Frame(picture, i / RATE) for i, picture in enumerate(pictures)]
    for place in range(19, 24 + num_unmatched):
        first, second = (MotionObserver(short_side_px=HEIGHT) for _ in range(2))
        for observer in (first, second):
            observer.start(VideoMetadata("made.mp4"))
        got = [f for frame in frames[:place] for f in first.observe(frame)]
        second.restore(first.state())
        got += [f for frame in frames[place:] for f in second.observe(frame)]
        assert [*got, *second.finish(frames[-1].pts_seconds + 1 / RATE)] == watch(frames)


def test_a_change_of_light_is_neither_cut_nor_motion() -> None:
    findings = watch(film(lambda t: np.asarray(STILL * (0.6 if t < 1.5 else 1.0), np.uint8), 3.0))
    assert labels(findings, "camera") == ["camera static"]
    assert labels(findings, "object") == []


def test_flat_frames_say_nothing() -> None:
    findings = watch(film(lambda t: np.full((90, 160), 20, np.uint8), 2.0))
    assert labels(findings, "camera") == ["camera unknown"]
    assert labels(findings, "object") == []


@pytest.mark.parametrize(("num_frames", "said"), [(0, []), (1, ["camera unknown"]), (2, ["camera static"])])
def test_very_short_videos(num_frames: int, said: list[str]) -> None:
    assert labels(watch(Frame(STILL, i / RATE) for i in range(num_frames)), "camera") == said


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_frames_that_lie_far_apart(seconds: float) -> None:
    frames = [Frame(view(SCENE, 300 + 3 * i, 300), i * seconds) for i in range(20)]
    said = "camera pans right" if seconds < 1 else "camera static"
    assert labels(watch(frames), "camera") == [said]


def test_a_size_that_changes_is_a_cut() -> None:
    frames = [Frame(STILL if i < 20 else STILL[:80, :120].copy(), i / RATE) for i in range(40)]
    assert labels(watch(frames), "camera") == ["camera static", "camera static"]


def test_times_that_stand_still_are_left_out() -> None:
    frames = [Frame(view(SCENE, 300 + 2 * i, 300), i / RATE) for i in range(30)]
    doubled = [frame for frame in frames for _ in range(2)]
    assert watch(frames) == watch(doubled)


def test_resumed_anywhere_it_goes_on_as_if_never_stopped() -> None:
    other = view(texture(9), 300, 300)

    def draw(t: float) -> np.ndarray:
        background = view(SCENE, 300 + 40 * max(t - 1, 0), 300) if t < 3 else other
        return paste(background, 40 + 25 * t, 45, MAN)

    frames = list(film(draw, 4.5))
    whole = watch(frames)
    for stop in (0, 1, 7, 29, 45, 46, 60):
        first = MotionObserver(short_side_px=HEIGHT)
        first.start(VideoMetadata("procedural"))
        findings = [item for frame in frames[:stop] for item in first.observe(frame)]
        second = MotionObserver(short_side_px=HEIGHT)
        second.start(VideoMetadata("procedural"))
        second.restore(first.state())
        findings += [item for frame in frames[stop:] for item in second.observe(frame)]
        findings += second.finish(frames[-1].pts_seconds + 1 / RATE)
        assert findings == whole, f"resumed at frame {stop}"


def test_memory_stays_flat() -> None:
    observer = MotionObserver(short_side_px=HEIGHT)
    observer.start(VideoMetadata("procedural"))
    sizes = []
    for index, frame in enumerate(film(lambda t: paste(STILL, 80 + 30 * math.sin(t), 45, MAN), 40.0)):
        list(observer.observe(frame))
        if index % 100 == 99:
            state = observer.state()
            tracks = sum(track["rows"].size for track in state["tracker"]["tracks"])
            sizes.append(tracks + len(state["camera_reader"]["rows"]) + len(state["chunk"]))
    assert max(sizes[2:]) < 1000


def test_of_a_strip_the_middle_is_looked_at() -> None:
    """Two rows of a thousand pixels, brought to the view's size, are longer than OpenCV can draw."""
    strip = np.random.default_rng(0).integers(0, 255, (12, 10_000), np.uint8).repeat(4, 0).repeat(4, 1)
    middle = slice(20_000 - 8 * 48, 20_000 + 8 * 48)
    for turned in (False, True):
        found = []
        for part in (slice(None), middle):
            frames = [np.roll(strip, 2 * step, axis=1)[:, part] for step in range(12)]
            found.append(
                watch([Frame(f.T.copy() if turned else f, step / 10) for step, f in enumerate(frames)])
            )
        assert [item.to_dict() for item in found[0]] == [item.to_dict() for item in found[1]]
        assert labels(found[0], "camera") == ["camera static" if turned else "camera pans left"]  # in heights


def test_bad_input_names_the_remedy() -> None:
    observer = MotionObserver()
    observer.start(VideoMetadata("procedural"))
    with pytest.raises(ShapeError, match=r"\(H, W\) uint8"):
        observer.observe(Frame(np.zeros((90, 160, 3), np.uint8), 0.0))
    with pytest.raises(ShapeError, match="48 pixels a side"):
        observer.observe(Frame(np.zeros((1, 1), np.uint8), 0.0))
    with pytest.raises(OptionError, match="at least 48"):
        MotionObserver(short_side_px=10)
    with pytest.raises(OptionError, match="positive"):
        MotionObserver(frames_per_second=0)
