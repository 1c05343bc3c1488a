"""What the container tells without decoding: times, sizes and keyframe flags of all packets.

Reading packets costs a small part of decoding, and says most of what one wants to know beforehand: how many
frames there are, when each is shown, from where the decoder can start, and where the encoder saw a cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av.error
import numpy as np
from numpy.typing import NDArray

from muybridge.video.container import DEFAULT_LIMITS, Limits, average_rate, open_container, video_stream
from muybridge.video.spare import disposability_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["PacketTable", "read_packets"]


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """One row for each frame that will be shown, in the order in which they are shown.

    Args:
        pts_seconds: (N,) float64, when the frame appears.
        duration_seconds: (N,) float64, until the next frame appears; for the last, what the container says.
        pts: (N,) int64, the same moments in the stream's own ticks.
        dts: (N,) int64, when the packet is to be decoded, in ticks.
        size_bytes: (N,) int64.
        is_keyframe: (N,) bool: decoding may start here.
        decode_order: (N,) int64, the packet's place in the file.
        is_exact: whether the container gave a time of its own to every packet. Where it did not, the rows are
            in the order of the file and their times are estimates from the frame rate.
        damage: what was wrong with the container, in words; empty for a sound file.
        reorder_depth: how many pictures the decoder holds back to put them in order, as far as is known.
        is_disposable: (N,) bool, whether no other picture is made from this one, as far as is known.

    >>> table = PacketTable.from_columns(pts=[0, 2, 1], dts=[0, 1, 2], size_bytes=[9, 5, 2],
    ...                                  is_keyframe=[True, False, False], seconds_per_tick=0.5)
    >>> table.pts_seconds.tolist(), table.size_bytes.tolist(), len(table)
    ([0.0, 0.5, 1.0], [9, 2, 5], 3)
    """

    pts_seconds: NDArray[np.float64]
    duration_seconds: NDArray[np.float64]
    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    size_bytes: NDArray[np.int64]
    is_keyframe: NDArray[np.bool_]
    decode_order: NDArray[np.int64]
    is_exact: bool = True
    damage: str = ""
    reorder_depth: int = 0
    is_disposable: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

    @classmethod
    def from_columns(
        cls,
        *,
        pts: Any,
        dts: Any,
        size_bytes: Any,
        is_keyframe: Any,
        seconds_per_tick: float,
        last_duration: int = 0,
        is_exact: bool = True,
        damage: str = "",
        reorder_depth: int = 0,
        is_disposable: Any = None,
    ) -> PacketTable:
        """Sort packets that stand in the order of the file into the order in which they are shown."""
        times = np.asarray(pts, np.int64)
        order = np.argsort(times, kind="stable")
        times = times[order]
        seconds: NDArray[np.float64] = np.asarray(times * seconds_per_tick, np.float64)
        if len(times) and last_duration <= 0:
            # The usual step stands in for a last duration that the container does not give.
            last_duration = int(np.median(np.diff(times))) if len(times) > 1 else 0
        ends = np.append(seconds[1:], (times[-1:] + last_duration) * seconds_per_tick)
        return cls(
            seconds,
            ends - seconds,
            times,
            np.asarray(dts, np.int64)[order],
            np.asarray(size_bytes, np.int64)[order],
            np.asarray(is_keyframe, np.bool_)[order],
            order.astype(np.int64),
            is_exact,
            damage,
            reorder_depth,
            np.zeros(len(times), np.bool_)
            if is_disposable is None
            else np.asarray(is_disposable, np.bool_)[order],
        )

    def __len__(self) -> int:
        return len(self.pts)

    @property
    def start_seconds(self) -> float:
        """When the first frame appears."""
        return float(self.pts_seconds[0]) if len(self) else 0.0

    @property
    def end_seconds(self) -> float:
        """When the last frame is gone."""
        return float(self.pts_seconds[-1] + self.duration_seconds[-1]) if len(self) else 0.0

    def index_at(self, seconds: float) -> int:
        """The frame that is shown at that second; before the first it is the first."""
        return max(0, int(np.searchsorted(self.pts_seconds, seconds, side="right")) - 1)

    def is_constant_rate(self) -> bool:
        """Whether all frames last equally long, within the rounding of the container's clock."""
        steps = np.diff(self.pts)
        return len(steps) == 0 or int(steps.max() - steps.min()) <= max(2, int(0.02 * np.median(steps)))

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "pts_seconds": self.pts_seconds.tolist(),
            "duration_seconds": self.duration_seconds.tolist(),
            "size_bytes": self.size_bytes.tolist(),
            "is_keyframe": self.is_keyframe.tolist(),
            "is_exact": self.is_exact,
            "damage": self.damage,
        }


