"""Bytes → frames: what a container holds, decoded pixels with their times, sampling, sources, writing."""
