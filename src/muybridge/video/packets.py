"""What the container tells without decoding: times, sizes and keyframe flags of all packets.

Reading packets costs a small part of decoding, and says most of what one wants to know beforehand: how many
frames there are, when each is shown, from where the decoder can start, and where the encoder saw a cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import av.error
import numpy as np
from numpy.typing import NDArray

from muybridge.video.clock_jumps import mended
from muybridge.video.container import (
    DEFAULT_LIMITS,
    Limits,
    average_rate,
    demux,
    open_container,
    video_stream,
)
from muybridge.video.losses import believed, shortfall, with_losses
from muybridge.video.rounding import places_shown
from muybridge.video.spare import disposability_of

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

__all__ = ["PacketTable", "read_packets"]

DECODING_TIMES_ONLY = {"avi", "asf", "mxf"}
"""Containers that give no times of presentation, or whose readers in FFmpeg take them for those of decoding."""
UNTIMED_CODECS = {"h264", "hevc", "vvc"}
"""Codecs from whose packets FFmpeg cannot tell the order of presentation without decoding them."""


@dataclass(frozen=True, slots=True, eq=False)
class PacketTable:
    """One row for each frame that will be shown, in the order in which they are shown.

    Args:
        pts_seconds: (N,) float64, when the frame appears.
        duration_seconds: (N,) float64, until the next frame appears; for the last, what the container says.
        pts: (N,) int64, the same moments in the stream's own ticks, none twice.
        dts: (N,) int64, when the packet is to be decoded, in ticks.
        size_bytes: (N,) int64.
        is_keyframe: (N,) bool: decoding may start here.
        decode_order: (N,) int64, the packet's place in the file.
        is_exact: whether a picture is recognized by the time that its packet carries. Where the container does not
            give one to every packet, or numbers them in the order of the file, pictures are counted instead, and
            times that are missing are estimates.
        damage: what was wrong with the container, in words; empty for a sound file.
        reorder_depth: how many pictures the decoder holds back to put them in order, as far as is known.
        is_disposable: (N,) bool, whether no other picture is made from this one, as far as is known.
        packet_pts: (N,) int64, what the packets themselves say, in ticks: `pts`, but for those that repeat another's
            and those that are wrong.
        lead_in_dts: where the packets begin that the container's edit list hides before the first frame, in ticks;
            None where it hides none.
        is_lost: (N,) bool, whether bytes of the packet may be missing; see `muybridge.video.losses`.

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
    packet_pts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    lead_in_dts: int | None = None
    is_lost: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))

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
        lead_in_dts: int | None = None,
        packet_pts: Any = None,
        is_lost: Any = None,
    ) -> PacketTable:
        """Sort packets that stand in the order of the file into the order in which they are shown."""
        shown = np.asarray(pts, np.int64)
        own = shown if packet_pts is None else np.asarray(packet_pts, np.int64)
        order = np.argsort(shown, kind="stable")
        times = _moved_apart(shown[order])
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
            _flags(is_disposable, order),
            own[order],
            lead_in_dts,
            _flags(is_lost, order),
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
        return int(places_shown(self.pts_seconds, seconds)) if len(self) else 0

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