def read_packets(
    path: str | Path, *, limits: Limits = DEFAULT_LIMITS, allow_url: bool = False
) -> PacketTable:
    """Read times, sizes and keyframe flags of the whole file without decoding a frame.

    Args:
        path: the video.
        limits: the largest picture and the longest video that are accepted.
        allow_url: whether `path` may be a URL.

    Returns:
        A row for each frame, in order of presentation; frames that the container's edit list hides are left out.

    Raises:
        VideoOpenError: the file cannot be opened.
    """
    with open_container(path, limits=limits, allow_url=allow_url) as container:
        return scan_packets(container, video_stream(container, str(path)))


def scan_packets(
    container: InputContainer,
    stream: VideoStream,
    *,
    also: Iterable[Callable[[Packet[VideoStream]], bool]] = (),
) -> PacketTable:
    """`read_packets` on an open container, read to its end; each of `also` sees them while it asks for more."""
    pts: list[int | None] = []
    dts: list[int | None] = []
    size: list[int] = []
    is_keyframe: list[bool] = []
    durations: list[int] = []
    is_disposable: list[bool] = []
    tells = disposability_of(stream)
    num_hidden = 0
    damage = ""
    reorder_depth = stream.codec_context.reorder_depth
    watching = list(also)
    try:
        for packet in container.demux(stream):
            if watching:
                watching = [shown for shown in watching if shown(packet)]
            # The last packet that PyAV gives is an empty one, which tells a decoder to flush.
            if packet.size == 0 or packet.is_discard:
                num_hidden += packet.is_discard
                continue
            pts.append(packet.pts)
            dts.append(packet.dts)
            size.append(packet.size)
            is_keyframe.append(packet.is_keyframe)
            durations.append(packet.duration or 0)
            is_disposable.append(tells(packet))
    except (av.error.FFmpegError, OSError) as error:
        damage = f"the container breaks off after {len(pts)} packets ({error.strerror or error})"
    if not damage and stream.frames > len(pts) + num_hidden:
        damage = f"the header promises {stream.frames} frames, the file holds {len(pts) + num_hidden}"
    tick = stream.time_base
    times, is_exact = _presentation_times(pts, dts, durations, stream)
    last = int(np.argmax(times)) if times else 0
    return PacketTable.from_columns(
        pts=times,
        dts=[time if value is None else value for value, time in zip(dts, times, strict=True)],
        size_bytes=size,
        is_keyframe=is_keyframe,
        seconds_per_tick=float(tick) if tick else 1.0,
        last_duration=durations[last] if durations else 0,
        is_exact=is_exact,
        damage=damage,
        reorder_depth=reorder_depth,
        is_disposable=is_disposable,
    )


def _presentation_times(
    pts: list[int | None], dts: list[int | None], durations: list[int], stream: VideoStream
) -> tuple[list[int], bool]:
    known = [value for value in pts if value is not None]
    if len(known) == len(pts) and len(set(known)) == len(known):
        return known, True
    # Without reordering, the decoding times are the presentation times (AVI says only those).
    decoding = [value for value in dts if value is not None]
    reorders = bool(stream.codec_context and stream.codec_context.has_b_frames)
    if not known and not reorders and len(decoding) == len(pts) and len(set(decoding)) == len(decoding):
        return decoding, True
    rate = average_rate(stream)
    step = max(1, round(1 / (rate * stream.time_base))) if rate and stream.time_base else 0
    step = step or max((value for value in durations if value > 0), default=1)
    first = min(known or decoding, default=0)
    return [first + position * step for position in range(len(pts))], False
