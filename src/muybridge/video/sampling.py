"""Which frames to look at: a video of any length → a clip of so many frames.

Each strategy is a plain function from the number of frames (or their times) to indices, drawn below with `x` for
a frame that is taken and `.` for one that is not. `sample_clip` opens the video, asks one of them, and reads just
those frames.

A video may be shorter than what is asked for. Three policies have names:

    repeat_last   a b c c c      the last frame stays, as a player's picture does
    wrap          a b c a b      begin again
    error         OptionError    nothing is invented
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from muybridge.counts import check_count
from muybridge.errors import OptionError, UnknownNameError
from muybridge.values import Clip
from muybridge.video.container import DEFAULT_LIMITS, Limits
from muybridge.video.packets import PacketTable
from muybridge.video.reader import Video, open_video
from muybridge.video.rounding import places_shown

__all__ = [
    "ShortPolicy",
    "Strategy",
    "clip_starts",
    "fps_indices",
    "keyframe_indices",
    "random_indices",
    "sample_clip",
    "sample_clips",
    "stride_indices",
    "uniform_indices",
]

ShortPolicy = Literal["repeat_last", "wrap", "error"]
Strategy = Literal["uniform", "stride", "fps", "random", "keyframes", "salient"]
Indices = NDArray[np.int64]

MomentSampler = Callable[[Video, int], Sequence[float]]
"""A strategy that looks at the video: (video, num_frames) → so many seconds, ascending."""

ENTRY_POINTS = "muybridge.sampling"


def uniform_indices(num_available: int, num_frames: int, *, short: ShortPolicy = "repeat_last") -> Indices:
    """Evenly over the whole, the first and the last frame included.

        x . . . . x . . . . x . . . . x

    Args:
        num_available: how many frames the video has.
        num_frames: how many are wanted (T).
        short: what to do where the video has fewer.

    Returns:
        (T,) int64, ascending unless wrapped.

    Raises:
        OptionError: a number that is not positive, or too few frames under the policy `"error"`.

    >>> uniform_indices(16, 4).tolist(), uniform_indices(3, 5).tolist()
    ([0, 5, 10, 15], [0, 1, 2, 2, 2])
    """
    _check(num_available, num_frames)
    if num_available < num_frames:
        return _fill(np.arange(num_available), num_frames, short)
    # Half rounds up, whatever the neighbour: np.round would send 0.5 to 0 and 1.5 to 2.
    return np.floor(np.linspace(0, num_available - 1, num_frames) + 0.5).astype(np.int64)


def stride_indices(
    num_available: int,
    num_frames: int,
    *,
    stride: int = 2,
    start: int | None = None,
    short: ShortPolicy = "repeat_last",
) -> Indices:
    """Every `stride`-th frame; from the middle of the video unless `start` says otherwise.

        . . . . x . x . x . x . . . . .

    Args:
        num_available: how many frames the video has.
        num_frames: how many are wanted (T).
        stride: the step between them.
        start: the first of them; None puts the clip in the middle.
        short: what to do where the video ends before the clip.

    Returns:
        (T,) int64.

    Raises:
        OptionError: a number that is not positive, a start outside, or too few frames under `"error"`.

    >>> stride_indices(16, 4, stride=2).tolist(), stride_indices(5, 4, stride=2, short="wrap").tolist()
    ([4, 6, 8, 10], [0, 2, 4, 0])
    """
    _check(num_available, num_frames)
    check_count("stride", stride)
    span = (num_frames - 1) * stride + 1
    if start is None:
        start = max(0, (num_available - span) // 2)
    if not 0 <= start < num_available:
        raise OptionError(f"the clip starts at frame {start}; the video has frames 0 to {num_available - 1}")
    return _fill(np.arange(start, min(start + span, num_available), stride), num_frames, short)


def fps_indices(
    pts_seconds: NDArray[np.float64],
    num_frames: int,
    *,
    frames_per_second: float,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    short: ShortPolicy = "repeat_last",
) -> Indices:
    """So many frames per second of the clock, whatever the frame rate of the source, constant or not.

        0 s       0.5 s     1 s       1.5 s
        x . . . . x . . . . x . . . . x          2 per second

    Args:
        pts_seconds: (N,) ascending, when each frame appears.
        num_frames: how many are wanted (T).
        frames_per_second: the rate.
        start_seconds: where the clip begins; None for the video's start.
        end_seconds: when the last frame is gone; None where it is not known, so that it stays as long as the one
            before it, or for a second where it is the only one.
        short: what to do where the video ends before the clip.

    Returns:
        (T,) int64: for each moment the frame that is shown then.

    Raises:
        OptionError: a number that is not positive, a start outside, an end before the last frame, or too few frames
            under `"error"`.

    >>> fps_indices(np.arange(30) / 10, 3, frames_per_second=2).tolist()
    [0, 5, 10]
    """
    _check(len(pts_seconds), num_frames)
    if not 0 < frames_per_second < float("inf"):
        raise OptionError(f"frames_per_second is {frames_per_second}; it must be positive and finite")
    first = float(pts_seconds[0])
    start = first if start_seconds is None else start_seconds
    last = float(pts_seconds[-1])
    usual = last - float(pts_seconds[-2]) if len(pts_seconds) > 1 else 1.0
    end = last + usual if end_seconds is None else end_seconds
    if not last < end:
        raise OptionError(
            f"the video ends at {end} s; its last frame appears at {last} s, which must be before"
        )
    if not first <= start < end:
        raise OptionError(f"the clip starts at {start} s; the video shows frames from {first} s to {end} s")
    moments = start + np.arange(num_frames) / frames_per_second
    inside = moments[moments < end - 1e-9]
    return _fill(places_shown(pts_seconds, inside), num_frames, short)


def random_indices(
    num_available: int,
    num_frames: int,
    *,
    generator: np.random.Generator,
    stride: int = 1,
    short: ShortPolicy = "repeat_last",
) -> Indices:
    """A clip at a random place, for training.

        . . . . . . . x x x x . . . . .

    Args:
        num_available: how many frames the video has.
        num_frames: how many are wanted (T).
        generator: the source of chance; the same seed gives the same clip.
        stride: the step between the frames.
        short: what to do where the video ends before the clip.

    Returns:
        (T,) int64.

    >>> random_indices(100, 3, generator=np.random.default_rng(0), stride=2).tolist()
    [81, 83, 85]
    """
    _check(num_available, num_frames)
    room = num_available - ((num_frames - 1) * stride + 1)
    start = int(generator.integers(0, room + 1)) if room > 0 else 0
    return stride_indices(num_available, num_frames, stride=stride, start=start, short=short)


def keyframe_indices(packets: PacketTable, num_frames: int, *, short: ShortPolicy = "repeat_last") -> Indices:
    """The keyframes nearest to an even spread: nearly free, since nothing but them is decoded.

        K . . . . K . K . . . . K . . K       K a keyframe
        x         x             x     x

    Args:
        packets: what the container tells.
        num_frames: how many are wanted (T).
        short: what to do where there are fewer keyframes.

    Returns:
        (T,) int64, ascending unless wrapped; all different where there are enough keyframes.

    >>> table = PacketTable.from_columns(pts=range(12), dts=range(12), size_bytes=[1] * 12,
    ...                                  is_keyframe=np.arange(12) % 3 == 0, seconds_per_tick=0.1)
    >>> keyframe_indices(table, 2).tolist(), keyframe_indices(table, 5).tolist()
    ([0, 9], [0, 3, 6, 9, 9])
    """
    _check(len(packets), num_frames)
    keys = np.flatnonzero(packets.is_keyframe)
    if len(keys) == 0:
        keys = np.array([0])
    if len(keys) <= num_frames:
        return _fill(keys, num_frames, short)
    wanted = np.linspace(packets.pts_seconds[0], packets.pts_seconds[-1], num_frames)
    chosen = np.abs(packets.pts_seconds[keys][None, :] - wanted[:, None]).argmin(1)
    # Two wishes may share their nearest keyframe: push them apart, first forwards, then back from the end.
    for i in range(1, num_frames):
        chosen[i] = max(chosen[i], chosen[i - 1] + 1)
    for i in range(num_frames - 1, -1, -1):
        chosen[i] = min(chosen[i], len(keys) - num_frames + i)
    return np.asarray(keys[chosen], np.int64)


def clip_starts(num_available: int, span: int, num_clips: int) -> Indices:
    """Where several clips of one video begin: evenly, the first at the start, the last at the end.

        x x x . . x x x . . . x x x      span 3, 3 clips

    Args:
        num_available: how many frames the video has.
        span: frames from a clip's first to its last.
        num_clips: how many; a single one lies in the middle.

    >>> clip_starts(14, 3, 3).tolist(), clip_starts(14, 4, 1).tolist()
    ([0, 6, 11], [5])
    """
    room = max(0, num_available - span)
    if num_clips == 1:
        return np.array([room // 2])
    return np.floor(np.linspace(0, room, num_clips) + 0.5).astype(np.int64)


def sample_clip(
    path: str | Path,
    *,
    num_frames: int = 16,
    size_px: int | tuple[int, int] | None = 224,
    strategy: Strategy = "uniform",
    resize: Literal["crop", "squash"] = "crop",
    stride: int = 2,
    frames_per_second: float = 2.0,
    start_seconds: float | None = None,
    seed: int | None = None,
    short: ShortPolicy = "repeat_last",
    limits: Limits = DEFAULT_LIMITS,
) -> Clip:
    """Read so many frames of a video, chosen by a strategy.

    Args:
        path: the video.
        num_frames: how many frames (T).
        size_px: the side of a square picture, or its (width, height); None for full size.
        strategy: `"uniform"` over the whole, `"stride"` every so many frames, `"fps"` so many per second,
            `"random"` place, `"keyframes"` nearest to uniform, or `"salient"`: around scene changes and motion.
        resize: `"crop"` scales the short side and cuts the middle out, `"squash"` distorts.
        stride: the step for `"stride"` and `"random"`.
        frames_per_second: the rate for `"fps"`.
        start_seconds: where `"stride"` and `"fps"` begin.
        seed: for `"random"`; None for a different clip each time.
        short: the policy for videos with fewer frames.
        limits: the largest picture and the longest video that are accepted.

    Returns:
        A clip with pixels (T, H, W, 3) uint8 and pts_seconds (T,).

    Raises:
        OptionError: an option outside what is allowed.
        VideoError: the video cannot be read.

    >>> clip = sample_clip(getfixture("sample_video"), num_frames=4, size_px=32)
    >>> clip.pixels.shape, clip.pts_seconds.round(2).tolist()
    ((4, 32, 32, 3), [0.0, 0.6, 1.3, 1.9])
    """
    with open_video(path, limits=limits) as video:
        packets = video.packets
        start = None if start_seconds is None else video.indices_at([start_seconds])[0]
        if strategy == "uniform":
            indices = uniform_indices(len(packets), num_frames, short=short)
        elif strategy == "stride":
            indices = stride_indices(len(packets), num_frames, stride=stride, start=start, short=short)
        elif strategy == "fps":
            indices = fps_indices(
                packets.pts_seconds,
                num_frames,
                frames_per_second=frames_per_second,
                start_seconds=start_seconds,
                end_seconds=packets.end_seconds if packets.duration_seconds[-1] > 0 else None,
                short=short,
            )
        elif strategy == "random":
            generator = np.random.default_rng(seed)
            indices = random_indices(
                len(packets), num_frames, generator=generator, stride=stride, short=short
            )
        elif strategy == "keyframes":
            indices = keyframe_indices(packets, num_frames, short=short)
        else:
            check_count("num_frames", num_frames)
            moments = _moment_sampler(strategy)(video, num_frames)
            indices = _fill(np.unique(video.indices_at(moments)), num_frames, short)
        return video.frames_at(indices=indices.tolist(), size_px=size_px, resize=resize)


def sample_clips(
    path: str | Path,
    *,
    num_clips: int,
    num_frames: int = 16,
    stride: int = 2,
    size_px: int | tuple[int, int] | None = 224,
    resize: Literal["crop", "squash"] = "crop",
    short: ShortPolicy = "repeat_last",
    limits: Limits = DEFAULT_LIMITS,
) -> list[Clip]:
    """Read several clips of one video, evenly over its length, decoding each frame once.

        x . x . x . . . x . x . x . . . x . x . x      3 clips of 3 frames at stride 2

    Args:
        path: the video.
        num_clips: how many clips.
        num_frames: frames of each (T).
        stride: the step between the frames of a clip.
        size_px: the side of a square picture, or its (width, height); None for full size.
        resize: `"crop"` or `"squash"`.
        short: the policy for videos that are shorter than a clip.
        limits: the largest picture and the longest video that are accepted.

    Returns:
        `num_clips` clips.

    >>> clips = sample_clips(getfixture("sample_video"), num_clips=2, num_frames=3, size_px=16)
    >>> [clip.indices.tolist() for clip in clips]
    [[0, 2, 4], [15, 17, 19]]
    """
    check_count("num_clips", num_clips)
    with open_video(path, limits=limits) as video:
        num_available = len(video)
        rows = [
            stride_indices(num_available, num_frames, stride=stride, start=int(start), short=short)
            for start in clip_starts(num_available, (num_frames - 1) * stride + 1, num_clips)
        ]
        whole = video.frames_at(indices=np.concatenate(rows).tolist(), size_px=size_px, resize=resize)
    parts = [slice(i * num_frames, (i + 1) * num_frames) for i in range(num_clips)]
    return [
        Clip(whole.pixels[part], whole.pts_seconds[part], whole.indices[part], whole.path) for part in parts
    ]


def _moment_sampler(strategy: str) -> MomentSampler:
    """A strategy that is named by an entry point: this package's `"salient"`, and those of plugins."""
    samplers = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if strategy not in samplers:
        raise UnknownNameError("strategy", strategy, {*get_args(Strategy), *samplers})
    sampler: MomentSampler = samplers[strategy].load()
    return sampler


def _check(num_available: int, num_frames: int) -> None:
    check_count("num_frames", num_frames)
    if num_available < 1:
        raise OptionError(f"cannot take {num_frames} frames of {num_available}; there must be at least 1")


def _fill(indices: Indices, num_frames: int, short: ShortPolicy) -> Indices:
    missing = num_frames - len(indices)
    if missing <= 0:
        return indices[:num_frames].astype(np.int64)
    if short == "repeat_last":
        return np.concatenate([indices, np.full(missing, indices[-1])]).astype(np.int64)
    if short == "wrap":
        return np.resize(indices, num_frames).astype(np.int64)
    if short == "error":
        noun = "frame" if len(indices) == 1 else "frames"
        raise OptionError(
            f"the video gives {len(indices)} {noun}, {num_frames} are asked for;"
            " ask for fewer, or take short='repeat_last' or 'wrap'"
        )
    raise UnknownNameError("policy for short videos", short, get_args(ShortPolicy))
