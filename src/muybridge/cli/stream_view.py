"""What `muybridge stream` shows: a live view for people, JSON lines for programs."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from muybridge.cli.output import clock, json_for_stdout
from muybridge.printable import printable

if TYPE_CHECKING:
    from rich.table import Table

    from muybridge.actions.events import Event
    from muybridge.actions.live import StreamUpdate
    from muybridge.actions.stream_prediction import PredictionObserver
    from muybridge.video.live_source import LiveSource

__all__ = ["JsonLines", "LiveView"]

BAR_WIDTH = 30
LATENCIES = 500


class JsonLines:
    """One JSON document per line on stdout: the source, every prediction and event, and the end."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def __enter__(self) -> Self:
        _print_line({"type": "source", "policy": self._source.policy} | self._source.metadata.to_dict())
        return self

    def __exit__(self, *_: object) -> None:
        _print_line({"type": "end", "counts": self._source.counts.to_dict()})

    def __call__(self, update: StreamUpdate) -> None:
        """Show an update."""
        if update.prediction is not None:
            _print_line(
                {"type": "prediction", "latency_seconds": update.latency_seconds}
                | update.prediction.to_dict()
            )
        for event in update.events:
            _print_line({"type": "event"} | event.to_dict())


class LiveView:
    """Events as lines on stdout; on a terminal also a view of the moment, on stderr."""

    def __init__(self, source: LiveSource, watcher: PredictionObserver, *, quiet: bool) -> None:
        self._source = source
        self._watcher = watcher
        self._latencies: deque[float] = deque(maxlen=LATENCIES)
        self._num_events = 0
        self._last_look = 0.0
        self._live: Any = None
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self._live = Live(
                console=Console(stderr=True),
                auto_refresh=False,
                transient=True,
                redirect_stdout=sys.stdout.isatty(),
            )

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*error)
        counts = self._source.counts
        print(
            f"{self._num_events} events; {counts.num_read} frames, {counts.num_dropped} dropped,"
            f" {counts.num_left_out} left out, {counts.num_reconnects} reconnects",
            file=sys.stderr,
        )

    def __call__(self, update: StreamUpdate) -> None:
        """Show an update."""
        for event in update.events:
            self._num_events += event.is_over
            print(_line(event), flush=True)
        if update.prediction is None:
            return
        self._latencies.append(update.latency_seconds)
        now = time.monotonic()
        if self._live is not None and now - self._last_look > 0.1:
            self._last_look = now
            self._live.update(self._table(update), refresh=True)

    def _table(self, update: StreamUpdate) -> Table:
        from rich.table import Table
        from rich.text import Text

        counts, shown = update.counts, update.prediction
        assert shown is not None
        slowest = sorted(self._latencies)[int(0.99 * (len(self._latencies) - 1))]
        table = Table(box=None, show_header=False, padding=(0, 1))
        title = f"{self._source.address}  {self._source.state}  {clock(update.pts_seconds)}"
        table.add_row(Text(title, style="bold"))
        top = shown.top(5)
        for label, score in zip(top.labels, top.scores, strict=True):
            bar = "█" * round(BAR_WIDTH * score)
            style = "green" if score >= self._watcher.rule.on_threshold else "dim"
            table.add_row(Text(f"{printable(label)[:28]:<28} {score:6.1%} {bar}", style=style))
        going = ", ".join(
            f"{printable(e.label)} since {clock(e.start_seconds)}" for e in self._watcher.ongoing
        )
        table.add_row(Text(f"going on: {going or '-'}"))
        table.add_row(
            Text(
                f"{counts.num_read} frames, {counts.num_dropped} dropped, {counts.num_reconnects} reconnects;"
                f" frame to prediction {1e3 * update.latency_seconds:.0f} ms, 99% within {1e3 * slowest:.0f} ms",
                style="dim",
            )
        )
        return table


def _line(event: Event) -> str:
    if event.is_over:
        return (
            f"{clock(event.start_seconds)} - {clock(event.end_seconds)}  {printable(event.label)}"
            f"  {event.score:.0%} (peak {event.peak_score:.0%})"
        )
    return (
        f"{clock(event.start_seconds)} ...        {printable(event.label)}"
        f"  (seen after {event.latency_seconds:.2f} s)"
    )


def _print_line(document: dict[str, Any]) -> None:
    print(json_for_stdout(document), flush=True)
