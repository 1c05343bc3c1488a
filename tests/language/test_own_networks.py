"""Own networks speak and find moments through the same interface as every other model."""

from itertools import pairwise

import numpy as np
import pytest
import torch

import muybridge
from muybridge.errors import OptionError, WeightsError
from muybridge.language.own_networks import OwnAnswerer, OwnCaptioner, OwnGrounder
from muybridge.language.speaker import Speaker
from muybridge.language.vision_language import load_speaker
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.registry import create_model
from muybridge.models.weights import Weights
from muybridge.training.world import WorldSettings, make_world
from muybridge.video import VideoWriter

WORDS = ["circle", "does", "jump", "red", "the", "what"]
SMALL = {"words": WORDS, "dim": 16, "num_heads": 2, "num_layers": 1}


@pytest.fixture
def checkpoint(tmp_path):
    def save(name: str, **options: object):
        torch.manual_seed(0)
        path = tmp_path / f"{name}.safetensors"
        settings = {**SMALL, **options}
        record = Weights("tiny", num_frames=16, frames_per_second=1.0, size_px=48, options=settings)
        save_checkpoint(path, create_model(name, **settings).eval(), name=name, weights=record)
        return path

    return save


@pytest.fixture
def clip():
    return make_world(0, WorldSettings(width=64, height=48)).clip()


def test_a_captioner_writes_and_does_not_answer(checkpoint, clip) -> None:
    speaker = load_speaker(checkpoint("video_captioner"))
    assert isinstance(speaker, Speaker)
    assert isinstance(speaker, OwnCaptioner)
    assert set(speaker.caption(clip).split()) <= set(WORDS)
    with pytest.raises(OptionError, match="give one of video_qa"):
        speaker.answer(clip, "what?")
    beams = OwnCaptioner(checkpoint("video_captioner"), beam_width=3)
    assert set(beams.caption(clip).split()) <= set(WORDS)


def test_an_answerer_says_what_it_does_not_know(checkpoint, clip) -> None:
    speaker = load_speaker(checkpoint("video_qa", answers=["red"]))
    assert isinstance(speaker, OwnAnswerer)
    assert speaker.answer(clip, "what does the circle?") == "red"  # there is one answer, so it is sure
    assert "does not know the word 'elephant'" in speaker.answer(clip, "what does the elephant?")
    unsure = load_speaker(checkpoint("video_qa", answers=[f"answer {n}" for n in range(80)]))
    assert unsure.answer(clip, "what?").startswith("That is not clear")
    with pytest.raises(OptionError, match="give one of video_captioner"):
        speaker.caption(clip)


@pytest.mark.parametrize("word", ["zebra-crossing", "zebra's", "'elephant'", "purple_dragon", "-3"])
def test_unknown_words_with_marks_in_them_are_unknown(checkpoint, clip, word: str) -> None:
    speaker = load_speaker(checkpoint("video_qa", answers=["red"]))
    assert f"does not know the word {word!r}" in speaker.answer(clip, f"what does the {word}?")
    grounder = OwnGrounder(checkpoint("moment_detr", eye_width=4))
    # The path is not looked at: there is nothing to find.
    assert grounder.find_moments("none.mp4", f"the {word}", min_score=0.0) == []


@pytest.mark.parametrize("nothing", ["", "???", " - ", "..."])
def test_nothing_is_not_guessed_at(checkpoint, clip, nothing: str) -> None:
    speaker = load_speaker(checkpoint("video_qa", answers=["red"]))
    assert speaker.answer(clip, nothing) == "That is not clear: the question has no word in it."
    with pytest.raises(OptionError, match="query is empty"):
        OwnGrounder(checkpoint("moment_detr", eye_width=4)).find_moments("none.mp4", nothing)


def test_words_with_marks_that_were_learned_and_loose_marks_are_no_hindrance(checkpoint, clip) -> None:
    speaker = load_speaker(checkpoint("video_qa", words=[*WORDS, "t-shirt"], answers=["red"]))
    assert speaker.answer(clip, "what does the t-shirt - jump?!") == "red"


@pytest.mark.parametrize(
    ("seconds", "message"),
    [(0, "above 0"), (-5, "above 0"), (float("nan"), "above 0"), (0.1, "too short.*holds 0")],
)
def test_a_window_that_holds_no_moment_is_refused(checkpoint, seconds: float, message: str) -> None:
    with pytest.raises(OptionError, match=f"window_seconds is {seconds}.*{message}"):
        OwnGrounder(checkpoint("moment_detr", eye_width=4), window_seconds=seconds)


def test_a_beam_of_nothing_is_refused(checkpoint) -> None:
    with pytest.raises(OptionError, match="beam_width is 0; it must be 1 or more"):
        OwnCaptioner(checkpoint("video_captioner"), beam_width=0)


def test_a_checkpoint_that_is_not_there_is_named_as_a_file(tmp_path) -> None:
    for missing in (tmp_path / "nope.safetensors", "runs/nope.safetensors"):
        with pytest.raises(WeightsError, match=r"no such file .*nope\.safetensors"):
            load_speaker(missing)
        with pytest.raises(WeightsError, match=r"no such file .*nope\.safetensors"):
            muybridge.find_moments("none.mp4", "the red circle", model=missing)