def _flags(values: Any, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.zeros(len(order), np.bool_) if values is None else np.asarray(values, np.bool_)[order]


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


class _Row(NamedTuple):
    """What is kept of one packet; times in ticks."""

    pts: int | None
    dts: int | None
    size_bytes: int
    is_keyframe: bool
    duration: int
    is_disposable: bool
    is_lost: bool = False


def scan_packets(
    container: InputContainer,
    stream: VideoStream,
    *,
    also: Iterable[Callable[[Packet[VideoStream]], bool]] = (),
) -> PacketTable:
    """`read_packets` on an open container, read to its end; each of `also` sees them while it asks for more."""
    rows: list[_Row] = []
    tells = disposability_of(stream)
    num_hidden = num_splices = 0
    hides_keyframe = False
    lead_in_dts: int | None = None
    damage = ""
    reorder_depth = stream.codec_context.reorder_depth
    watching = list(also)
    try:
        for packet in with_losses(demux(container, stream)):
            if watching:
                watching = [shown for shown in watching if shown(packet)]
            # The last packet that PyAV gives is an empty one, which tells a decoder to flush.
            if packet.size == 0:
                continue
            if packet.is_discard:
                if not rows and lead_in_dts is None:
                    lead_in_dts = packet.dts
                num_hidden += 1
                hides_keyframe = hides_keyframe or packet.is_keyframe
                continue
            num_splices += hides_keyframe and bool(rows)
            hides_keyframe = False
            row = packet.pts, packet.dts, packet.size, packet.is_keyframe, packet.duration or 0
            rows.append(_Row(*row, tells(packet), packet.is_corrupt))
    except (av.error.FFmpegError, OSError) as error:
        damage = f"the container breaks off after {len(rows)} packets ({error.strerror or error})"
    tick = stream.time_base
    # FFmpeg takes an MP4's own list of disposable samples for one of the packets, whatever the edit list has hidden.
    is_edited = stream.codec_context.name != "h264" and (
        num_hidden > 0 or stream.frames not in (0, len(rows))
    )
    is_lost, counts_wrong = believed([row.is_lost for row in rows])
    sound, wrong = _without_jumps(rows, float(tick) if tick else 1.0)
    times, is_exact, doubt = _presentation_times(sound, stream, container.format.name)
    doubt = "; ".join(filter(None, (wrong, doubt)))
    # Pictures are still recognized by what their packets say, wrong as it is, if no two say the same.
    own = [row.pts or 0 for row in rows] if wrong and is_exact else times
    is_exact = is_exact and not (wrong and len(set(own)) < len(own))
    last = int(np.argmax(times)) if times else 0
    # What an edit list of several parts leaves out between them, FFmpeg does not tell.
    missing = shortfall(rows, num_hidden, stream) if num_splices == 0 else ""
    return PacketTable.from_columns(
        pts=times,
        dts=[time if row.dts is None else row.dts for row, time in zip(sound, times, strict=True)],
        size_bytes=[row.size_bytes for row in rows],
        is_keyframe=[row.is_keyframe for row in rows],
        seconds_per_tick=float(tick) if tick else 1.0,
        last_duration=rows[last].duration if rows else 0,
        is_exact=is_exact,
        damage=damage or missing or counts_wrong or doubt,
        reorder_depth=reorder_depth,
        is_disposable=[row.is_disposable and not is_edited for row in rows],
        lead_in_dts=lead_in_dts,
        packet_pts=own,
        is_lost=is_lost,
    )


def _presentation_times(rows: list[_Row], stream: VideoStream, container: str) -> tuple[list[int], bool, str]:
    """The time of each packet in ticks, whether all are its own, and what is wrong with them, in words."""
    joined = _joined(rows)
    if joined is not rows:
        # The packets of one part carry the times of another's.
        times, _, damage = _presentation_times(joined, stream, container)
        return times, False, "; ".join(filter(None, (_goes_back(rows, float(stream.time_base or 1)), damage)))
    known = [row.pts for row in rows if row.pts is not None]
    num_own = len(set(known))
    reorders = bool(stream.codec_context and stream.codec_context.has_b_frames)
    if num_own == len(rows):
        return known, not (reorders and _follow_the_file(known, stream, container)), ""
    # Without reordering, the decoding times are the presentation times (AVI says only those).
    decoding = [row.dts for row in rows if row.dts is not None]
    if not known and not reorders and len(decoding) == len(rows) and len(set(decoding)) == len(decoding):
        return decoding, True, ""
    if 2 * num_own > len(rows):
        return _completed(rows, reorders=reorders)
    rate = average_rate(stream)
    step = max(1, round(1 / (rate * stream.time_base))) if rate and stream.time_base else 0
    step = step or max((row.duration for row in rows if row.duration > 0), default=1)
    first = min(known or decoding, default=0)
    return [first + position * step for position in range(len(rows))], False, ""


def _without_jumps(rows: list[_Row], seconds_per_tick: float) -> tuple[list[_Row], str]:
    """The packets without jumps of the clock that cancel each other out, and which those were, in words."""
    if any(row.pts is None or row.dts is None for row in rows):
        return rows, ""
    times = mended([row.pts or 0 for row in rows], [row.dts or 0 for row in rows])
    if not times.stretches:
        return rows, ""
    num_moved = f"{sum(end - first for first, end in times.stretches)} of {len(rows)}"
    first, end = times.stretches[0]
    since, until = (times.dts[place] * seconds_per_tick for place in (first, end))
    more = f" and at {len(times.stretches) - 1} more places" if len(times.stretches) > 1 else ""
    wrong = f"its clock jumps from {since:.2f} s to {until:.2f} s{more}; the times of {num_moved} frames are estimates"
    moved = zip(rows, times.pts, times.dts, strict=True)
    return [row._replace(pts=pts, dts=dts) for row, pts, dts in moved], wrong


def _joined(rows: list[_Row]) -> list[_Row]:
    """Files that were put one after the other, such as `cat a.ts b.ts`: each part goes on where the one before ends.

    A part begins where two packets in a row lie before the last two, in decoding and in presentation; a single time
    that is wrong does not begin one.
    """
    pts, dts = [row.pts or 0 for row in rows], [row.dts or 0 for row in rows]
    parts = _parts(rows)
    joined: list[_Row] = rows[: parts[0]] if parts else rows
    for first, end in pairwise([*parts, len(rows)]):
        times = sorted({row.pts or 0 for row in joined})
        # The usual step after the last picture so far.
        start = times[-1] + max(1, int(np.median(np.diff(times))))
        shift = start - min(pts[first:end])
        moved = range(first, end)
        joined = joined + [rows[n]._replace(pts=pts[n] + shift, dts=dts[n] + shift) for n in moved]
    return joined


def _parts(rows: list[_Row]) -> list[int]:
    """Where a part begins other than the first."""
    if any(row.pts is None or row.dts is None for row in rows):
        return []
    pts, dts = [row.pts or 0 for row in rows], [row.dts or 0 for row in rows]
    return [
        place
        for place in range(2, len(rows))
        if dts[place] < dts[place - 1]
        and max(dts[place : place + 2]) < min(dts[place - 2 : place])
        and pts[place] < min(pts[place - 2 : place])
    ]


def _goes_back(rows: list[_Row], seconds_per_tick: float) -> str:
    """Says so where a part does not begin about where the one before did, as files do: it may be the clock's fault."""
    starts = [seconds_per_tick * (rows[place].dts or 0) for place in (0, *_parts(rows))]
    back = [start for before, start in pairwise(starts) if abs(start - before) > 1]
    return (
        f"its clock goes back to {back[0]:.2f} s; what follows is shown after what was before" if back else ""
    )


def _follow_the_file(pts: list[int], stream: VideoStream, container: str) -> bool:
    """Whether the times are those of decoding: FFmpeg counts on where the container and the codec give none."""
    codec = stream.codec_context.codec.canonical_name
    return container in DECODING_TIMES_ONLY and codec in UNTIMED_CODECS and pts == sorted(pts)


def _completed(rows: list[_Row], *, reorders: bool) -> tuple[list[int], bool, str]:
    """The times of a file where most packets have one of their own; `from_columns` moves apart those that repeat."""
    times: list[int] = []
    seen: set[int] = set()
    doubtful: list[int] = []
    latest = next(row.pts for row in rows if row.pts is not None)
    for place, row in enumerate(rows):
        decoding = None if reorders else row.dts
        latest = row.pts if row.pts is not None else decoding if decoding is not None else latest
        if row.pts is None or latest in seen:
            doubtful.append(place)
        seen.add(latest)
        times.append(latest)
    # In a program stream nothing follows the last packet that would tell its time, so FFmpeg guesses: no damage.
    damage = ""
    if doubtful != [len(rows) - 1]:
        damage = f"frames without a time of their own: {len(doubtful)} of {len(rows)}; theirs are estimates"
    # Where the codec reorders, two pictures of one time need not come one after the other, so they are counted.
    are_in_order = not reorders and times == sorted(times)
    return times, are_in_order and all(row.pts is not None for row in rows), damage


def _moved_apart(pts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sorted times, none twice: one that repeats moves on by the usual step, or less where the next frame is near.

    >>> _moved_apart(np.array([0, 40, 80, 80, 160, 160, 180])).tolist()
    [0, 40, 80, 120, 160, 170, 180]
    """
    distinct, firsts, counts = np.unique(pts, return_index=True, return_counts=True)
    if len(distinct) == len(pts):
        return pts
    gaps = np.diff(distinct)
    usual = max(1, int(np.median(gaps))) if len(gaps) else 1
    steps = np.clip(np.append(gaps, usual * counts[-1]) // counts, 1, usual)
    places = np.arange(len(pts))
    moved = pts + (places - np.repeat(firsts, counts)) * np.repeat(steps, counts)
    # Where the clock has no tick left between two frames, those after it move on too.
    return np.asarray(np.maximum.accumulate(moved - places) + places, np.int64)
