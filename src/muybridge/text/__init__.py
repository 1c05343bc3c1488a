"""What is written: CTC decoding, text regions, reading, and text over time."""

from muybridge._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {},
    (
        "alignment",
        "beam",
        "ctc",
        "evidence",
        "hypothesis",
        "language_model",
        "lattice",
        "lexicon",
        "reader",
        "regions",
        "scored_beam",
        "tracks",
    ),
)
