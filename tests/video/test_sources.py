"""Live sources against real servers on the loopback, real pipes and folders, and everything that goes wrong there."""

from __future__ import annotations

import _thread
import contextlib
import itertools
import math
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from muybridge.errors import EmptyVideoError, OptionError, VideoError, VideoOpenError
from muybridge.observer import View
from muybridge.video import source_readers
from muybridge.video.live_source import LiveSource
from muybridge.video.reader import Pace, open_video
from muybridge.video.source_clock import SourceClock
from muybridge.video.source_readers import CameraReader
from muybridge.video.sources import open_source
from stream_servers import (
    RtspServer,
    answer_with,
    folder_server,
    free_port,
    garbage,
    number_of,
    numbered,
    silence,
    tcp_server,
    write_clip,
)

QUICK = {"open_timeout_seconds": 1.0, "read_timeout_seconds": 1.0, "give_up_seconds": 2.0}


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of numbered pictures, 25 per second."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="session")
def transport_stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.ts")


def seen(source: LiveSource, count: int | None = None) -> list[tuple[float, int]]:
    """(seconds, number of the picture) of the next pictures; of all for None."""
    return [
        (picture.pts_seconds, number_of(picture.frame().pixels))
        for picture in itertools.islice(source.pictures(), count)
    ]


def in_thread(function: Callable[[], object]) -> None:
    threading.Thread(target=function, daemon=True).start()


# --- what each source gives -------------------------------------------------------------------------------------------


def test_a_file_as_a_source_is_the_file(clip: Path) -> None:
    with open_video(clip) as video, open_source(clip) as source:
        whole = list(video.frames(View(short_side_px=48)))
        live = [picture.frame(View(short_side_px=48)) for picture in source.pictures()]
    assert [f.to_dict() for f in live] == [f.to_dict() for f in whole]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(live, whole, strict=True))
    assert source.counts.to_dict()["num_read"] == 50
    assert source.state == "ended"


def test_rtsp_gives_every_picture_at_its_time(clip: Path) -> None:
    with RtspServer(clip) as server, open_source(server.url, max_waiting=100, **QUICK) as source:
        found = seen(source, 60)
        assert (source.policy, source.metadata.duration_seconds) == ("newest", None)
    assert [number for _, number in found] == [index % 50 for index in range(60)]
    np.testing.assert_allclose([seconds for seconds, _ in found], np.arange(60) / 25, atol=2e-3)


def test_rtsp_server_dies_and_comes_back(clip: Path) -> None:
    notes: list[str] = []
    first = RtspServer(clip)
    restarted: list[tuple[float, RtspServer]] = []
    began = time.monotonic()

    def restart() -> None:
        first.kill()
        time.sleep(1.2)
        restarted.append((time.monotonic(), RtspServer(clip, port=first.port)))

    with open_source(
        first.url, max_waiting=100, note=notes.append, **QUICK | {"give_up_seconds": 20.0}
    ) as source:
        before = seen(source, 20)
        in_thread(restart)
        after = []
        for picture in source.pictures():
            after.append(picture)
            if source.counts.num_reconnects and len(after) > 60:
                break
        elapsed = time.monotonic() - began
    times = [seconds for seconds, _ in before] + [picture.pts_seconds for picture in after]
    assert all(a < b for a, b in itertools.pairwise(times))
    gaps = [b - a for a, b in itertools.pairwise(times) if b - a > 0.5]
    assert len(gaps) == 1
    assert 1.2 < gaps[0] < 5.0
    # True to the clock on the wall: what was shown in all is what has passed in all.
    assert times[-1] == pytest.approx(elapsed, abs=0.7)
    assert source.counts.num_reconnects == 1
    assert [note.split()[0] for note in notes][:1] + [notes[-1].split()[0]] == ["lost", "back"]
    restarted[0][1].kill()


@pytest.mark.slow
def test_a_stream_that_does_not_come_back_is_an_error_after_its_pictures(clip: Path) -> None:
    with RtspServer(clip) as server, open_source(server.url, **QUICK) as source:
        seen(source, 5)
        server.kill()
        with pytest.raises(VideoError, match="not back within 2 s"):
            seen(source)
        assert source.state == "ended"


