"""Training on the procedural world: targets by hand, and that the networks learn more than the blind could."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from muybridge.errors import OptionError
from muybridge.models.moment_detr import Grounding, MomentDETR
from muybridge.models.temporal_shift import TemporalShiftNet
from muybridge.models.video_qa import VideoQANet
from muybridge.models.vocabulary import Vocabulary
from muybridge.training.world import World, make_world
from muybridge.training.world_cells import (
    FACTS,
    NETWORK_WORLD,
    CellClips,
    CellReader,
    cell_targets,
    cells_loss,
)
from muybridge.training.world_language import (
    CaptionClips,
    QuestionClips,
    caption_facts,
    caption_words,
    measure_answers,
    question_words,
)
from muybridge.training.world_moments import (
    LONG_WORLD,
    LongVideo,
    MomentVideos,
    absent_query,
    grounding_loss,
    measure_grounding,
    measure_random_spans,
)
from muybridge.training.world_scene import Actor, Event, Piece, Scene
from muybridge.training.world_truth import Moment


def test_cells_say_who_is_where_and_what_they_do() -> None:
    actor = Actor("red", "square", 0.34, (0.0, 0.0, 0.0, 0.0, 1.0))
    event = Event(1.0, 2.0, 0, "turns left")
    scene = Scene(0, 2.0, 1.0, (actor,), (event,), (Piece(0, 1.0, 2.0, (0, 0, -1.5, 0, 0)),))
    targets = cell_targets(World(0, NETWORK_WORLD, (scene,)))
    red, square = FACTS["color"].index("red"), FACTS["shape"].index("square")
    expected = np.zeros((6, 6), int)
    expected[2:4, 2:4] = red  # a disk of 16 pixels in the middle of 48
    assert all(np.array_equal(step, expected) for step in targets["color"])
    assert set(targets["shape"][:, 2:4, 2:4].ravel()) == {square}
    assert targets["shape"][0, 0, 0] == -100
    turning = FACTS["motion"].index("turns left")
    assert targets["motion"][:, 2, 2].tolist() == [0] * 4 + [turning] * 4
    with pytest.raises(OptionError, match="even number"):
        CellClips(4, num_frames=3)


def test_items_are_drawn_from_numpy_so_that_the_trainer_decides() -> None:
    clips = CaptionClips(4, Vocabulary(caption_words()))
    np.random.seed(3)
    first = clips[0]
    np.random.seed(3)
    again = clips[0]
    assert torch.equal(first["clip"], again["clip"])
    assert not torch.equal(clips[0]["clip"], again["clip"])


def test_every_caption_and_question_is_in_its_vocabulary() -> None:
    vocabulary = Vocabulary(caption_words())
    words, answers = question_words()
    asked = Vocabulary(words)
    for seed in range(2000, 2060):
        world = make_world(seed, NETWORK_WORLD)
        assert vocabulary.decode(vocabulary.encode(world.caption).tolist()) == world.caption
        assert len(caption_facts(world.caption)) == len(world.scenes[0].events)
        for question in world.questions:
            if question.kind not in ("camera", "text"):
                assert 3 not in asked.encode(question.text)
                assert question.answer in answers


def video_of(windows: dict[str, tuple[float, float]]) -> LongVideo:
    return LongVideo(
        torch.zeros(60, 4, 8, dtype=torch.float16), 120.0, tuple(Moment(q, (w,)) for q, w in windows.items())
    )


class Oracle(MomentDETR):
    """Knows the answers, to see that the measure sees them."""

    def __init__(self, answers: dict[str, tuple[float, float]]) -> None:
        super().__init__(caption_words(), num_features=8, dim=8, num_heads=1)
        self.answers = answers

    def find(self, features, sentence):
        start, end = self.answers.get(sentence, (0.0, 0.0))
        return [(start / 120, end / 120, 0.9 if sentence in self.answers else 0.1)]


def test_the_measure_of_grounding() -> None:
    true = {"the red circle jumps": (10.0, 20.0), "the blue cross grows": (50.0, 60.0)}
    video = video_of(true)
    perfect = measure_grounding(Oracle(true), [video])
    assert perfect == {
        "R1@0.5": 1,
        "R1@0.7": 1,
        "mAP": 1,
        "present_found": 1,
        "absent_rejected": 1,
        "queries": 2,
    }
    late = measure_grounding(Oracle({q: (s + 2.5, e + 2.5) for q, (s, e) in true.items()}), [video])
    assert (late["R1@0.5"], late["R1@0.7"]) == (1, 0)  # 7.5 of 12.5 seconds
    assert measure_random_spans([video] * 50)["R1@0.5"] < 0.2
    random = np.random.default_rng(0)
    assert not {absent_query(video, random) for _ in range(50)} & set(true)


def test_the_loss_is_lowest_at_the_truth() -> None:
    batch = {
        "features": torch.zeros(1, 60, 4, 8),
        "words": torch.ones(1, 2, 3, dtype=torch.int64),
        "windows": torch.tensor([[[[0.2, 0.3], [0.6, 0.7]], [[-1.0, -1.0], [-1.0, -1.0]]]]),
    }

    def loss(spans: list[list[float]], is_span: list[float]) -> float:
        def model(features: torch.Tensor, words: torch.Tensor) -> Grounding:
            logits = torch.tensor([is_span, [-9.0, -9.0, -9.0]])
            return Grounding(torch.tensor([spans, spans]), logits, torch.zeros(2, 60))

        return float(grounding_loss(model, batch))

    true = loss([[0.6, 0.7], [0.2, 0.3], [0.9, 0.95]], [9.0, 9.0, -9.0])
    assert true < loss([[0.6, 0.7], [0.2, 0.35], [0.9, 0.95]], [9.0, 9.0, -9.0])
    assert true < loss([[0.6, 0.7], [0.2, 0.3], [0.9, 0.95]], [9.0, -9.0, 9.0])
    assert true == pytest.approx(loss([[0.9, 0.95], [0.2, 0.3], [0.6, 0.7]], [-9.0, 9.0, 9.0]))


def test_items_of_long_videos() -> None:
    video = video_of({"the red circle jumps": (10.0, 20.0)})
    model = MomentDETR(caption_words(), num_features=8, dim=8, num_heads=1)
    item = MomentVideos([video], model, num_queries=3)[0]
    assert item["features"].shape == (60, 4, 8)
    assert item["windows"][:2, 0].tolist() == pytest.approx(np.full((2, 2), (10 / 120, 20 / 120)))
    assert (item["windows"][2] == -1).all()  # the last is answered by nothing
    assert make_world(0, LONG_WORLD).duration_seconds == 120.0


@pytest.mark.slow
def test_eyes_learn_in_seconds_what_chance_does_not_know() -> None:
    torch.manual_seed(0)
    np.random.seed(0)
    model = CellReader(TemporalShiftNet(width=16, num_features=48, num_blocks=1))
    settings = replace(NETWORK_WORLD, num_actors=(1, 1), colors=("red", "blue"))
    clips = CellClips(1, num_frames=2, settings=settings)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for _ in range(40):
        loss = cells_loss(model.train(), torch.utils.data.default_collate([clips[0] for _ in range(12)]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    batch = torch.utils.data.default_collate([clips[0] for _ in range(60)])
    red, blue = FACTS["color"].index("red"), FACTS["color"].index("blue")
    with torch.no_grad():
        logits = model.eval()(batch["clip"])["color"]
    there = batch["color"] > 0
    says_red = logits[:, red] > logits[:, blue]
    assert (says_red == (batch["color"] == red))[there].float().mean() > 0.8  # chance knows a half


@pytest.mark.slow
def test_a_network_with_eyes_beats_one_without() -> None:
    """One question, in seconds: what color is the one shape there is; the blind can only guess."""
    torch.manual_seed(0)
    np.random.seed(0)
    settings = replace(NETWORK_WORLD, num_actors=(1, 1), num_events=(1, 1), colors=("red", "blue"), noise=0.0)
    words, answers = question_words(60, settings)
    scores = {}
    for blind in (False, True):
        model = VideoQANet(
            words, answers, dim=32, num_layers=1, num_visual_layers=0, num_heads=2, blind=blind
        )
        clips = QuestionClips(1, model.vocabulary, answers, settings, num_questions=6, blind=blind)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for _ in range(30):
            batch = torch.utils.data.default_collate([clips[0] for _ in range(8)])
            logits = model.train()(batch["clip"], batch["questions"].flatten(0, 1))
            loss = torch.nn.functional.cross_entropy(logits, batch["answers"].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        scores[blind] = measure_answers(model.eval(), num_clips=100, settings=settings)
    assert scores[False]["color"] > 0.75
    assert scores[True]["color"] < 0.7
    assert scores[False]["all"] > scores[True]["all"]
