"""Reading ahead: one thread decodes and converts while another looks at what is ready.

    decoder, converter   ──► 8 pictures at most wait ──►   whoever looks at them

Decoding and converting leave Python alone, so two cores work even where the looking is Python that uses one.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from muybridge.observer import View
from muybridge.video.picture import MomentPicture
from muybridge.video.reader import Pace

__all__ = ["ahead", "prepared", "read_ahead"]

PICTURES_AHEAD = 8

Shown = TypeVar("Shown", bound=MomentPicture)
Item = TypeVar("Item")


def read_ahead(
    pictures: Iterable[Shown], views: Sequence[View], *, last_seconds: float | None = None
) -> Iterator[Shown]:
    """The same pictures, decoded ahead in a thread; those that a view wants have it ready.

    Args:
        pictures: what to read ahead of.
        views: which are made ready.
        last_seconds: leave out pictures up to this moment: an earlier run has seen them.

    Yields:
        The pictures in order. What goes wrong while reading is raised here, after the pictures before it.

    >>> from muybridge.video import open_video
    >>> gray = View(short_side_px=20, pixel_format="gray8")
    >>> with open_video(getfixture("sample_video")) as video:
    ...     sizes = {picture.frame(gray).pixels.shape[0] for picture in read_ahead(video.pictures(), [gray])}
    >>> sizes
    {20}
    """
    yield from ahead(prepared(pictures, views, last_seconds=last_seconds), max_waiting=PICTURES_AHEAD)


def prepared(
    pictures: Iterable[Shown], views: Sequence[View], *, last_seconds: float | None = None
) -> Iterator[Shown]:
    """The same pictures, decoded as they are taken; those that a view wants have it ready.

    Args:
        pictures: what to read.
        views: which are made ready.
        last_seconds: leave out pictures up to this moment: an earlier run has seen them.
    """
    paces = [(Pace.of(view), view) for view in views]
    for picture in pictures:
        if last_seconds is not None and picture.pts_seconds <= last_seconds:
            continue
        for pace, view in paces:
            if pace.wants_picture(picture):
                picture.frame(view)
        yield picture


def ahead(items: Iterable[Item], *, max_waiting: int) -> Iterator[Item]:
    """The same items, made in a thread before they are asked for.

    Args:
        items: are iterated over in the thread.
        max_waiting: that many may be ready and not taken yet.

    Yields:
        The items in order. What goes wrong in the thread is raised here, after the items before it.

    >>> list(ahead(range(5), max_waiting=2))
    [0, 1, 2, 3, 4]
    """
    ready: queue.Queue[Item | BaseException | None] = queue.Queue(max_waiting)
    stop = threading.Event()

    def hand_over(item: Item | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not hand_over(item):
                    return
            hand_over(None)
        except BaseException as error:
            hand_over(error)

    worker = threading.Thread(target=work, name="muybridge-decode", daemon=True)
    worker.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        worker.join()
