"""`muybridge stream`, as a user runs it: on a file, from a pipe, on a camera that never ends, with a webhook."""

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from muybridge.cli.main import app
from muybridge.cli.webhook import Webhook
from muybridge.errors import OptionError, VideoOpenError
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights
from stream_servers import RtspServer, free_port, silence, tcp_server, write_clip

RUN = CliRunner()


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of two labels that is sure of the first, so that there is an event."""
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    torch.manual_seed(0)
    model = create_model("causal_tiny", num_classes=2)
    with torch.no_grad():
        model.head.weight.zero_()  # type: ignore[union-attr,operator]
        model.head.bias.copy_(torch.tensor([3.0, -3.0]))  # type: ignore[union-attr,operator]
    record = Weights("mine", labels=("wave", "clap"), size_px=32, frames_per_second=12.5)
    save_checkpoint(path, model, name="causal_tiny", weights=record)
    return path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", num_frames=75)


def options(checkpoint: Path) -> list[str]:
    return ["--model", str(checkpoint), "--window", "8", "--timeout", "5"]


def test_a_file_as_json_lines(clip: Path, checkpoint: Path) -> None:
    found = RUN.invoke(app, ["stream", str(clip), *options(checkpoint), "--json"])
    assert found.exit_code == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert lines[0]["type"] == "source"
    assert (lines[0]["width"], lines[0]["policy"]) == (128, "every")
    predictions = [line for line in lines if line["type"] == "prediction"]
    assert len(predictions) == (38 - 8) // 4 + 1  # 75 frames at 25 per second, seen at 12.5
    assert predictions[0]["labels"] == ["wave", "clap"]
    begins, over = (line for line in lines if line["type"] == "event")
    assert (begins["is_over"], over["is_over"], over["label"]) == (False, True, "wave")
    assert over["start_seconds"] == 0.0
    assert over["end_seconds"] == pytest.approx(predictions[-1]["end_seconds"])
    assert lines[-1] == {"type": "end", "counts": lines[-1]["counts"]}
    assert lines[-1]["counts"]["num_read"] == 75


def test_a_file_for_people(clip: Path, checkpoint: Path) -> None:
    found = RUN.invoke(app, ["stream", str(clip), *options(checkpoint)])
    assert found.exit_code == 0
    begins, over = found.stdout.splitlines()
    assert begins.startswith("0:00.00 ...")
    assert "wave  100% (peak 100%)" in over
    assert "1 events; 75 frames, 0 dropped" in found.stderr


@pytest.mark.slow
def test_ctrl_c_ends_a_camera_with_the_results_so_far(clip: Path, checkpoint: Path) -> None:
    with RtspServer(clip) as server:
        script = "from muybridge.cli.main import run; run()"
        command = [sys.executable, "-c", script, "stream", server.url, *options(checkpoint)]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            [*command, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        ) as process:
            assert process.stdout is not None
            lines, is_stopped = [], False
            for line in process.stdout:
                lines.append(json.loads(line))
                if lines[-1]["type"] == "prediction" and lines[-1]["index"] >= 60 and not is_stopped:
                    is_stopped = True
                    process.send_signal(signal.SIGINT)
            status = process.wait(timeout=60)
            complaints = process.stderr.read() if process.stderr is not None else ""
    assert status == 0, complaints
    assert "Traceback" not in complaints
    assert lines[-1]["type"] == "end"
    (over,) = [item for item in lines if item["type"] == "event" and item["is_over"]]
    assert over["label"] == "wave"


@contextmanager
def receiver(
    status: int = 200, location: str = "ftp://127.0.0.1/elsewhere"
) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A web server that keeps what is posted to it."""
    got: list[dict[str, object]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(json.loads(body) | {"content_type": self.headers["Content-Type"]})
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/alarm", got
        finally:
            server.shutdown()


def test_every_event_reaches_the_webhook(clip: Path, checkpoint: Path) -> None:
    with receiver() as (url, got):
        found = RUN.invoke(app, ["stream", str(clip), *options(checkpoint), "--webhook", url])
    assert found.exit_code == 0
    assert [(event["label"], event["is_over"]) for event in got] == [("wave", False), ("wave", True)]
    assert got[0]["source"] == str(clip)
    assert got[0]["content_type"] == "application/json"


def test_a_webhook_that_fails_is_told_and_ends_nothing() -> None:
    complaints: list[str] = []
    with receiver(302) as (url, got):
        hook = Webhook(url, complain=complaints.append)
        hook.send({"label": "wave"})
        hook.close()
        assert len(got) == 1  # a redirect is not followed
    dead = Webhook(f"http://127.0.0.1:{free_port()}/", timeout_seconds=1.0, complain=complaints.append)
    dead.send({"label": "wave"})
    dead.close()
    assert (hook.num_failed, dead.num_failed, dead.num_sent) == (1, 1, 0)
    assert all("did not reach the webhook at 127.0.0.1" in line for line in complaints)


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (301, "https://me:secret@hooks.example.org:8443/secret?key=secret", "https://hooks.example.org:8443"),
        (302, "/secret", "another address"),
        (303, "", "another address"),
        (307, "ftp://127.0.0.1/secret", "ftp://127.0.0.1"),
        (308, "https://[::1", "another address"),
    ],
)
def test_a_webhook_that_redirects_is_told_as_such(status: int, location: str, target: str) -> None:
    complaints: list[str] = []
    with receiver(status, location) as (url, got):
        hook = Webhook(url, complain=complaints.append)
        hook.send({"label": "wave"})
        hook.close()
        assert len(got) == 1
    (line,) = complaints
    assert f"it redirects to {target}, which is not followed; give that address" in line
    assert "secret" not in line


