"""`muybridge stream`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from muybridge.actions.live import StreamUpdate
    from muybridge.video.live_source import LiveSource


def stream(
    source: Annotated[
        str,
        typer.Argument(
            help="A camera's number, rtsp://, http:// or https:// (HLS too), - for standard input, a named pipe,"
            " a folder that images are written to, or a file."
        ),
    ],
    model: str | None = typer.Option(None, help="A name from `muybridge models`, a checkpoint, or a folder."),
    weights: str | None = typer.Option(None, help="Which weights of a named model, or their file."),
    window: int | None = typer.Option(None, help="Frames of the window; default: the model's own."),
    stride: int = typer.Option(4, help="Frames between two predictions."),
    on: float = typer.Option(0.6, help="An event begins with a score of at least that."),
    off: float = typer.Option(0.4, help="It lasts while the score is at least that."),
    min_duration: float = typer.Option(0.5, help="Seconds; shorter events are dropped."),
    merge_gap: float = typer.Option(0.5, help="Seconds; a shorter gap does not end an event."),
    policy: str | None = typer.Option(
        None, help="newest: drop old frames when the model is slow; every: make the source wait."
    ),
    real_time: bool = typer.Option(False, "--real-time", help="Play a recording at its own pace."),
    frames_per_second: float | None = typer.Option(None, help="Rate of a folder of images."),
    timeout: float = typer.Option(10.0, help="Seconds to wait for the start, and for the next frame."),
    give_up: float = typer.Option(300.0, help="Seconds to try again when the source is lost; 0: not at all."),
    webhook: str | None = typer.Option(None, help="Post every event to this http(s) address as JSON."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document per line."),
    quiet: bool = typer.Option(False, "--quiet", help="No live view."),
) -> None:
    """Name what happens in a camera, a network stream or a pipe, while it happens.

    Ctrl-C ends it, and what was going on is reported as far as it was seen.

    Examples:

        muybridge stream 0

        muybridge stream rtsp://camera.local/1 --json --webhook https://example.org/alarm
    """
    from muybridge.actions.events import EventRule
    from muybridge.actions.streaming import StreamingClassifier
    from muybridge.cli.stream_view import JsonLines, LiveView
    from muybridge.cli.webhook import Webhook
    from muybridge.video.sources import open_source

    rule = EventRule(on, off, min_duration, merge_gap)
    post = Webhook(webhook, complain=_complain) if webhook is not None else None
    watcher = StreamingClassifier(model, weights=weights, window_size=window, stride=stride, rule=rule)
    opened = open_source(
        source,
        policy=policy,  # type: ignore[arg-type]  # checked there
        real_time=real_time,
        frames_per_second=frames_per_second,
        open_timeout_seconds=timeout,
        read_timeout_seconds=timeout,
        give_up_seconds=give_up,
        note=_complain,
    )
    show: JsonLines | LiveView = JsonLines(opened) if as_json else LiveView(opened, watcher, quiet=quiet)
    try:
        with opened, show:
            _watch(opened, watcher, show, post)
    finally:
        if post is not None:
            post.close()


def _watch(opened: LiveSource, watcher: Any, show: Any, post: Any) -> None:
    from muybridge.actions.live import stream as updates_of

    with _stopped_by_signals(opened):
        for update in updates_of(opened, model=watcher):
            show(update)
            if post is not None:
                _post_events(post, update, opened.address)


def _post_events(post: Any, update: StreamUpdate, address: str) -> None:
    for event in update.events:
        post.send({"source": address} | event.to_dict())


def _complain(message: str) -> None:
    import sys

    print(f"muybridge: {message}", file=sys.stderr, flush=True)


@contextmanager
def _stopped_by_signals(opened: LiveSource) -> Iterator[None]:
    """Ctrl-C and a polite kill end the source, not the program; a second one ends the program."""
    import signal
    import threading

    before: dict[int, Any] = {}

    def stop(number: int, _: object) -> None:
        opened.stop()
        signal.signal(number, before[number])

    if threading.current_thread() is threading.main_thread():  # only there can signals be handled
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)
