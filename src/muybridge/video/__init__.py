"""Bytes → frames: what a container holds, decoded pixels with their times, sampling, writing."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "Limits": "muybridge.video.container",
    "LivePicture": "muybridge.video.live_source",
    "LiveSource": "muybridge.video.live_source",
    "PacketTable": "muybridge.video.packets",
    "Video": "muybridge.video.reader",
    "VideoWriter": "muybridge.video.writer",
    "open_source": "muybridge.video.sources",
    "open_video": "muybridge.video.reader",
    "probe": "muybridge.video.metadata",
    "read_packets": "muybridge.video.packets",
    "resize_clip": "muybridge.video.transforms",
    "sample_clip": "muybridge.video.sampling",
    "sample_clips": "muybridge.video.sampling",
    "to_model_tensor": "muybridge.video.transforms",
}
_SUBMODULES = (
    "closer_look",
    "container",
    "crops",
    "file_names",
    "packets",
    "picture",
    "reader",
    "sampling",
    "seeking",
    "sources",
    "subtitles",
    "transforms",
    "writer",
)

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.video.container import Limits as Limits
    from muybridge.video.live_source import LivePicture as LivePicture, LiveSource as LiveSource
    from muybridge.video.metadata import probe as probe
    from muybridge.video.packets import PacketTable as PacketTable, read_packets as read_packets
    from muybridge.video.reader import Video as Video, open_video as open_video
    from muybridge.video.sampling import sample_clip as sample_clip, sample_clips as sample_clips
    from muybridge.video.sources import open_source as open_source
    from muybridge.video.transforms import resize_clip as resize_clip, to_model_tensor as to_model_tensor
    from muybridge.video.writer import VideoWriter as VideoWriter