def test_a_webhook_that_does_not_speak_http_costs_its_events_only() -> None:
    def greet(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

    complaints: list[str] = []
    with tcp_server(greet) as port:
        hook = Webhook(f"http://127.0.0.1:{port}/", complain=complaints.append)
        for label in ("wave", "clap"):
            hook.send({"label": label})
        hook.close()
    assert (hook.num_sent, hook.num_failed) == (0, 2)
    assert len(complaints) == 2
    assert all(
        "did not reach the webhook at 127.0.0.1: it does not speak HTTP" in line for line in complaints
    )


@pytest.mark.parametrize("count", [3, 150])
def test_a_webhook_that_is_too_slow_is_told_how_much_it_missed(count: int) -> None:
    complaints: list[str] = []
    with tcp_server(silence) as port:
        hook = Webhook(f"http://127.0.0.1:{port}/", timeout_seconds=5.0, complain=complaints.append)
        for index in range(count):
            hook.send({"index": index})
        hook.close(timeout_seconds=0.1)
    assert (hook.num_sent, hook.num_failed) == (0, count)
    num_left = count - (len(complaints) - 1)  # where too many wait, each one is told
    assert complaints[-1].startswith(f"{num_left} events could not be delivered to the webhook at 127.0.0.1")


@pytest.mark.parametrize(
    "address",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "http://",
        "alarm",
        "http://[::1",
        "http://a/b c",
        " http://a",
        "http://a/\u00e4",
        "http://a:port/",
        "http://a:99999/",
    ],
)
def test_only_http_takes_webhooks(address: str) -> None:
    with pytest.raises(OptionError, match="must begin with http"):
        Webhook(address, complain=print)


@pytest.mark.parametrize(
    "address", ["https://me:secret@a/b", "https://me:secret@[::1", "https://me:secret@a"]
)
def test_a_webhook_takes_no_password_and_shows_none(address: str) -> None:
    with pytest.raises(OptionError, match="no name and password") as caught:
        Webhook(address, complain=print)
    assert "secret" not in str(caught.value)


def test_a_source_that_is_not_there(checkpoint: Path) -> None:
    found = RUN.invoke(app, ["stream", "/no/such/video.mp4", *options(checkpoint)])
    assert isinstance(found.exception, VideoOpenError)
    assert "rtsp://" in str(found.exception)
