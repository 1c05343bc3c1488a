"""Every frame with its own time, exactly the frames that are asked for, upright and in the right colors."""

import json
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from muybridge.errors import OptionError
from muybridge.observer import View
from muybridge.video import VideoWriter, open_video, probe, read_packets
from muybridge.video.reader import Pace
from parted_videos import write_parts


def write_numbered(
    path: Path, times: list[float], *, size: tuple[int, int] = (64, 48), **options: object
) -> Path:
    """A video whose n-th frame says n: its gray level is 4 n + 20."""
    with VideoWriter(path, width=size[0], height=size[1], frames_per_second=25, **options) as writer:  # type: ignore[arg-type]
        for number, seconds in enumerate(times):
            writer.write(np.full((size[1], size[0], 3), 4 * number + 20, np.uint8), seconds)
    return path


def numbers(pixels: np.ndarray) -> list[int]:
    """What the frames of `write_numbered` say."""
    return [round((float(frame.mean()) - 20) / 4) for frame in pixels]


def test_every_pts_of_the_best_stream_is_right(shared: Path) -> None:
    truth = json.loads((shared / "clips/nasa_13013.frames.json").read_text())
    with open_video(shared / "clips/nasa_13013.mp4") as video:
        assert video.metadata.stream_index == 3
        assert (video.metadata.width, video.metadata.height) == (480, 270)
        frames = list(video.frames(View(short_side_px=8)))
    assert len(frames) == len(truth)
    for frame, expected in zip(frames, truth, strict=True):
        assert frame.pts_seconds == pytest.approx(float(expected["pts_time"]), abs=1e-6)
        assert frame.duration_seconds == pytest.approx(float(expected["duration_time"]), abs=1e-6)


# The sizes of the published clips: a copy that somebody has changed says nothing about ours.
ROTATED = {0: 15_065, 90: 15_442, 180: 17_177, 270: 12_688}


@pytest.mark.parametrize("degrees", sorted(ROTATED))
def test_rotated_phone_video_is_upright(shared: Path, degrees: int) -> None:
    """Four recordings of one keyboard; seen by eye: upright, its letters can be read."""
    path = shared / f"clips/video_{degrees}.mov"
    if path.stat().st_size != ROTATED[degrees]:
        pytest.skip(f"{path.name} is not the published clip")
    with open_video(path) as video:
        assert video.metadata.rotation_degrees == degrees
        frame = next(iter(video))
        expected = (568, 320) if degrees in (0, 180) else (320, 568)
        assert (frame.width, frame.height) == (video.metadata.width, video.metadata.height) == expected
        assert video.frames_at(indices=[0]).pixels.shape[1:3] == expected[::-1]


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
def test_rotation_turns_the_stored_picture(tmp_path: Path, clockwise: int) -> None:
    stored = np.zeros((32, 64, 3), np.uint8)
    stored[:16, :32] = (255, 0, 0)
    stored[16:, :32] = (0, 255, 0)
    stored[16:, 32:] = (0, 0, 255)
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv444p"
        stream.set_display_rotation(-clockwise)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(stored, "rgb24")))
        container.mux(stream.encode(None))
    expected = np.rot90(stored, -clockwise // 90)
    with open_video(path) as video:
        assert video.metadata.rotation_degrees == clockwise
        assert np.abs(next(iter(video)).pixels.astype(int) - expected).max() <= 4
        small = video.frames_at(indices=[0], size_px=(expected.shape[1] // 2, expected.shape[0] // 2)).pixels[
            0
        ]
        assert np.abs(small.astype(int) - expected[::2, ::2]).mean() < 12


def test_variable_frame_rate_and_start_offset_keep_their_times(tmp_path: Path) -> None:
    times = [5.0, 5.04, 5.5, 7.25, 7.3, 9.0]
    with open_video(write_numbered(tmp_path / "vfr.mkv", times)) as video:
        assert [frame.pts_seconds for frame in video] == pytest.approx(times, abs=1e-3)
        assert video.metadata.frame_rate_kind == "variable"
        assert video.metadata.start_seconds == pytest.approx(5.0)
        clip = video.frames_at(seconds=[5.0, 5.039, 5.041, 6.9, 7.26, 9.0])
        assert numbers(clip.pixels) == [0, 0, 1, 2, 3, 5]


def test_29_97_is_not_30(tmp_path: Path) -> None:
    path = tmp_path / "ntsc.mp4"
    write_numbered(path, [float(Fraction(1001 * n, 30000)) for n in range(40)])
    metadata = probe(path)
    assert metadata.frames_per_second == pytest.approx(30000 / 1001, abs=1e-3)
    assert metadata.num_frames == 40
    assert metadata.frame_rate_kind == "constant"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.integers(0, 49), min_size=1, max_size=12),
    bframes=st.integers(0, 4),
    keyint=st.sampled_from([1, 7, 250]),
)
def test_frames_at_is_frame_exact_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, places: list[int], bframes: int, keyint: int
) -> None:
    path = tmp_path_factory.getbasetemp() / f"numbered-{bframes}-{keyint}.mp4"
    if not path.exists():
        options = {"bf": str(bframes), "g": str(keyint), "x264-params": "scenecut=0"}
        write_numbered(path, [n / 25 for n in range(50)], codec_options=options, keyframe_seconds=keyint / 25)
    with open_video(path) as video:
        clip = video.frames_at(indices=places)
        assert numbers(clip.pixels) == places
        assert clip.indices.tolist() == places
        assert clip.pts_seconds.tolist() == pytest.approx([place / 25 for place in places])


