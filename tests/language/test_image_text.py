"""CLIP and SigLIP from a folder in the hub's format, and moments by what they see in a video."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

import muybridge
from muybridge.errors import OptionError, WeightsError
from muybridge.language.frame_vectors import FrameVectorsObserver, vectors_of
from muybridge.language.image_text import BACKGROUNDS, PROMPTS, ImageTextModel, load_image_text_model
from muybridge.pipeline import watch
from muybridge.values import Timeline
from muybridge.video.reader import open_video
from muybridge.video.writer import VideoWriter
from tiny_vision_language import save_blip, save_image_text

COLORS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


def pictures(color: tuple[int, int, int] | None, number: int, seed: int = 0) -> list[Any]:
    """A plain color with noise over it; gray noise for None."""
    draw = np.random.default_rng(seed)
    base = np.array(color if color is not None else (110, 110, 110))
    return list(np.clip(base + draw.normal(0, 25, (number, 32, 32, 3)), 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP that has learned three colors, and that gray noise is a photo of nothing."""
    folder = tmp_path_factory.mktemp("clip")
    network = save_image_text(folder, "CLIP")
    model = load_image_text_model(folder)
    images = [image for color in (*COLORS.values(), None) for image in pictures(color, 2)]
    pixels = model.processor(images=images, return_tensors="pt")["pixel_values"]
    texts = [[prompt.format(name) for prompt in PROMPTS] for name in COLORS] + [list(BACKGROUNDS)]
    rows = [
        model.processor.tokenizer(list(group), padding="max_length", return_tensors="pt") for group in texts
    ]
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    truth = torch.arange(4).repeat_interleave(2)
    for step in range(90):
        chosen = [row["input_ids"][step % len(row["input_ids"])] for row in rows]
        masks = [row["attention_mask"][step % len(row["attention_mask"])] for row in rows]
        seen = network(pixel_values=pixels, input_ids=torch.stack(chosen), attention_mask=torch.stack(masks))
        logits = seen.logits_per_image
        # Its own color first, then "a photo", then the other colors: so that a wrong color is beaten.
        others = logits[:6].scatter(1, truth[:6, None], -1e4)
        loss = torch.nn.functional.cross_entropy(logits, truth)
        loss = loss + torch.nn.functional.cross_entropy(others, torch.full((6,), 3))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gray until 4 s, red until 8 s, gray until 12 s."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=5) as writer:
        for number in range(60):
            image = pictures(COLORS["red"] if 20 <= number < 40 else None, 1, seed=number)[0]
            writer.write(np.ascontiguousarray(np.tile(image, (2, 2, 1))[:48]))
    return path


def test_a_color_is_found_where_it_is_shown(clip_folder: Path, film: Path) -> None:
    (moment,) = muybridge.find_moments(film, "red", model=clip_folder)
    assert moment.start_seconds == pytest.approx(4.0, abs=1.0)
    assert moment.end_seconds == pytest.approx(8.0, abs=1.0)
    assert moment.attributes["model"] == str(clip_folder)
    assert muybridge.find_moments(film, "green", model=clip_folder) == []
    # The vectors are in the cache now; subtitles beside the file are found with them.
    talk = Path(shutil.copy(film, film.with_name("talk.mp4")))
    talk.with_suffix(".srt").write_text("1\n00:00:09,000 --> 00:00:10,000\nblue sky\n")
    (told,) = muybridge.find_moments(talk, "blue", model=clip_folder)
    assert (told.start_seconds, told.end_seconds) == (9.0, 10.0)


def test_siglip_embeds_images_and_texts(tmp_path: Path) -> None:
    save_image_text(tmp_path, "Siglip")
    model = load_image_text_model(tmp_path)
    images = pictures(COLORS["red"], 20)
    vectors = model.embed_images([np.tile(image, (2, 3, 1)) for image in images])
    assert vectors.shape == (20, 32)
    texts = model.embed_texts(["a photo of red", "blue " * 100])
    np.testing.assert_allclose(np.linalg.norm(np.concatenate([vectors, texts]), axis=1), 1.0, atol=1e-5)
    shares = model.probabilities(vectors, "red")
    assert shares.shape == (20,)
    assert ((shares > 0) & (shares < 1)).all()


