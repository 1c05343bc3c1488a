"""Frames → movement: shots, keyframes, optical flow with its colors and statistics, camera and objects."""

from muybridge._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {},
    [
        "appearance",
        "camera",
        "camera_readings",
        "candidates",
        "colors",
        "energy",
        "flow",
        "flow_files",
        "flow_methods",
        "flow_render",
        "flow_stack",
        "flow_summary",
        "flow_video",
        "hints",
        "keyframes",
        "object_readings",
        "raft",
        "readings",
        "regions",
        "salient",
        "scenes",
        "shots",
        "statistics",
        "transitions",
        "warp",
    ],
)
