"""A search over many videos: what is written, said and done in them, in one store of LanceDB tables."""

from typing import TYPE_CHECKING

from muybridge._lazy import attach

_NAMES = {
    "FileState": "muybridge.search.tables",
    "IndexedVideo": "muybridge.search.results",
    "LooksObserver": "muybridge.search.looks",
    "Match": "muybridge.search.results",
    "SentenceModel": "muybridge.search.embedding",
    "Store": "muybridge.search.store",
    "WordVectors": "muybridge.search.embedding",
    "cut_clip": "muybridge.search.preview",
    "draw_strip": "muybridge.search.preview",
    "load_embedder": "muybridge.search.embedding",
    "open_store": "muybridge.search.store",
    "reciprocal_rank_fusion": "muybridge.search.fusion",
}
_SUBMODULES = ("embedding", "examples", "fusion", "looks", "preview", "queries", "results", "store", "tables")

__getattr__, __dir__ = attach(__name__, _NAMES, _SUBMODULES)
__all__ = [*_NAMES]

if TYPE_CHECKING:
    from muybridge.search.embedding import (
        SentenceModel as SentenceModel,
        WordVectors as WordVectors,
        load_embedder as load_embedder,
    )
    from muybridge.search.fusion import reciprocal_rank_fusion as reciprocal_rank_fusion
    from muybridge.search.looks import LooksObserver as LooksObserver
    from muybridge.search.preview import cut_clip as cut_clip, draw_strip as draw_strip
    from muybridge.search.results import IndexedVideo as IndexedVideo, Match as Match
    from muybridge.search.store import Store as Store, open_store as open_store
    from muybridge.search.tables import FileState as FileState
