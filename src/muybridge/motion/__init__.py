"""Frames → movement: shots, keyframes, optical flow with its colors and statistics, camera and objects."""

from muybridge._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {},
    [
        "appearance",
        "flow",
        "flow_files",
        "flow_methods",
        "raft",
        "shots",
        "statistics",
        "transitions",
        "warp",
    ],
)
