"""Frames → movement: shots, keyframes, optical flow with its colors and statistics, camera and objects."""

from muybridge._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {},
    [
        "flow",
        "flow_files",
        "flow_methods",
        "raft",
        "statistics",
        "warp",
    ],
)