@pytest.mark.parametrize(
    "name",
    [
        "bikes.mp4",
        "h265_video.mp4",
        "av1_video.mkv",
        "v_Punch_g03_c01.avi",
        "nasa_13013.mp4",
        "h264_10bits.mp4",
    ],
)
def test_random_access_gives_the_very_pixels_of_reading_through(shared: Path, name: str) -> None:
    with open_video(shared / "clips" / name) as video:
        everything = [frame.pixels for frame in video]
        assert len(everything) == len(video)
        places = np.random.default_rng(1).choice(len(everything), 5).tolist()
        clip = video.frames_at(indices=places)
    for position, place in enumerate(places):
        np.testing.assert_array_equal(clip.pixels[position], everything[place])


def test_full_size_pixels_are_those_of_ffmpeg(shared: Path) -> None:
    path = shared / "clips/nasa_13013.mp4"
    with av.open(str(path)) as container:
        expected = next(container.decode(container.streams.best("video"))).to_ndarray(format="rgb24")
    with open_video(path) as video:
        np.testing.assert_array_equal(next(iter(video)).pixels, expected)


@pytest.mark.parametrize(
    ("matrix", "levels", "pixel_format"),
    [(1, 1, "yuv420p"), (1, 2, "yuvj420p"), (5, 1, "yuv420p"), (6, 2, "yuvj420p")],
)
@pytest.mark.parametrize("size", [64, 32])
def test_colors_follow_matrix_and_range(
    tmp_path: Path, matrix: int, levels: int, pixel_format: str, size: int
) -> None:
    """The planes are computed here by the formulas of BT.601 and BT.709, not by FFmpeg."""
    rgb = np.array([192.0, 48.0, 96.0])
    kr, kb = (0.2126, 0.0722) if matrix == 1 else (0.299, 0.114)
    luma = float(rgb @ [kr, 1 - kr - kb, kb])
    cb, cr = (rgb[2] - luma) / (2 * (1 - kb)), (rgb[0] - luma) / (2 * (1 - kr))
    planes = (luma, cb + 128, cr + 128)
    if levels == 1:
        planes = (16 + luma * 219 / 255, 128 + cb * 224 / 255, 128 + cr * 224 / 255)
    path = tmp_path / "color.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"qp": "0"})
        stream.width = stream.height = 64
        stream.pix_fmt = pixel_format
        stream.codec_context.colorspace = matrix
        stream.codec_context.color_range = levels
        frame = av.VideoFrame(64, 64, pixel_format)
        for plane, value in zip(frame.planes, planes, strict=True):
            plane.update(bytes([round(value)]) * plane.buffer_size)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_video(path) as video:
        pixels = video.frames_at(indices=[0], size_px=size).pixels
        assert video.metadata.color_space == ("bt709" if matrix == 1 else "bt601")
        assert video.metadata.color_range == ("full" if levels == 2 else "limited")
    assert np.abs(pixels.reshape(-1, 3) - rgb).max() <= 3


def test_ten_bits_are_read(shared: Path) -> None:
    with open_video(shared / "clips/h265_10bits.mp4") as video:
        assert video.metadata.bit_depth == 10
        assert next(iter(video)).pixels.dtype == np.uint8


def test_a_view_is_small_gray_and_paced(shared: Path) -> None:
    with open_video(shared / "clips/bikes.mp4") as video:
        frames = list(video.frames(View(frames_per_second=5, short_side_px=34, pixel_format="gray8")))
        full = next(iter(video)).pixels
    assert len(frames) == 50
    assert frames[0].pixels.shape == (34, 80)
    luma = full.astype(float) @ [0.299, 0.587, 0.114]
    assert abs(float(frames[0].pixels.mean()) - float(luma.mean())) < 2


def test_small_views_agree_with_an_independent_resize(shared: Path) -> None:
    import cv2

    with open_video(shared / "clips/bikes.mp4") as video:
        clip = video.frames_at(indices=[40], size_px=(160, 68), resize="squash")
        full = video.frames_at(indices=[40]).pixels[0]
    expected = cv2.resize(full, (160, 68), interpolation=cv2.INTER_AREA)
    assert np.abs(clip.pixels[0].astype(int) - expected).mean() < 3