GSTREAMER = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer(); server.set_service(sys.argv[2])
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(f"( filesrc location={sys.argv[1]} ! qtdemux ! h264parse ! rtph264pay name=pay0 config-interval=1 )")
server.get_mount_points().add_factory("/live", factory)
server.attach(None)
print("ready", flush=True)
loop = GLib.MainLoop(); GLib.timeout_add_seconds(20, loop.quit); loop.run()
"""


@contextlib.contextmanager
def gstreamer(clip: Path) -> Iterator[str]:
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    port = free_port()
    with subprocess.Popen(
        [python, "-c", GSTREAMER, str(clip), str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin"},
    ) as process:
        try:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                pytest.skip(
                    "GStreamer's RTSP server is not installed (python3-gi, gir1.2-gst-rtsp-server-1.0)"
                )
            yield f"rtsp://127.0.0.1:{port}/live"
        finally:
            process.kill()


@pytest.mark.slow
def test_rtsp_of_another_server(clip: Path) -> None:
    with (
        gstreamer(clip) as url,
        open_source(url, max_waiting=100, **QUICK | {"open_timeout_seconds": 8.0}) as source,
    ):
        found = seen(source)
    # A recording: it is sent at its own pace, and its end is an end.
    assert [number for _, number in found] == list(range(50))
    np.testing.assert_allclose([seconds for seconds, _ in found], np.arange(50) / 25, atol=2e-3)


def test_http_file(clip: Path, transport_stream: Path) -> None:
    for path, scheme in ((clip, "http"), (transport_stream, "HTTP")):
        with folder_server(path.parent) as url:
            address = f"{url}/{path.name}".replace("http", scheme)
            with open_source(address, **QUICK) as source:
                found = seen(source)
        assert source.policy == "every"
        assert [number for _, number in found] == list(range(50))


def test_http_stream_that_ends_is_taken_up_again(transport_stream: Path) -> None:
    data = transport_stream.read_bytes()
    with (
        tcp_server(answer_with(data)) as port,
        open_source(f"http://127.0.0.1:{port}/cam", policy="every", **QUICK) as source,
    ):
        found = seen(source, 120)
        assert source.counts.num_reconnects == 2
    assert [number for _, number in found] == [index % 50 for index in range(120)]
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(found))


def test_hls_recording(tmp_path: Path) -> None:
    options = {"hls_time": "1", "hls_list_size": "0"}
    write_clip(tmp_path / "list.m3u8", num_frames=75, options=options, container="hls")
    with folder_server(tmp_path) as url, open_source(f"{url}/list.m3u8", **QUICK) as source:
        found = seen(source)
    assert source.metadata.container == "hls"
    assert [number for _, number in found] == list(range(75))


@pytest.mark.slow
def test_hls_that_goes_on_is_paced_and_followed(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    options = {"hls_time": "1", "hls_list_size": "0"}
    write_clip(whole / "list.m3u8", num_frames=150, options=options, container="hls")
    lines = (whole / "list.m3u8").read_text().splitlines()
    entries = [(lines[i], lines[i + 1]) for i, line in enumerate(lines) if line.startswith("#EXTINF")]
    head = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"]

    def publish(count: int) -> None:
        text = "\n".join([*head, *(line for entry in entries[:count] for line in entry), ""])
        (whole / "new").write_text(text)
        (whole / "new").replace(whole / "live.m3u8")

    publish(3)

    def go_on() -> None:
        for count in range(4, len(entries) + 1):
            time.sleep(0.9)
            publish(count)

    with (
        folder_server(whole) as url,
        open_source(f"{url}/live.m3u8", **QUICK | {"open_timeout_seconds": 5.0}) as source,
    ):
        began = time.monotonic()
        in_thread(go_on)
        found = seen(source, 100)
        elapsed = time.monotonic() - began
    assert source.policy == "newest"
    assert source.counts.num_dropped == 0  # whole segments arrive at once, and none of them is lost
    assert [number for _, number in found] == list(range(100))
    assert elapsed > 3.0


def test_a_pipe(transport_stream: Path) -> None:
    code = (
        "import sys\nsys.path.insert(0, 'tests')\n"
        "from muybridge.video.sources import open_source\nfrom stream_servers import number_of\n"
        "with open_source('-') as source:\n"
        "    print([number_of(p.frame().pixels) for p in source.pictures()], source.policy, source.address)\n"
    )
    with transport_stream.open("rb") as data:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=data, capture_output=True, text=True, check=True, timeout=60
        )
    assert done.stdout.strip() == f"{list(range(50))} every standard input"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_a_named_pipe(transport_stream: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    in_thread(lambda: (time.sleep(0.3), fifo.write_bytes(transport_stream.read_bytes())))
    with open_source(fifo, **QUICK) as source:
        assert [number for _, number in seen(source)] == list(range(50))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_ctrl_c_while_a_pipe_is_opened(transport_stream: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    is_over = threading.Event()

    def write_the_beginning() -> None:
        with fifo.open("wb") as pipe:
            pipe.write(transport_stream.read_bytes()[:2000])
            pipe.flush()
            time.sleep(0.2)  # until FFmpeg waits for more
            _thread.interrupt_main()
            is_over.wait(20)

    in_thread(write_the_beginning)
    with pytest.raises(KeyboardInterrupt):
        open_source(fifo, **QUICK | {"open_timeout_seconds": 10.0})
    is_over.set()


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(VideoOpenError, match="standard input: it is closed"):
        open_source("-", **QUICK)


def test_a_growing_folder(tmp_path: Path) -> None:
    def save(index: int) -> None:
        ok, data = cv2.imencode(".png", numbered(index))
        assert ok
        half = len(data) // 2
        with (tmp_path / f"frame-{index}.png").open("wb") as file:  # its writer takes its time
            file.write(data[:half].tobytes())
            file.flush()
            time.sleep(0.02)
            file.write(data[half:].tobytes())

    for index in range(8):
        save(index)
    (tmp_path / "notes.txt").write_text("not an image")
    in_thread(lambda: [save(index) for index in range(8, 14)])
    with open_source(tmp_path, frames_per_second=10, **QUICK) as source:
        found = seen(source)
    assert [number for _, number in found] == list(range(14))  # 9 before 10
    np.testing.assert_allclose([seconds for seconds, _ in found], np.arange(14) / 10)


def test_an_image_that_cannot_be_read_moves_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_readers, "LONGEST_WRITE_SECONDS", 0.0)
    for index in range(1, 8):
        (tmp_path / f"{index}.png").write_bytes(b"not an image")
    for index in (1, 3, 7):
        cv2.imwrite(str(tmp_path / f"{index}.png"), numbered(index))
    options = QUICK | {"read_timeout_seconds": 0.2}
    with open_source(tmp_path, frames_per_second=10, **options) as source:
        found = seen(source)
    assert found == [(0.0, 1), (0.2, 3), (0.6, 7)]


def write_half_now_and_all_later(path: Path, data: bytes) -> None:
    path.write_bytes(data[: len(data) // 2])

    def complete() -> None:
        time.sleep(0.3)
        path.write_bytes(data)

    in_thread(complete)


def test_half_an_image_is_waited_for(tmp_path: Path) -> None:
    gray = np.random.default_rng(0).integers(0, 255, (96, 128), np.uint8)
    data = cv2.imencode(".jpg", np.repeat(gray[:, :, None], 3, axis=2))[1].tobytes()
    whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    path = tmp_path / "1.jpg"
    write_half_now_and_all_later(path, data)
    with open_source(tmp_path, frames_per_second=10, **QUICK) as source:
        (frame,) = source
    assert np.abs(frame.pixels.astype(int) - whole).mean() < 3


@pytest.mark.parametrize("compression", [1, 5, 32946])  # none, LZW, deflate
def test_tiffs_with_tags_that_ffmpeg_does_not_know(tmp_path: Path, compression: int) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    path = tmp_path / "1.tiff"
    assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    data = path.read_bytes()
    assert struct.pack("<H", 339) in data  # SampleFormat
    write_half_now_and_all_later(path, data)
    with open_source(tmp_path, frames_per_second=10, **QUICK) as source:
        (frame,) = source
        assert not source.notes
    np.testing.assert_array_equal(frame.pixels, picture[:, :, ::-1])


def test_images_of_a_folder_stand_upright_each_as_it_says(tmp_path: Path) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = 255  # the left half is white
    data = cv2.imencode(".jpg", picture)[1].tobytes()
    # One entry: the orientation (0x0112), one short, 6: to be turned to the right.
    exif = b"Exif\0\0II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 6, 0, 0)
    turned = data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]
    for number, image in enumerate((turned, data, turned)):
        (tmp_path / f"{number}.jpg").write_bytes(image)
    with open_source(tmp_path, frames_per_second=10, **QUICK) as source:
        frames = list(source)
    assert [frame.pixels.shape for frame in frames] == [(64, 48, 3), (48, 64, 3), (64, 48, 3)]
    for frame, white in zip(frames, (np.s_[:28], np.s_[:, :28], np.s_[:28]), strict=True):
        assert frame.pixels[white].min() > 200
        assert frame.pixels.mean() == pytest.approx(127.5, abs=10)


def test_a_folder_is_timed_by_when_its_images_were_written(tmp_path: Path) -> None:
    for index, seconds in enumerate((100.0, 100.5, 100.5, 102.0)):
        cv2.imwrite(str(tmp_path / f"{index}.png"), numbered(index))
        os.utime(tmp_path / f"{index}.png", (seconds, seconds))
    with open_source(tmp_path, **QUICK) as source:
        found = seen(source)
    assert found == [(100.0, 0), (100.5, 1), (102.0, 3)]
    assert source.counts.num_left_out == 1


def test_images_that_share_a_date_are_told_of_once(tmp_path: Path) -> None:
    for index in range(5):
        cv2.imwrite(str(tmp_path / f"{index}.png"), numbered(index))
        os.utime(tmp_path / f"{index}.png", (100.0, 100.0))
    with open_source(tmp_path, **QUICK | {"read_timeout_seconds": 0.2}) as source:
        assert len(seen(source)) == 1
    (told,) = source.notes
    assert told.startswith("1.png is dated no later")
    assert "--frames-per-second" in told


def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(VideoOpenError, match="no such camera"):
        open_source(97)


def test_a_camera_is_timed_by_arrival(clip: Path) -> None:
    # OpenCV opens a file by the same call as a camera, so the reader runs as it is; only the device is another.
    reader = CameraReader(str(clip), read_timeout_seconds=0.2)
    source = LiveSource(reader, policy="every", max_waiting=4, real_time=False, give_up_seconds=0, note=None)
    found = []
    with source:
        for picture in source.pictures():
            found.append((picture.pts_seconds, number_of(picture.frame().pixels)))
            time.sleep(0.002)
    assert "unplugged" in source.notes[-1]
    assert [number for _, number in found] == list(range(50))
    assert found[0][0] == 0.0
    assert all(a < b for (a, _), (b, _) in itertools.pairwise(found))


# --- a watcher that is too slow, or has enough ------------------------------------------------------------------------


def test_newest_wins_and_what_is_dropped_is_counted(clip: Path) -> None:
    with open_source(clip, real_time=True, max_waiting=2) as source:
        found = []
        for picture in source.pictures():
            found.append((picture.index, picture.pts_seconds))
            time.sleep(0.1)
    assert source.counts.num_dropped > 15
    assert len(found) + source.counts.num_dropped == source.counts.num_read == 50
    assert found[-1][0] == 49
    np.testing.assert_allclose(
        [s for _, s in found], [i / 25 for i, _ in found], atol=1e-6
    )  # times stay true


def test_every_picture_waits_for_a_slow_watcher(clip: Path) -> None:
    with open_source(clip, policy="every", max_waiting=1) as source:
        count = 0
        for _ in source.pictures():
            count += 1
            time.sleep(0.005)
    assert (count, source.counts.num_dropped) == (50, 0)


def test_real_time_is_real_time(clip: Path) -> None:
    began = time.monotonic()
    with open_source(clip, real_time=True) as source:
        assert len(list(source.pictures())) == 50
    assert 1.9 < time.monotonic() - began < 3.0


def test_stop_ends_the_pictures_without_an_error(clip: Path) -> None:
    with RtspServer(clip) as server, open_source(server.url, **QUICK) as source:
        count = 0
        for _ in source.pictures():
            count += 1
            if count == 10:
                source.stop()
        assert count == 10
    assert source.state == "ended"


# --- what comes in badly ----------------------------------------------------------------------------------------------


def test_a_stream_that_never_starts(clip: Path) -> None:
    with tcp_server(silence) as port:
        for scheme in ("rtsp", "http"):
            began = time.monotonic()
            with pytest.raises(VideoOpenError, match="within 1 s"):
                open_source(f"{scheme}://127.0.0.1:{port}/live", **QUICK)
            assert time.monotonic() - began < 3.0
    with (
        RtspServer(clip, is_mute=True) as server,
        pytest.raises(VideoError, match=r"within 1 s|nothing came"),
        open_source(server.url, **QUICK) as source,
    ):
        list(source.pictures())
    with pytest.raises(VideoOpenError, match="refused"):
        open_source(f"http://127.0.0.1:{free_port()}/", **QUICK)


def test_an_http_stream_that_answers_and_then_is_silent() -> None:
    with (
        tcp_server(answer_with(b"", then=silence)) as port,
        pytest.raises(VideoOpenError, match="within 1 s"),
    ):
        open_source(f"http://127.0.0.1:{port}/live", **QUICK)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
def test_a_pipe_and_a_folder_that_never_start(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(VideoOpenError, match="writing to it"):
        open_source(tmp_path / "fifo", **QUICK)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyVideoError, match="no image"):
        open_source(tmp_path / "empty", **QUICK)


def test_a_stream_that_ends_at_once(tmp_path: Path) -> None:
    with tcp_server(answer_with(b"")) as port, pytest.raises(VideoError):
        open_source(f"http://127.0.0.1:{port}/live", **QUICK)
    with tcp_server(lambda connection: None) as port, pytest.raises(VideoOpenError):
        open_source(f"rtsp://127.0.0.1:{port}/live", **QUICK)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        in_thread(lambda: (tmp_path / "fifo").write_bytes(b""))
        with pytest.raises(VideoOpenError):
            open_source(tmp_path / "fifo", **QUICK)
    done = subprocess.run(
        [sys.executable, "-c", "from muybridge.video.sources import open_source; open_source('-')"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "EmptyVideoError: standard input: it ended before the first byte" in done.stderr


def test_a_stream_that_stalls_says_so(transport_stream: Path) -> None:
    data = transport_stream.read_bytes()
    talk = answer_with(data[: 2 * len(data) // 3], then=silence)
    options = QUICK | {"give_up_seconds": 0, "policy": "every"}
    with tcp_server(talk) as port, open_source(f"http://127.0.0.1:{port}/", **options) as source:
        assert len(seen(source)) > 10
    assert source.notes[-1].endswith("nothing came for 1 s")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes of POSIX")
@pytest.mark.parametrize("ending", ["mkv", "ts"])
def test_a_pipe_that_stalls_says_so(tmp_path: Path, ending: str) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    data = write_clip(tmp_path / f"clip.{ending}").read_bytes()
    is_over = threading.Event()

    def write_a_part() -> None:
        with fifo.open("wb") as pipe:
            pipe.write(data[: 2 * len(data) // 3])
            pipe.flush()
            is_over.wait(20)

    in_thread(write_a_part)
    with open_source(fifo, **QUICK) as source, pytest.raises(VideoError, match="nothing came for 1 s"):
        seen(source)
    is_over.set()


def test_a_watcher_that_pauses_is_no_fault_of_the_source(transport_stream: Path) -> None:
    options = QUICK | {"read_timeout_seconds": 0.3}
    with (
        folder_server(transport_stream.parent) as url,
        open_source(f"{url}/{transport_stream.name}", max_waiting=1, **options) as source,
    ):
        first = seen(source, 1)
        time.sleep(0.5)
        assert [number for _, number in first + seen(source)] == list(range(50))


def test_garbage_from_the_start(tmp_path: Path) -> None:
    with tcp_server(garbage) as port:
        for scheme in ("rtsp", "http"):
            with pytest.raises(VideoOpenError):
                open_source(f"{scheme}://127.0.0.1:{port}/live", **QUICK)
    with tcp_server(answer_with(b"", then=garbage)) as port, pytest.raises(VideoOpenError):
        open_source(f"http://127.0.0.1:{port}/live", **QUICK)
    (tmp_path / "noise.jpg").write_bytes(os.urandom(5000))
    with pytest.raises(EmptyVideoError), open_source(tmp_path, **QUICK) as source:
        list(source.pictures())
    assert source.counts.num_damaged == 1


def test_garbage_in_the_middle_costs_its_stretch_and_no_more(transport_stream: Path) -> None:
    data = bytearray(transport_stream.read_bytes())
    middle = len(data) // 2 // 188 * 188
    data[middle : middle + 188 * 12] = os.urandom(188 * 12)
    with (
        tcp_server(answer_with(bytes(data))) as port,
        open_source(f"http://127.0.0.1:{port}/", policy="every", **QUICK | {"give_up_seconds": 0}) as source,
    ):
        found = seen(source)
    numbers = [number for _, number in found]
    assert numbers == sorted(set(numbers))
    assert 25 < len(numbers) < 50
    assert numbers[-1] == 49


@pytest.mark.slow
def test_garbage_for_ever_after_a_good_start_is_a_lost_stream(transport_stream: Path) -> None:
    talk = answer_with(transport_stream.read_bytes(), then=garbage)
    with tcp_server(talk) as port, open_source(f"http://127.0.0.1:{port}/", **QUICK) as source:
        next(_ for _ in source.pictures() if source.counts.num_reconnects)
        assert "lost at" in source.notes[0]


def test_the_size_changes_in_the_middle(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / "a.ts", num_frames=10),
        write_clip(tmp_path / "b.ts", num_frames=10, size=(192, 160), first=10),
        write_clip(tmp_path / "c.ts", num_frames=10, first=20),
    ]
    data = b"".join(part.read_bytes() for part in parts)
    with (
        tcp_server(answer_with(data)) as port,
        open_source(f"http://127.0.0.1:{port}/", policy="every", **QUICK | {"give_up_seconds": 0}) as source,
    ):
        pictures = [
            (p.pts_seconds, p.size, p.frame(View(short_side_px=96)).pixels) for p in source.pictures()
        ]
    assert {size for _, size, _ in pictures} == {(128, 96), (192, 160)}
    assert len(pictures) > 24
    assert all(pixels.shape[0] == 96 for _, _, pixels in pictures)
    times = [seconds for seconds, _, _ in pictures]
    assert all(a < b for a, b in itertools.pairwise(times))  # each part begins its clock again
    assert times[-1] == pytest.approx(30 / 25, abs=0.3)


def test_the_frame_rate_changes_in_the_middle(tmp_path: Path) -> None:
    times = np.concatenate([np.arange(10) / 25, 10 / 25 + np.arange(10) / 5])
    with av.open(str(tmp_path / "vfr.mkv"), "w") as output:
        stream = output.add_stream("libx264", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index, seconds in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(index), format="rgb24")
            frame.pts = round(1000 * seconds)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with folder_server(tmp_path) as url, open_source(f"{url}/vfr.mkv", **QUICK) as source:
        found = seen(source)
    np.testing.assert_allclose([seconds for seconds, _ in found], times, atol=2e-3)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/hostname",
        "ftp://127.0.0.1/a.mp4",
        "concat://a.mp4|b.mp4",
        "gopher://127.0.0.1/",
        "udp://127.0.0.1:5000",
        "http:///nowhere",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "/no/such/file.mp4",
        "",
        "rtsp://a\0b",
    ],
)
def test_addresses_that_are_refused(address: str) -> None:
    with pytest.raises(VideoOpenError):
        open_source(address, **QUICK)


def test_a_playlist_from_the_network_reaches_no_file(tmp_path: Path, transport_stream: Path) -> None:
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n"
    (tmp_path / "evil.m3u8").write_text(f"{head}file://{transport_stream}\n#EXT-X-ENDLIST\n")
    (tmp_path / "fine.m3u8").write_text(f"{head}clip.ts\n#EXT-X-ENDLIST\n")
    shutil.copy(transport_stream, tmp_path / "clip.ts")
    with folder_server(tmp_path) as url:
        with open_source(f"{url}/fine.m3u8", **QUICK) as source:
            assert len(seen(source)) == 50
        with pytest.raises(VideoError), open_source(f"{url}/evil.m3u8", **QUICK) as source:
            seen(source)


def test_a_password_is_never_shown() -> None:
    for host, shown in ((f"127.0.0.1:{free_port()}", "admin:***@"), ("[::1", "rtsp://***@[::1")):
        with pytest.raises(VideoOpenError) as caught:
            open_source(f"rtsp://admin:secret@{host}/1", **QUICK)
        assert "secret" not in str(caught.value)
        assert shown in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"policy": "some"},
        {"max_waiting": 0},
        {"max_waiting": 2.5},
        {"max_waiting": math.nan},
        {"max_waiting": math.inf},
        {"open_timeout_seconds": 0},
        {"read_timeout_seconds": math.inf},
        {"give_up_seconds": -1},
        {"frames_per_second": 0},
        {"frames_per_second": 1.0},  # of a video file
    ],
)
def test_options_that_cannot_be(clip: Path, options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        open_source(clip, **options)  # type: ignore[arg-type]


# --- the clock --------------------------------------------------------------------------------------------------------


def run_clock(raws: list[float | None], *, is_live: bool, step: float = 0.1) -> list[float | None]:
    clock = SourceClock(is_live=is_live)
    clock.begin(frames_per_second=1 / step)
    return [
        None if (found := clock.stamp(raw, arrived_seconds=100 + step * i)) is None else round(found, 6)
        for i, raw in enumerate(raws)
    ]


def test_clock_repeats_and_small_steps_back_are_left_out() -> None:
    assert run_clock([5.0, 5.1, 5.1, 5.05, 5.2], is_live=False) == [5.0, 5.1, None, None, 5.2]


def test_clock_that_ascends_below_is_another_one() -> None:
    raws: list[float | None] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.1, 0.2, 0.3]
    assert run_clock(raws, is_live=False) == [0.0, 0.1, 0.2, 0.3, 0.4, None, None, 0.5, 0.6]
    assert run_clock(raws, is_live=True) == [0.0, 0.1, 0.2, 0.3, 0.4, None, None, 0.7, 0.8]


def test_clock_jumps_back_and_goes_on() -> None:
    assert run_clock([50.0, 50.1, 3.0, 3.1, 3.3], is_live=False) == [50.0, 50.1, 50.2, 50.3, 50.5]


def test_clock_jumps_ahead_is_a_hole_in_a_recording_and_nonsense_in_a_live_source() -> None:
    raws: list[float | None] = [0.0, 0.1, 900.0, 900.1]
    assert run_clock(raws, is_live=False) == raws
    assert run_clock(raws, is_live=True) == [0.0, 0.1, 0.2, 0.3]


def test_clock_that_stands_still_is_trusted_no_longer() -> None:
    found = run_clock([7.0] * 60, is_live=True)
    kept = [seconds for seconds in found if seconds is not None]
    assert found[1:31] == [None] * 30
    assert kept[0] == 0.0
    assert kept[1] == pytest.approx(3.1)  # the true time of that picture
    assert len(kept) == 30


def test_clock_without_any_times() -> None:
    assert run_clock([None, None, math.nan, None], is_live=True) == [0.0, 0.1, 0.2, 0.3]
    assert run_clock([None, None, None], is_live=False) == [0.0, 0.1, 0.2]


def test_clock_of_a_connection_whose_first_picture_has_no_time() -> None:
    clock = SourceClock(is_live=True)
    clock.begin(frames_per_second=10)
    assert clock.stamp(7.0, arrived_seconds=0.0) == 0.0
    clock.begin(frames_per_second=10)
    # The first one's time is that of connecting; the others came in one burst while the stream was opened.
    assert clock.stamp(None, arrived_seconds=5.0) == 5.0
    found = [clock.stamp(raw, arrived_seconds=5.7) for raw in (0.1, 0.2, 0.3)]
    np.testing.assert_allclose(np.array(found, float), [5.1, 5.2, 5.3])


def test_clock_after_a_reconnect() -> None:
    for restarts_at, expected in ((0.0, 12.0), (5012.1, 12.1)):  # a new clock, and the same going on
        clock = SourceClock(is_live=True)
        clock.begin(frames_per_second=10)
        assert clock.stamp(5000.0, arrived_seconds=0.0) == 0.0
        assert clock.stamp(5002.0, arrived_seconds=2.0) == pytest.approx(2.0)
        clock.begin(frames_per_second=10)
        assert clock.stamp(restarts_at, arrived_seconds=12.0) == pytest.approx(expected)
        assert clock.stamp(restarts_at + 0.1, arrived_seconds=12.1) == pytest.approx(expected + 0.1)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)), max_size=60),
    st.booleans(),
    st.sets(st.integers(0, 60)),
)
def test_whatever_comes_times_ascend_and_are_finite(
    raws: list[float | None], is_live: bool, reconnects: set[int]
) -> None:
    clock = SourceClock(is_live=is_live)
    times = []
    for index, raw in enumerate(raws):
        if index in reconnects:
            clock.begin()
        # Times of a container are ticks of 64 bits; more than that cannot come.
        raw = raw if raw is None or not abs(raw) > 1e9 else math.nan
        seconds = clock.stamp(raw, arrived_seconds=0.04 * index)
        if seconds is not None:
            times.append(seconds)
    assert all(math.isfinite(seconds) for seconds in times)
    assert all(a < b for a, b in itertools.pairwise(times))


def test_a_live_source_leaves_nothing_out(sample_video: Path) -> None:
    pace = Pace.of(View(sparing=True))
    with open_source(sample_video) as source:
        assert [pace.wants_picture(picture) for picture in source.pictures()] == [True] * 20
