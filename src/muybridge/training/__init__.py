"""Datasets, augmentation, the loop, evaluation, and the procedural world."""
