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

__all__ = ["read_ahead"]

PICTURES_AHEAD = 8

Shown = TypeVar("Shown", bound=MomentPicture)


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
    ready: queue.Queue[Shown | BaseException | None] = queue.Queue(PICTURES_AHEAD)
    stop = threading.Event()

    def hand_over(item: Shown | BaseException | None) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        paces = [(Pace(view.frames_per_second), view) for view in views]
        try:
            for picture in pictures:
                if last_seconds is not None and picture.pts_seconds <= last_seconds:
                    continue
                for pace, view in paces:
                    if pace.wants(picture.pts_seconds):
                        picture.frame(view)
                if not hand_over(picture):
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
