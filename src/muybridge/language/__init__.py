"""Captions, answers and moments, from evidence or from a model."""
