"""What is written: CTC decoding, text regions, reading, and text over time."""

from muybridge._lazy import attach

__getattr__, __dir__ = attach(
    __name__,
    {
        "TextObserver": "muybridge.text.tracks",
        "TextReader": "muybridge.text.reader",
        "read_text": "muybridge.text.reader",
    },
    (
        "alignment",
        "beam",
        "ctc",
        "decoder_comparison",
        "evidence",
        "hypothesis",
        "language_model",
        "lattice",
        "lexicon",
        "line_track",
        "ppocr",
        "reader",
        "readings",
        "regions",
        "scored_beam",
        "strokes",
        "tesseract",
        "tracks",
        "transparency",
        "weights",
    ),
)
