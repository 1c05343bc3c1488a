"""Sentences → vectors, so that a search finds what means the same in other words.

WordVectors    static word vectors, averaged: in the wheel of `wordllama`, so they work without a network;
               microseconds for a sentence; knows synonyms, knows no word order
SentenceModel  a transformer in the hub's format, mean-pooled: better, slower, a folder or a hub name
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from muybridge.errors import MissingExtraError, OptionError, WeightsError, require_extra

__all__ = ["SentenceModel", "TextEmbedder", "WordVectors", "load_embedder"]

Vectors = NDArray[np.float32]


class TextEmbedder(Protocol):
    """Something that turns sentences into vectors whose cosine says how alike they are in meaning."""

    name: str
    """Written into a store, so that its vectors are never compared with those of another."""
    dimension: int
    least_similarity: float
    """Below this cosine, two texts have nothing to do with each other."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(N, D) float32, each of length 1; zeros for a text that it cannot understand."""
        ...


class WordVectors:
    """The mean of a sentence's word vectors, from the files in wordllama's wheel.

    A text of a script that the vocabulary does not know falls apart into bytes, whose vectors mean nothing;
    such a text gets zeros, as a single letter does, and is found by its words alone.

    Args:
        folder: the `wordllama` package's folder; None for the installed one.

    Raises:
        MissingExtraError: wordllama is not installed.
        WeightsError: its files are missing or damaged.

    Source: Miller, "WordLlama: Recycled Token Embeddings from Large Language Models", 2024.

    >>> vectors = WordVectors().embed(["a dog barks", "the puppy is barking", "stock prices fell"])
    >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2)
    True
    """

    name = "wordllama-l2_supercat-256"
    dimension = 256
    least_similarity = 0.3

    def __init__(self, folder: str | Path | None = None) -> None:
        tokenizers = require_extra("tokenizers", extra="search")
        from safetensors.numpy import load_file

        root = Path(folder) if folder is not None else _wordllama_folder()
        weights = root / "weights" / "l2_supercat_256.safetensors"
        vocabulary = root / "tokenizers" / "l2_supercat_tokenizer_config.json"
        try:
            table = load_file(weights)["embedding.weight"]
            self._tokenizer = tokenizers.Tokenizer.from_file(str(vocabulary))
        except Exception as error:  # the libraries raise classes of their own, some bare Exception
            raise WeightsError(
                f"the word vectors in {root} cannot be read ({error}); reinstall them:"
                " pip install --force-reinstall wordllama"
            ) from error
        self._table = table.astype(np.float32)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        size = min(self._tokenizer.get_vocab_size(), len(table))
        pieces = [self._tokenizer.id_to_token(index) or "" for index in range(size)]
        # `<0xE7>`: a byte of a character that has no token of its own.
        self._is_byte = np.array([piece.startswith("<0x") for piece in pieces] + [True] * (len(table) - size))

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(N, 256) float32, each of length 1, or zero."""
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        encoded = self._tokenizer.encode_batch(
            [text.strip().lower() for text in texts], add_special_tokens=False
        )
        for row, encoding in enumerate(encoded):
            ids = np.clip(np.array(encoding.ids, np.int64), 0, len(self._table) - 1)
            is_letter = len(texts[row].strip()) == 1 and texts[row].isascii()
            if len(ids) and self._is_byte[ids].mean() < 0.5 and not is_letter:
                vectors[row] = self._table[ids].mean(axis=0)
        return _unit_rows(vectors)


class SentenceModel:
    """A transformer encoder whose token states are averaged, as sentence-transformers does it.

    Args:
        reference: a folder in the hub's format, or a hub name such as `"sentence-transformers/all-MiniLM-L6-v2"`.
        batch_size: sentences at a time.

    Raises:
        MissingExtraError: transformers is not installed.
        WeightsError: no such folder, or it holds no encoder.
    """

    least_similarity = 0.3

    def __init__(self, reference: str | Path, *, batch_size: int = 32) -> None:
        transformers = require_extra("transformers", extra="hub")
        from muybridge.models.hub_folder import hub_folder
        from muybridge.models.hub_pretrained import from_pretrained

        folder = hub_folder(str(reference))
        complaint = f"{folder} holds no text encoder that can be read"
        self._tokenizer = from_pretrained(transformers.AutoTokenizer, folder, complaint=complaint)
        self._model = from_pretrained(transformers.AutoModel, folder, complaint=complaint).eval()
        self.name = f"sentence:{reference}"
        self.dimension = int(self._model.config.hidden_size)
        self._takes_first = _pools_first_token(folder)
        self._batch_size = batch_size

    def embed(self, texts: Sequence[str]) -> Vectors:
        """(N, D) float32, each of length 1."""
        import torch

        rows = []
        for start in range(0, len(texts), self._batch_size):
            batch: Any = self._tokenizer(
                list(texts[start : start + self._batch_size]),
                padding=True,
                truncation=True,
                max_length=min(512, getattr(self._model.config, "max_position_embeddings", 512)),
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = self._model(**batch).last_hidden_state
            if self._takes_first:
                rows.append(states[:, 0])
                continue
            mask = batch["attention_mask"][..., None].to(states.dtype)
            rows.append((states * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1))
        if not rows:
            return np.zeros((0, self.dimension), np.float32)
        return _unit_rows(torch.cat(rows).float().numpy())


def load_embedder(name: str = "words") -> TextEmbedder:
    """The embedder of that name.

    Args:
        name: `"words"` for the word vectors that work offline, or a folder or hub name of a sentence model; also
            the names that stores keep.

    Raises:
        MissingExtraError: what it needs is not installed.
        WeightsError: there is no such model.

    >>> load_embedder("words").dimension
    256
    """
    if not name:
        raise OptionError("an embedder needs a name: 'words', or a sentence model's folder or hub name")
    if name in ("words", WordVectors.name):
        return WordVectors()
    return SentenceModel(name.removeprefix("sentence:"))


def _wordllama_folder() -> Path:
    # Found without importing it: its import configures logging and looks for a hub.
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("wordllama", extra="search")
    return Path(spec.submodule_search_locations[0])


def _pools_first_token(folder: Path) -> bool:
    """Whether the folder asks for the first token's state, as sentence-transformers writes it."""
    config = folder / "1_Pooling" / "config.json"
    try:
        return bool(json.loads(config.read_text(encoding="utf-8")).get("pooling_mode_cls_token"))
    except (OSError, ValueError):
        return False


def _unit_rows(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-6)
    return unit.astype(np.float32)
