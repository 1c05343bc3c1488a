"""From a source to updates: equal to the file's observer, whatever ends the source."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from muybridge.actions.events import EventRule
from muybridge.actions.live import StreamUpdate, stream
from muybridge.actions.streaming import StreamingClassifier
from muybridge.errors import OptionError, VideoError, WeightsError
from muybridge.pipeline.passes import watch
from muybridge.video.reader import open_video
from muybridge.video.sources import open_source
from muybridge.video.writer import VideoWriter
from stream_servers import tcp_server, write_clip


@pytest.fixture(scope="session")
def lamp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds at ten frames per second; bright from 2 to 4 and from 5.5 s on."""
    path = tmp_path_factory.mktemp("lamp") / "lamp.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=10) as writer:
        for index in range(60):
            bright = 20 <= index < 40 or index >= 55
            writer.write(np.full((48, 64, 3), 230 if bright else 20, np.uint8))
    return path


def lit(clip: torch.Tensor) -> list[float]:
    # One pixel of each frame, as all are alike: the sum of many depends on how threads divide them.
    brightness = float(clip[..., 0, 0].mean())
    return [brightness, 1 - brightness]


def watcher(rule: EventRule = EventRule(0.6, 0.4, 0.2, 0.3)) -> StreamingClassifier:  # noqa: B008  # frozen
    return StreamingClassifier(
        lit,
        window_size=4,
        stride=2,
        labels=["lit", "dark"],
        ignored=["dark"],
        outputs="probabilities",
        rule=rule,
    )


def test_the_stream_of_a_file_gives_what_its_observer_gives(lamp: Path) -> None:
    updates = list(stream(lamp, model=watcher()))
    with open_video(lamp) as video:
        segments = watch(video.pictures(), [watcher()], video.metadata)
    over = [event.to_segment() for update in updates for event in update.events if event.is_over]
    assert over == segments
    times = [(segment.start_seconds, segment.end_seconds) for segment in over]
    np.testing.assert_allclose(times, [(2.0, 4.0), (5.5, 5.9)], atol=0.11)
    assert [update.prediction is None for update in updates] == [False] * 29 + [True]
    assert updates[-1].counts.num_read == 60
    assert all(update.latency_seconds >= 0 for update in updates)
    assert updates[0].to_dict()["prediction"]["labels"] == ["dark", "lit"]


def test_stopping_ends_it_with_the_events_so_far(lamp: Path) -> None:
    updates = []
    with open_source(lamp, max_waiting=1) as source:
        for update in stream(source, model=watcher()):
            updates.append(update)
            if update.pts_seconds > 3.0:
                source.stop()
    last = updates[-1]
    assert last.prediction is None
    assert [(event.label, event.is_over) for event in last.events] == [("lit", True)]
    assert 3.0 < last.events[0].end_seconds < 3.5


def collect(found: Iterator[StreamUpdate], into: list[StreamUpdate]) -> None:
    for update in found:
        into.append(update)  # noqa: PERF402  # what came before an error stays


def test_a_source_that_breaks_off_is_an_error_after_the_events_so_far(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "six-seconds.mkv", num_frames=150).read_bytes()

    def half(connection: socket.socket) -> None:
        connection.recv(4096)
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        connection.sendall(head + data[: len(data) // 2])

    gray = watcher(EventRule(0.3, 0.2))
    updates: list[StreamUpdate] = []
    with tcp_server(half) as port:
        found = stream(f"http://127.0.0.1:{port}/six-seconds.mkv", model=gray, read_timeout_seconds=2.0)
        with pytest.raises(VideoError, match="broke off"):
            collect(found, updates)
    assert updates[-1].prediction is None
    assert [(event.label, event.is_over) for event in updates[-1].events] == [("lit", True)]
    assert 1.0 < updates[-1].events[0].end_seconds < 5.0


def test_without_weights_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        next(stream(tmp_path / "none.mp4", model="causal_tiny"))


@pytest.mark.parametrize(
    "options",
    [{"weights": "mine"}, {"window_size": 8}, {"stride": 4}, {"rule": EventRule()}],
    ids=lambda options: next(iter(options)),
)
def test_options_of_a_model_that_is_set_up_already_are_refused(lamp: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=f"{next(iter(options))}: .* StreamingClassifier"):
        next(stream(lamp, model=watcher(), **options))


def test_options_of_a_source_that_is_open_already_are_refused(lamp: Path) -> None:
    with open_source(lamp) as source, pytest.raises(OptionError, match=r"policy, foo: .* open_source"):
        next(stream(source, model=watcher(), policy="bogus", foo=3))
