"""Downloads against a real HTTP server on loopback: whole, cut off, resumed, tampered with, twice at once,
not at all."""

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from muybridge.errors import WeightsError
from muybridge.models import download
from muybridge.models.download import cached_file, fetch, fetch_url
from muybridge.models.weights import Weights

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT under every path; cuts the connection after `cuts` bytes as long as there are any."""

    daemon_threads = True

    def __init__(self, *, ranges: bool = True, cuts: tuple[int, ...] = (), status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges, self.cuts, self.status = ranges, list(cuts), status
        self.asked: list[str | None] = []
        self.bytes_sent = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/models/net-{SHA256[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        header = self.headers.get("Range")
        self.server.asked.append(header)
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        start = int(header.removeprefix("bytes=").rstrip("-")) if header and self.server.ranges else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.cuts:
            body = body[: self.server.cuts.pop(0)]
        self.server.bytes_sent += len(body)  # before the other side has it all, and counts
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Stay quiet."""


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("MUYBRIDGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def serve() -> Iterator[object]:
    running: list[Server] = []

    def start(**options: object) -> Server:
        server = Server(**options)  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_a_file_is_downloaded_once(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve()
    record = Weights("k", url=server.url, sha256=SHA256[:8])
    assert cached_file(record) is None
    path = fetch(record)
    assert path == tmp_path / "cache" / "weights" / f"net-{SHA256[:8]}.pth"
    assert path.read_bytes() == CONTENT
    assert fetch(record) == cached_file(record) == path
    assert len(server.asked) == 1


def test_an_interrupted_download_is_resumed_where_it_ended(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(cuts=(300_000, 200_000))
    path = fetch_url(server.url, tmp_path, sha256=SHA256)
    assert path.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]
    assert server.bytes_sent == len(CONTENT)  # nothing was sent twice


def test_any_number_of_cuts_is_survived_while_something_arrives(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(cuts=(100_000,) * 9)
    assert fetch_url(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.bytes_sent == len(CONTENT)


def test_a_complete_part_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "net.pth.part").write_bytes(CONTENT)
    assert fetch_url("http://127.0.0.1:9/net.pth", tmp_path, sha256=SHA256).read_bytes() == CONTENT


def test_what_an_earlier_process_left_is_used(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve()
    (tmp_path / f"net-{SHA256[:8]}.pth.part").write_bytes(CONTENT[:1000])
    assert fetch_url(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_server_without_ranges_starts_again(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(ranges=False, cuts=(300_000,))
    assert fetch_url(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve()
    (tmp_path / f"net-{SHA256[:8]}.pth.part").write_bytes(CONTENT + b"more")
    assert fetch_url(server.url, tmp_path, sha256=SHA256).read_bytes() == CONTENT


def test_content_with_another_hash_is_refused_and_deleted(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve()
    with pytest.raises(WeightsError, match=f"sha256 begins with {SHA256[:8]}, expected 00000000"):
        fetch_url(server.url, tmp_path, sha256="00000000")
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith(".lock")]


def test_a_file_that_changed_in_the_cache_is_refused(serve) -> None:  # type: ignore[no-untyped-def]
    record = Weights("k", url=serve().url, sha256=SHA256)
    path = fetch(record)
    path.write_bytes(CONTENT[:-1] + b"\x00")
    with pytest.raises(WeightsError, match=r"damaged or was tampered with.*delete it and try again"):
        fetch(record)


def test_without_a_network_the_message_says_what_to_put_where(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/r3d_18-b3b3357e.pth"
    with pytest.raises(WeightsError, match="no network") as caught:
        fetch(Weights("k", url=url, sha256="b3b3357e"))
    assert url in str(caught.value)
    assert str(tmp_path / "cache" / "weights" / "r3d_18-b3b3357e.pth") in str(caught.value)


def test_a_dead_link_is_not_tried_again(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(status=404)
    with pytest.raises(WeightsError, match="answered 404 Not Found"):
        fetch_url(server.url, tmp_path, sha256=SHA256)
    assert len(server.asked) == 1


def test_a_server_that_fails_is_tried_a_few_times(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(status=503)
    with pytest.raises(WeightsError, match="cannot be reached"):
        fetch_url(server.url, tmp_path, sha256=SHA256)
    assert len(server.asked) == 4


def test_a_cache_folder_that_cannot_be_made(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(WeightsError, match=r"cannot be written.*set MUYBRIDGE_CACHE"):
        fetch_url(serve().url, tmp_path / "file" / "weights", sha256=SHA256)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_read_only_cache_folder() -> None:
    # In a process without root's privileges, for which permissions would not count.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    code = (
        "import os, pathlib, filelock\n"
        "from muybridge.models.download import fetch_url\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        f"fetch_url('http://127.0.0.1:9/net.pth', pathlib.Path({str(folder)!r}), sha256='')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    folder.rmdir()
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("muybridge.errors.WeightsError: the cache folder")
    assert "cannot be written" in last
    assert "set MUYBRIDGE_CACHE to a folder that can, or download http://127.0.0.1:9/net.pth" in last


def test_a_file_in_a_read_only_folder_can_still_be_used(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    record = Weights("k", url=serve().url, sha256=SHA256)
    path = fetch(record)
    path.parent.chmod(0o555)
    try:
        assert fetch(record) == path
    finally:
        path.parent.chmod(0o755)


def test_two_processes_at_once_download_one_file(serve, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    server = serve(cuts=(500_000,))
    code = (
        "from pathlib import Path; from muybridge.models.download import fetch_url\n"
        f"print(fetch_url({server.url!r}, Path({str(tmp_path / 'both')!r}), sha256={SHA256!r}))\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    found = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0]
    (path,) = found
    assert Path(path).read_bytes() == CONTENT
    assert server.bytes_sent == len(CONTENT)


def test_torchvision_s_own_cache_is_used(tmp_path: Path) -> None:
    theirs = tmp_path / "torch" / "hub" / "checkpoints" / "net.pth"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(CONTENT)
    assert fetch(Weights("k", url="http://127.0.0.1:9/net.pth", sha256=SHA256[:8])) == theirs