def test_siglip_2_keeps_the_shape_of_an_image(tmp_path: Path, film: Path) -> None:
    """Each image goes with its shape and the mask of its patches, as in the network's own forward pass."""
    save_image_text(tmp_path, "Siglip2")
    model = load_image_text_model(tmp_path)
    assert model.size_px == 32  # 16 patches of 8 × 8 pixels
    wide, high, square = (np.tile(pictures(None, 1)[0], (*tiles, 1)) for tiles in ((1, 4), (4, 1), (1, 1)))
    vectors = model.embed_images([wide, high, square])
    np.testing.assert_allclose(model.embed_images([high])[0], vectors[1], atol=1e-5)
    inputs = model.processor.image_processor([wide, high, square], return_tensors="pt")
    inputs |= model.processor.tokenizer(["red", "a", "blue"], return_tensors="pt")
    assert inputs["spatial_shapes"].tolist() == [[2, 8], [8, 2], [4, 4]]
    with torch.inference_mode():
        seen = model.network(**inputs).image_embeds.numpy()
    np.testing.assert_allclose(vectors, seen / np.linalg.norm(seen, axis=1, keepdims=True), atol=1e-5)
    assert muybridge.find_moments(film, "red", model=tmp_path) == []  # random weights, but no error


class Brightness(ImageTextModel):
    """Embeds the mean color, so that what must come out is known."""

    def __init__(self) -> None:
        self.name, self.fingerprint, self.batches = "brightness", "1", []

    @property
    def size_px(self) -> int:
        return 32

    def embed_images(self, pixels: Any) -> Any:
        self.batches.append(len(pixels))
        return np.array([image.mean((0, 1)) / 255 for image in pixels], np.float32)


def test_vectors_come_in_bounded_batches_with_their_times(film: Path) -> None:
    model = Brightness()
    with open_video(film) as video:
        found = watch(video.pictures(), [FrameVectorsObserver(model, frames_per_second=2.5)], video.metadata)
        seconds, vectors = vectors_of(Timeline.of_findings(video.metadata, found))
    assert model.batches == [16, 14]
    # The first frame of each slot of 0.4 s.
    np.testing.assert_allclose(seconds, np.arange(30) * 0.4, atol=1e-3)
    assert (vectors[seconds < 3.9][:, 1] > 0.3).all()
    assert (vectors[(seconds > 4) & (seconds < 7.9)][:, 1] < 0.2).all()


def test_a_pass_that_was_cut_off_goes_on(film: Path) -> None:
    whole, first, second = (FrameVectorsObserver(Brightness(), frames_per_second=5) for _ in range(3))
    with open_video(film) as video:
        frames = list(video.frames(whole.view))
        for observer in (whole, first, second):
            observer.start(video.metadata)
    expected = list(itertools.chain(*map(whole.observe, frames), whole.finish(12.0)))
    found = list(itertools.chain(*map(first.observe, frames[:25])))
    second.restore(first.state())
    found += list(itertools.chain(*map(second.observe, frames[25:]), second.finish(12.0)))
    assert found == expected


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(
    ("part", "setting", "value", "said"),
    [
        ("vision_config", "image_size", "abc", "cannot be loaded as an image-text model.*image_size"),
        ("vision_config", "patch_size", 0, "cannot be loaded as an image-text model"),
        ("text_config", "hidden_size", 48, "cannot be loaded as an image-text model"),
        ("text_config", "num_attention_heads", 0, "cannot be loaded as an image-text model"),
        (None, None, [], "holds a JSON list; expected an object"),
        (None, None, 5, "holds a JSON int; expected an object"),
    ],
)
def test_a_damaged_config_is_said(
    clip_folder: Path, tmp_path: Path, part: str | None, setting: str, value: object, said: str
) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "damaged")
    config = json.loads((folder / "config.json").read_text())
    if part is None:
        config = value
    else:
        config[part][setting] = value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=said):
        load_image_text_model(folder)


def test_a_folder_without_its_tokenizer_is_said(clip_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(clip_folder, tmp_path / "bare")
    for file in folder.glob("*token*"):
        file.unlink()
    with pytest.raises(WeightsError, match=r"has no vocabulary; its folder needs tokenizer\.json"):
        load_image_text_model(folder)


def test_other_models_and_options_are_refused(
    tmp_path: Path, film: Path, clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_blip(tmp_path / "blip")
    with pytest.raises(WeightsError, match=r"lacks .* parameters"):
        load_image_text_model(tmp_path / "blip")
    with monkeypatch.context() as patch:
        patch.setattr("muybridge.language.image_text.load_network", lambda *_, **__: torch.nn.Linear(1, 1))
        with pytest.raises(WeightsError, match="does not embed images and texts"):
            load_image_text_model(clip_folder)
    with monkeypatch.context() as patch:
        patch.setattr("muybridge.language.image_text._size_px", lambda _: 0)
        with pytest.raises(WeightsError, match="does not say how large its images are"):
            load_image_text_model(clip_folder)
    with pytest.raises(WeightsError, match="no folder"):
        load_image_text_model(tmp_path / "nothing")
    with pytest.raises(OptionError, match="model is empty"):
        muybridge.find_moments(film, "red", model=" ")
    with pytest.raises(OptionError, match="must be positive"):
        FrameVectorsObserver(Brightness(), frames_per_second=0)