def test_a_grounder_finds_distinct_moments_in_videos_longer_than_its_window(checkpoint, tmp_path) -> None:
    settings = WorldSettings(width=64, height=48, frames_per_second=2, num_scenes=5, scene_seconds=(8, 8))
    path = tmp_path / "world.mp4"
    make_world(1, settings).write(path)
    grounder_path = checkpoint("moment_detr", eye_width=4)
    grounder = OwnGrounder(grounder_path, window_seconds=16.0)
    found = grounder.find_moments(path, "the red circle", min_score=0.0)
    assert found
    assert max(moment.end_seconds for moment in found) > 16
    assert all(0 <= one.start_seconds < one.end_seconds <= 40 for one in found)
    for first, second in pairwise(found):
        assert first.score >= second.score
    assert grounder.find_moments(path, "an elephant sleeps", min_score=0.0) == []
    sure = OwnGrounder(grounder_path).find_moments(path, "the red circle")
    assert muybridge.find_moments(path, "the red circle", model=grounder_path) == sure
    with pytest.raises(OptionError, match="query is empty"):
        grounder.find_moments(path, "  ")


@pytest.mark.parametrize("min_score", [float("nan"), -0.1, 1.5])
def test_a_least_score_that_is_no_probability_is_refused(checkpoint, min_score: float) -> None:
    with pytest.raises(OptionError, match=r"min_score is .*; it must be from 0 to 1"):
        OwnGrounder(checkpoint("moment_detr", eye_width=4)).find_moments(
            "none.mp4", "the red circle", min_score=min_score
        )


def test_a_query_that_is_too_long_is_refused_before_the_video_is_opened(checkpoint) -> None:
    grounder = OwnGrounder(checkpoint("moment_detr", eye_width=4, max_words=6))
    with pytest.raises(OptionError, match="a query of 5 words and marks; at most 4 are read"):
        grounder.find_moments("none.mp4", "the red circle does jump")


@pytest.mark.parametrize(
    ("num_frames", "spans", "expected"),
    [
        # Half a second: each of the two moments that are looked at stands for a half of it.
        (4, [(0.0, 0.5), (0.5, 1.0)], [(0.0, 0.25), (0.25, 0.5)]),
        (1, [(0.25, 0.75)], [(0.03125, 0.09375)]),
        # Two and a half seconds: the third moment, of a whole second, is cut off at the end, or lies behind it.
        (20, [(0.5, 1.0), (0.9, 1.0)], [(1.5, 2.5)]),
    ],
)
def test_moments_end_with_the_video(checkpoint, tmp_path, monkeypatch, num_frames, spans, expected) -> None:
    path = tmp_path / "short.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=8) as writer:
        for _ in range(num_frames):
            writer.write(np.full((48, 64, 3), 99, np.uint8))
    grounder = OwnGrounder(checkpoint("moment_detr", eye_width=4))
    monkeypatch.setattr(grounder.model, "find", lambda features, query: [(*span, 0.9) for span in spans])
    found = grounder.find_moments(path, "the red circle")
    assert [(one.start_seconds, one.end_seconds) for one in found] == expected


def test_a_perfect_network_tells_an_event_once(checkpoint, tmp_path, monkeypatch) -> None:
    """It says of each window of 16 s exactly what can be seen of one event, and of 48 s the event is found."""
    path = tmp_path / "long.mp4"
    with VideoWriter(path, width=64, height=48, frames_per_second=1) as writer:
        for _ in range(48):
            writer.write(np.full((48, 64, 3), 99, np.uint8))
    grounder = OwnGrounder(checkpoint("moment_detr", eye_width=4), window_seconds=16.0)
    for event in ((12.0, 20.0), (14.0, 17.0), (3.0, 41.0), (0.0, 48.0), (8.0, 16.0)):
        firsts = iter((0, 8, 16, 24, 32))

        def find(features, query, event=event, firsts=firsts):
            first = next(firsts)
            start, end = max(event[0], first), min(event[1], first + len(features))
            return [((start - first) / 16, (end - first) / 16, 0.9)] if start < end else []

        monkeypatch.setattr(grounder.model, "find", find)
        found = grounder.find_moments(path, "the red circle")
        assert [(one.start_seconds, one.end_seconds) for one in found] == [event]


def test_an_answerer_without_eyes_is_refused(checkpoint) -> None:
    with pytest.raises(WeightsError, match=r"video_qa\.safetensors holds a network without eyes"):
        load_speaker(checkpoint("video_qa", answers=["red"], blind=True))


def test_checkpoints_of_other_networks_are_named(checkpoint) -> None:
    with pytest.raises(WeightsError, match="holds moment_detr, which says nothing"):
        load_speaker(checkpoint("moment_detr"))
    with pytest.raises(WeightsError, match="without eyes"):
        OwnGrounder(checkpoint("moment_detr"))
