"""Text vectors: against the same mean taken by hand, and what they cannot understand."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.errors import MissingExtraError, OptionError, WeightsError
from muybridge.search import embedding
from muybridge.search.embedding import SentenceModel, WordVectors, load_embedder
from torchvision_oracle import torchvision_video_models


@pytest.fixture(scope="module")
def words() -> WordVectors:
    return WordVectors()


def test_a_sentence_is_the_mean_of_its_pieces(words: WordVectors) -> None:
    ids = words._tokenizer.encode("a dog barks", add_special_tokens=False).ids
    mean = words._table[ids].mean(axis=0)
    np.testing.assert_allclose(words.embed(["A dog BARKS"])[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_each_text_stands_for_itself(words: WordVectors) -> None:
    texts = ["a dog", "the camera pans left and then it stops", "go"]
    together = words.embed(texts)
    alone = np.concatenate([words.embed([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert words.embed([]).shape == (0, 256)


def test_synonyms_are_near_and_strangers_are_not(words: WordVectors) -> None:
    car, automobile, violin = words.embed(["a car", "an automobile", "a violin"])
    assert car @ automobile > words.least_similarity > car @ violin


@pytest.mark.parametrize("text", ["", "   ", "P", "ꦲꦤꦕꦫꦏ", "𓂀𓃭𓅓"])
def test_what_falls_apart_into_bytes_has_no_vector(words: WordVectors, text: str) -> None:
    assert not words.embed([text]).any()


def test_missing_or_damaged_files_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match="reinstall"):
        WordVectors(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(embedding.importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtraError, match=r"muybridge\[search\]"):
            load_embedder("words")
    with pytest.raises(OptionError, match="needs a name"):
        load_embedder("")
    with pytest.raises(WeightsError, match="no folder"):
        load_embedder(str(tmp_path / "none"))


@pytest.fixture(scope="module")
def sentence_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder in the hub's own format, with random weights."""
    torchvision_video_models()  # whose import transformers' own needs
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("sentence")
    vocabulary = ["[PAD]", "[UNK]", "a", "dog", "cat", "barks", "sleeps"]
    ids = {word: index for index, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained(folder)
    return folder


def test_a_sentence_model_is_mean_pooled_without_padding(sentence_folder: Path) -> None:
    import torch

    model = load_embedder(str(sentence_folder))
    assert isinstance(model, SentenceModel)
    assert model.dimension == 16
    got = model.embed(["a dog barks", "cat"])
    for row, text in zip(got, ["a dog barks", "cat"], strict=True):
        batch = model._tokenizer(text, return_tensors="pt")
        with torch.inference_mode():
            mean = model._model(**batch).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-5)
    assert load_embedder(model.name).name == model.name


def test_a_sentence_model_may_pool_its_first_token(sentence_folder: Path) -> None:
    (sentence_folder / "1_Pooling").mkdir()
    (sentence_folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    try:
        first = SentenceModel(sentence_folder)
        assert first._takes_first
        assert first.embed(["a dog"]).shape == (1, 16)
    finally:
        (sentence_folder / "1_Pooling" / "config.json").unlink()
        (sentence_folder / "1_Pooling").rmdir()


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="no text encoder"):
        SentenceModel(tmp_path)