def test_moments_outside_are_refused_by_name(tmp_path: Path) -> None:
    path = write_numbered(tmp_path / "short.mp4", [0.0, 0.04, 0.08])
    with open_video(path) as video:
        with pytest.raises(OptionError, match=r"shows frames from 0\.000 s to 0\.120 s"):
            video.frames_at(seconds=[3.0])
        with pytest.raises(OptionError, match="frames 0 to 2"):
            video.frames_at(indices=[3])
        with pytest.raises(OptionError, match="indices or seconds"):
            video.frames_at()
        with pytest.raises(OptionError, match="at least one"):
            video.frames_at(indices=[])
        with pytest.raises(OptionError, match="resize"):
            video.frames_at(indices=[0], size_px=8, resize="stretch")  # type: ignore[arg-type]


def test_two_iterations_do_not_disturb_each_other(sample_video: Path) -> None:
    with open_video(sample_video) as video:
        pairs = list(zip(video, video, strict=True))
    assert all(one.pts_seconds == two.pts_seconds for one, two in pairs)
    assert len(pairs) == 20


def test_reading_from_the_middle_gives_the_same_frames(shared: Path) -> None:
    with open_video(shared / "clips/bikes.mp4") as video:
        whole = [(p.pts_seconds, p.index) for p in video.pictures()]
        part = [(p.pts_seconds, p.index) for p in video.pictures(start_seconds=whole[170][0])]
    assert part == whole[170:]


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (17, 9), (65, 33)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.width, stream.height = size
        stream.pix_fmt = "bgr0"
        pixels = np.full((size[1], size[0], 3), (200, 100, 50), np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode(None))
    with open_video(path) as video:
        np.testing.assert_array_equal(next(iter(video)).pixels, pixels)
        assert video.frames_at(indices=[0], size_px=8).pixels.shape == (1, 8, 8, 3)
        assert len(list(video.frames(View(short_side_px=4, pixel_format="gray8")))) == 1


def test_pace_depends_on_times_alone() -> None:
    times = np.arange(300) / 29.97
    taken = [t for pace in [Pace(10.0)] for t in times if pace.wants(t)]
    resumed = Pace(10.0)
    later = [t for t in times if t >= taken[40] and resumed.wants(t)]
    assert later == taken[40:]
    assert len(taken) == 101 or len(taken) == 100


def test_packets_tell_keyframes_and_sizes(tmp_path: Path) -> None:
    path = write_numbered(
        tmp_path / "keys.mp4",
        [n / 25 for n in range(50)],
        keyframe_seconds=0.4,
        codec_options={"x264-params": "scenecut=0"},
    )
    table = read_packets(path)
    assert np.flatnonzero(table.is_keyframe).tolist() == [0, 10, 20, 30, 40]
    assert int(table.size_bytes.sum()) <= path.stat().st_size
    assert sorted(table.decode_order.tolist()) == list(range(50))
    assert table.index_at(0.5) == 12
    assert json.loads(json.dumps(table.to_dict()))["is_exact"] is True


def write_growing(path: Path) -> Path:
    """Ten frames of 64×48 pixels, then ten of 128×48, as a concatenation of streams gives: quarters of four colors."""
    pictures = []
    for width in (64, 128):
        pixels = np.zeros((48, width, 3), np.uint8)
        for quarter, level in enumerate((0, 80, 160, 240)):
            pixels[:, quarter * width // 4 : (quarter + 1) * width // 4] = level
        pictures.append(pixels)
    return write_parts(path, pictures, num_frames=10, qp="10")


@pytest.mark.parametrize("suffix", ["h264", "ts"])
def test_a_clip_has_the_size_of_the_video_where_its_pictures_change_theirs(
    tmp_path: Path, suffix: str
) -> None:
    with open_video(write_growing(tmp_path / f"growing.{suffix}")) as video:
        assert (len(video), video.metadata.width, video.metadata.height) == (20, 64, 48)
        assert video.packets.is_exact == (suffix == "ts")
        assert [frame.width for frame in video] == 10 * [64] + 10 * [128]
        crop = video.frames_at(indices=[15, 5]).pixels[:, 24, 8::16, 0].astype(int)
        squash = video.frames_at(indices=[15, 5], resize="squash").pixels[:, 24, 8::16, 0].astype(int)
    # Of the wide picture's four parts the two in the middle remain, or all of them.
    assert np.abs(crop - [[80, 80, 160, 160], [0, 80, 160, 240]]).max() <= 3
    assert np.abs(squash - [[0, 80, 160, 240], [0, 80, 160, 240]]).max() <= 3
