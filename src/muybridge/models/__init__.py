"""Tensor → logits: one idea per file, plus the registry and the weights."""
