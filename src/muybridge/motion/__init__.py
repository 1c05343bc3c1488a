"""Frames → movement: shots, keyframes, optical flow with its colors and statistics, camera and objects."""
