"""Training on the procedural world: targets by hand, and that the networks learn more than the blind could."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from muybridge.errors import OptionError, OutputError
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
    cell_accuracy,
    cell_targets,
    cells_loss,
    clip_to_tensor,
)
from muybridge.training.world_language import (
    CaptionClips,
    QuestionClips,
    QuestionGrids,
    caption_facts,
    caption_words,
    measure_answers,
    measure_captions,
    question_loss,
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
    pointing_loss,
)
from muybridge.training.world_scene import Actor, Event, Piece, Scene
from muybridge.training.world_truth import Moment
from muybridge.training.world_watching import watch_worlds


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
            given = torch.tensor([spans, spans])
            pointing = -100 * (given[..., None] - torch.linspace(0, 1, 60)).abs()
            return Grounding(given, logits, torch.zeros(2, 60), pointing)

        return float(grounding_loss(model, batch))

    true = loss([[0.6, 0.7], [0.2, 0.3], [0.9, 0.95]], [9.0, 9.0, -9.0])
    assert true < loss([[0.6, 0.7], [0.2, 0.35], [0.9, 0.95]], [9.0, 9.0, -9.0])
    assert true < loss([[0.6, 0.7], [0.2, 0.3], [0.9, 0.95]], [9.0, -9.0, 9.0])
    assert true == pytest.approx(loss([[0.9, 0.95], [0.2, 0.3], [0.6, 0.7]], [-9.0, 9.0, 9.0]))


def test_pointing_is_told_the_edges_beside_the_truth() -> None:
    logits = torch.randn(1, 2, 5)
    logs = logits.log_softmax(dim=-1)
    # Edges lie at 0, 0.25, …, 1: 0.3 is a fifth of the way from the second to the third, 1.0 is the last.
    by_hand = -(0.8 * logs[0, 0, 1] + 0.2 * logs[0, 0, 2] + logs[0, 1, 4])
    assert float(pointing_loss(logits, torch.tensor([[0.3, 1.0]]))) == pytest.approx(float(by_hand), rel=1e-5)
    best = torch.full((1, 2, 5), -20.0)
    best[0, 0, 0] = best[0, 1, 2] = 20.0
    assert float(pointing_loss(best, torch.tensor([[0.0, 0.5]]))) == pytest.approx(0.0, abs=1e-5)


def test_worlds_are_looked_at_once(tmp_path: Path) -> None:
    torch.manual_seed(0)
    worlds = [make_world(seed, NETWORK_WORLD) for seed in range(18)]
    eyes = TemporalShiftNet(width=4, num_features=8).eval()
    grids = watch_worlds(worlds, eyes, tmp_path)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        expected = eyes(clip_to_tensor(worlds[17].clip().pixels)[None])[0]
    assert torch.allclose(torch.from_numpy(grids[17]).float(), expected.float(), atol=2e-2)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    assert np.array_equal(watch_worlds(worlds, eyes, tmp_path), grids)
    assert [one.stat().st_mtime_ns for one in tmp_path.iterdir()] == [written]
    assert watch_worlds(worlds[:2], eyes, tmp_path, each_frame=True).shape == (2, 8, 16, 6, 6)
    with torch.no_grad():
        eyes.stem.weight += 1.0
    assert not np.array_equal(watch_worlds(worlds, eyes, tmp_path), grids)  # other eyes see anew
    with pytest.raises(OptionError, match="no worlds"):
        watch_worlds([], eyes, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        watch_worlds(worlds[:1], eyes, tmp_path / "file")


def test_questions_about_what_was_seen(tmp_path: Path) -> None:
    torch.manual_seed(0)
    words, answers = question_words(num_worlds=40)
    worlds = [make_world(seed, NETWORK_WORLD) for seed in range(4)]
    model = VideoQANet(words, answers, dim=16, num_layers=1, num_visual_layers=0, num_heads=2).eval()
    grids = watch_worlds(worlds, model.visual.eyes, tmp_path)
    items = QuestionGrids(worlds, grids, model.vocabulary, answers, num_questions=5)
    np.random.seed(0)
    batch = torch.utils.data.default_collate([items[0], items[1]])
    assert batch["grid"].shape == (2, 128, 8, 6, 6)
    assert batch["questions"].shape == (2, 5, 20)
    clips = torch.stack([clip_to_tensor(world.clip().pixels) for world in worlds[:2]])
    painted = {"clip": clips, "questions": batch["questions"], "answers": batch["answers"]}
    with torch.no_grad():
        assert float(question_loss(model, batch)) == pytest.approx(
            float(question_loss(model, painted)), rel=0.02
        )
    said = [model.vocabulary.decode(row.tolist()) for row in batch["questions"][0]]
    assert all(question.endswith("?") for question in said)
    with pytest.raises(OptionError, match="grids for 3 worlds"):
        QuestionGrids(worlds[:3], grids, model.vocabulary, answers)
    with pytest.raises(OptionError, match="clips, or the grids"):
        model(None, batch["questions"][0])


def test_yes_or_no_is_as_likely_and_drawn_anew() -> None:
    words, answers = question_words(num_worlds=40)
    worlds = [make_world(seed, NETWORK_WORLD) for seed in range(40)]
    grids = np.zeros((40, 1, 1, 1, 1), np.float16)
    items = QuestionGrids(worlds, grids, Vocabulary(words), answers, num_questions=12)
    np.random.seed(0)
    drawn = torch.cat([items[index]["answers"] for index in range(40)]).tolist()
    yes, no = (drawn.count(answers.index(answer)) for answer in ("yes", "no"))
    assert yes + no > 50
    assert 0.25 < yes / (yes + no) < 0.75
    again = torch.cat([items[index]["answers"] for index in range(40)]).tolist()
    assert drawn != again


def test_items_of_long_videos() -> None:
    video = video_of({"the red circle jumps": (10.0, 20.0)})
    model = MomentDETR(caption_words(), num_features=8, dim=8, num_heads=1)
    item = MomentVideos([video], model, num_queries=3)[0]
    assert item["features"].shape == (60, 4, 8)
    assert item["windows"][:2, 0].tolist() == pytest.approx(np.full((2, 2), (10 / 120, 20 / 120)))
    assert (item["windows"][2] == -1).all()  # the last third is answered by nothing
    many = video_of({f"the red circle {motion}": (10.0, 20.0) for motion in LONG_WORLD.motions})
    words = MomentVideos([many], model)[0]["words"]
    assert len({tuple(row) for row in words[:6].tolist()}) == 6  # none is asked twice where there are enough
    assert make_world(0, LONG_WORLD).duration_seconds == 120.0


def test_other_pictures_are_looked_at_anew(tmp_path: Path) -> None:
    """Pictures so large that numpy abbreviates them, and which differ in what it leaves out."""
    eyes = TemporalShiftNet(width=4, num_features=8).eval()
    pictures = []
    for color in (0, 255):
        leaf = np.zeros((64, 64, 4), np.uint8)
        leaf[8:56, 8:56] = (color, 200, 255 - color, 255)
        pictures.append(leaf)
    assert repr(pictures[0]) == repr(pictures[1])
    leaves = [replace(NETWORK_WORLD, cutouts={"leaf": leaf}) for leaf in pictures]
    meadows = [replace(NETWORK_WORLD, backgrounds=(leaf[..., :3],)) for leaf in pictures]
    # A single shape is too few for two actors without the picture.
    few = [replace(one, shapes=("circle",), num_actors=(2, 2)) for one in leaves[:1]]
    for settings in (*leaves, *meadows, *few):
        watch_worlds([make_world(seed, settings) for seed in range(2)], eyes, tmp_path)
    assert len(list(tmp_path.glob("grids-*.npy"))) == 5
    watch_worlds([make_world(seed, leaves[0]) for seed in range(2)], eyes, tmp_path)
    assert len(list(tmp_path.glob("grids-*.npy"))) == 5


def test_other_scenes_of_the_same_seed_are_looked_at_anew(tmp_path: Path) -> None:
    eyes = TemporalShiftNet(width=4, num_features=8).eval()
    first, second = make_world(1, NETWORK_WORLD), make_world(2, NETWORK_WORLD)
    seen = [
        watch_worlds([World(0, NETWORK_WORLD, world.scenes)], eyes, tmp_path) for world in (first, second)
    ]
    assert not np.array_equal(*seen)


def test_losses_stay_on_the_device_of_what_the_network_says() -> None:
    """Whatever a loss makes without saying where lands on another device here, and cannot be mixed in."""
    worlds = [make_world(seed, NETWORK_WORLD) for seed in range(2)]
    targets = [cell_targets(world) for world in worlds]
    cells = {name: torch.from_numpy(np.stack([one[name] for one in targets])) for name in FACTS}
    logits = {name: torch.randn(2, len(FACTS[name]), *cells[name].shape[1:]) for name in FACTS}
    windows = torch.tensor([[[[0.2, 0.3], [0.6, 0.7]], [[-1.0, -1.0], [-1.0, -1.0]]]])
    moments = {
        "features": torch.zeros(1, 60, 4, 8),
        "words": torch.ones(1, 2, 3, dtype=torch.int64),
        "windows": windows,
    }
    found = Grounding(torch.rand(2, 3, 2), torch.randn(2, 3), torch.randn(2, 60), torch.randn(2, 3, 2, 60))
    for loss, model, batch in (
        (cells_loss, lambda clips: logits, {"clip": torch.zeros(2, 3, 16, 48, 48), **cells}),
        (grounding_loss, lambda features, words: found, moments),
    ):
        expected = loss(model, batch)
        with torch.device("meta"):
            elsewhere = loss(model, batch)
        assert elsewhere.device == torch.device("cpu")
        assert torch.equal(elsewhere, expected)


class Elsewhere(torch.nn.Module):
    """A network on another device, which says where it was shown something."""

    def __init__(self, visual: bool | None = None) -> None:
        super().__init__()
        self.visual = visual
        self.queries = self.positions = torch.nn.Parameter(torch.zeros(1, device="meta"))
        self.shown: set[str] = set()

    def forward(self, clips: torch.Tensor) -> dict[str, torch.Tensor]:
        self.shown.add(clips.device.type)
        size = (clips.shape[0], -1, clips.shape[2] // 2, 6, 6)
        return {name: torch.zeros(1, len(FACTS[name]), 1, 1, 1).expand(size) for name in FACTS}

    def greedy(self, clips: torch.Tensor) -> list[str]:
        self.shown.add(clips.device.type)
        return ["the red circle jumps"] * len(clips)

    def ask(self, clips: torch.Tensor, questions: list[str]) -> list[tuple[str, float]]:
        self.shown.add(clips.device.type)
        return [("yes", 1.0)] * len(clips)

    def find(self, features: torch.Tensor, query: str) -> list[tuple[float, float, float]]:
        self.shown.add(features.device.type)
        return [(0.0, 1.0, 0.9)]


def test_measures_show_a_network_what_lies_on_its_device() -> None:
    video = video_of({"the red circle jumps": (0.0, 120.0)})
    for model, measure in (
        (Elsewhere(), lambda model: cell_accuracy(model, num_clips=2)["color_accuracy"]),
        (Elsewhere(), lambda model: measure_captions(model, num_clips=30)["shape"]),
        (Elsewhere(), lambda model: measure_answers(model, num_clips=30)["all"]),
        (Elsewhere(visual=True), lambda model: measure_answers(model, num_clips=30)["all"]),
        (Elsewhere(), lambda model: measure_grounding(model, [video])["R1@0.7"]),
    ):
        assert 0 < measure(model) <= 1
        assert model.shown == {"meta"}


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
