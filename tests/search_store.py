"""What tests of the search share: an embedder that costs nothing, and timelines of a few words."""

from collections.abc import Sequence

import numpy as np

from muybridge.values import Segment, Timeline, VideoMetadata


class LetterCounts:
    """Texts with the same letters are alike."""

    name = "letter counts"
    dimension = 32
    least_similarity = 0.95

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if letter.isalpha() and letter.isascii():
                    counts[row, ord(letter) - 97] += 1
        return counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-6)


def timeline(path: str, *labels: str, kind: str = "text", seconds: float = 60.0) -> Timeline:
    """A video that shows one label after the other, two seconds each."""
    segments = [Segment(2 * i, 2 * i + 2, kind, label, 0.5) for i, label in enumerate(labels)]
    return Timeline(VideoMetadata(path, duration_seconds=seconds), tuple(segments))
