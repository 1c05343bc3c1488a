"""Servers on the loopback that stop by themselves: RTSP and HTTP as a camera speaks them, and what goes wrong.

`RtspServer` speaks RTSP (RFC 2326) with H.264 in RTP (RFC 6184) over the same TCP connection, to any number of clients,
at the pace at which the pictures were taken, and may be killed and started again on its port.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import random
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext

LARGEST_PAYLOAD = 1400


def numbered(index: int, *, width: int = 128, height: int = 96) -> np.ndarray:
    """A gray picture that tells its number, so that a test knows which one it got."""
    pixels = np.full((height, width, 3), 120, np.uint8)
    for bit in range(12):
        pixels[16:40, 4 + 10 * bit : 14 + 10 * bit] = 255 if index >> bit & 1 else 0
    return pixels


def number_of(pixels: np.ndarray) -> int:
    """The number of a picture that `numbered` made."""
    return sum(int(pixels[28, 9 + 10 * bit].mean() > 128) << bit for bit in range(12))


def write_clip(
    path: Path,
    *,
    num_frames: int = 50,
    frames_per_second: int = 25,
    first: int = 0,
    options: dict[str, str] | None = None,
    container: str | None = None,
    size: tuple[int, int] = (128, 96),
) -> Path:
    """Numbered pictures as H.264 without reordering, a keyframe every half second."""
    with av.open(str(path), "w", format=container, container_options=options or {}) as output:
        stream = output.add_stream("libx264", rate=frames_per_second)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(frames_per_second // 2)}
        for index in range(num_frames):
            pixels = numbered(first + index, width=size[0], height=size[1])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _access_units(path: Path) -> list[tuple[float, list[bytes]]]:
    """(seconds, NAL units) of each picture of an H.264 file."""
    units = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        to_annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.size:
                seconds = float(packet.pts * packet.time_base)
                for filtered in to_annex_b.filter(packet):
                    raw = bytes(filtered).replace(b"\0\0\0\1", b"\0\0\1")
                    units.append((seconds, [nal for nal in raw.split(b"\0\0\1") if nal]))
    return units


def _payloads(nal: bytes) -> Iterator[tuple[bytes, bool]]:
    """(RTP payload, whether it is the NAL unit's last): whole, or in fragments of type FU-A."""
    if len(nal) <= LARGEST_PAYLOAD:
        yield nal, True
        return
    indicator, kind = nal[0] & 0xE0 | 28, nal[0] & 0x1F
    body = nal[1:]
    for start in range(0, len(body), LARGEST_PAYLOAD):
        last = start + LARGEST_PAYLOAD >= len(body)
        header = (0x80 if start == 0 else 0) | (0x40 if last else 0) | kind
        yield bytes((indicator, header)) + body[start : start + LARGEST_PAYLOAD], last


class RtspServer:
    """Plays an H.264 clip again and again, as a camera would.

    Args:
        path: the clip.
        port: to listen on; 0 for any.
        is_mute: answer everything, and send no picture.
    """

    def __init__(self, path: Path, *, port: int = 0, is_mute: bool = False) -> None:
        self._units = _access_units(path)
        self._period = self._units[-1][0] + (self._units[1][0] - self._units[0][0])
        self._is_mute = is_mute
        self._stop = threading.Event()
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = self._listener.getsockname()[1]
        self.url = f"rtsp://127.0.0.1:{self.port}/live"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Die as a process dies: every connection is reset."""
        self._stop.set()
        for connection in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection.makefile("rb") as lines:
            while not self._stop.is_set():
                request = lines.readline()
                if not request:
                    return
                if request.startswith(b"$"):  # a receiver report between the requests
                    head = request + lines.read(max(0, 4 - len(request)))
                    lines.read(max(0, struct.unpack(">H", head[2:4])[0] + 4 - len(request)))
                    continue
                headers = {}
                while (line := lines.readline().strip()) not in (b"", b"\r\n"):
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                self._answer(connection, request.decode().split()[0], headers)

    def _answer(self, connection: socket.socket, method: str, headers: dict[str, str]) -> None:
        extra, body = [], ""
        if method == "OPTIONS":
            extra = ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER"]
        elif method == "DESCRIBE":
            lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=test", "t=0 0", "m=video 0 RTP/AVP 96"]
            lines += ["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1", "a=control:track1"]
            body = "\r\n".join(lines) + "\r\n"
            extra = [f"Content-Base: {self.url}/", "Content-Type: application/sdp"]
        elif method == "SETUP":
            extra = ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1;timeout=60"]
        else:
            extra = ["Session: 1"]
        answer = ["RTSP/1.0 200 OK", f"CSeq: {headers.get('cseq', '0')}", *extra]
        text = "\r\n".join([*answer, f"Content-Length: {len(body)}"]) + "\r\n\r\n" + body
        connection.sendall(text.encode())
        if method == "PLAY" and not self._is_mute:
            threading.Thread(target=self._play, args=(connection,), daemon=True).start()

    def _play(self, connection: socket.socket) -> None:
        # RTP clocks begin anywhere (RFC 3550): each connection's begins elsewhere.
        base, sequence = random.getrandbits(30), random.getrandbits(15)
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for turn in range(10_000):
                for seconds, nals in self._units:
                    moment = turn * self._period + seconds
                    if self._stop.wait(max(0.0, began + moment - time.monotonic())):
                        return
                    ticks = (base + round(90_000 * moment)) & 0xFFFFFFFF
                    for nal in nals:
                        for payload, is_last in _payloads(nal):
                            marker = 0x80 if is_last and nal is nals[-1] else 0
                            header = struct.pack(">BBHII", 0x80, marker | 96, sequence & 0xFFFF, ticks, 7)
                            packet = header + payload
                            connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                            sequence += 1


@contextlib.contextmanager
def tcp_server(talk: Callable[[socket.socket], None], *, port: int = 0) -> Iterator[int]:
    """A server that does with each connection what a function does; gives its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                talk(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        allow_reuse_address = True

    with Server(("127.0.0.1", port), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


def silence(connection: socket.socket) -> None:
    """Accept, and never say anything."""
    while connection.recv(4096):
        pass


def answer_with(data: bytes, *, then: Callable[[socket.socket], None] | None = None) -> Callable[..., None]:
    """An HTTP answer of unknown length, such as that of a camera: some bytes, and the end or something else."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + data)
        if then is not None:
            then(connection)

    return talk


def garbage(connection: socket.socket) -> None:
    """Random bytes for as long as anyone reads them."""
    while True:
        connection.sendall(os.urandom(4096))
        time.sleep(0.01)


@contextlib.contextmanager
def folder_server(folder: Path) -> Iterator[str]:
    """A web server of a folder; gives its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, directory=str(folder), **kwargs)  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
