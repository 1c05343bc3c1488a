"""Captions and questions of the procedural world as training data, their losses, and what is measured.

    world ──► clip, sentence ──► VideoCaptioner: cross-entropy of each next word ──► exact sentences, facts
      └────► clip or grid, questions, answers ──► VideoQANet: cross-entropy of the answers ──► right ones by kind

The worlds from `TEST_SEEDS` on are kept for measuring.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Dataset

from muybridge.errors import OptionError
from muybridge.models.video_captioner import VideoCaptioner
from muybridge.models.video_qa import VideoQANet
from muybridge.models.vocabulary import PAD, Vocabulary
from muybridge.training.world import World, WorldSettings, make_world
from muybridge.training.world_cells import NETWORK_WORLD, TEST_SEEDS, clip_to_tensor, clips_of
from muybridge.training.world_truth import Question, list_questions

__all__ = [
    "QUESTION_KINDS_ASKED",
    "CaptionClips",
    "QuestionClips",
    "QuestionGrids",
    "caption_facts",
    "caption_loss",
    "caption_words",
    "measure_answers",
    "measure_captions",
    "question_loss",
    "question_words",
]

QUESTION_KINDS_ASKED = ("color", "shape", "motion", "order", "yes or no", "count")
_MAX_WORDS = 20
_BATCH = 25
_CLAUSE = re.compile(r"the (?P<color>\w+) (?P<shape>\w+) (?P<motion>.+)")


def caption_words(settings: WorldSettings = NETWORK_WORLD) -> tuple[str, ...]:
    """All words that captions of such worlds use."""
    return Vocabulary.of(
        ["the, then nothing moves", *settings.motions, *settings.colors, *settings.shapes]
    ).words


def question_words(
    num_worlds: int = 300, settings: WorldSettings = NETWORK_WORLD
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of the questions about such worlds, and all their answers; found by asking many."""
    asked = [q for seed in range(num_worlds) for q in _questions(make_world(seed, settings))]
    return Vocabulary.of(q.text for q in asked).words, tuple(sorted({q.answer for q in asked}))


class CaptionClips(Dataset[dict[str, Tensor]]):
    """Clips with their captions; each item is a new world in every epoch.

    Args:
        num_clips: how many make an epoch.
        vocabulary: of the captions.
        settings: of the world.

    >>> item = CaptionClips(4, Vocabulary(caption_words()))[0]
    >>> item["clip"].shape, item["words"].shape
    (torch.Size([3, 16, 48, 48]), torch.Size([20]))
    """

    def __init__(
        self, num_clips: int, vocabulary: Vocabulary, settings: WorldSettings = NETWORK_WORLD
    ) -> None:
        self.num_clips, self.vocabulary, self.settings = num_clips, vocabulary, settings

    def __len__(self) -> int:
        return self.num_clips

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        # The trainer seeds numpy by its seed, the epoch and the index.
        world = make_world(np.random.randint(TEST_SEEDS), self.settings)
        return {
            "clip": clip_to_tensor(world.clip().pixels),
            "words": _fill(self.vocabulary.encode(world.caption)),
        }


class QuestionClips(Dataset[dict[str, Tensor]]):
    """Clips with some questions each, all kinds equally often, and the numbers of the answers.

    Each item is a new world in every epoch. To look costs more than to read, so each is asked more than once.

    Args:
        num_clips: how many make an epoch.
        vocabulary: of the questions.
        answers: what can be answered.
        settings: of the world.
        num_questions: of each clip.
        blind: leave the clips black and unpainted, for a network that does not look.
    """

    def __init__(
        self,
        num_clips: int,
        vocabulary: Vocabulary,
        answers: Sequence[str],
        settings: WorldSettings = NETWORK_WORLD,
        *,
        num_questions: int = 6,
        blind: bool = False,
    ) -> None:
        self.num_clips, self.vocabulary, self.settings, self.blind = num_clips, vocabulary, settings, blind
        self.num_questions, self.answers = num_questions, answers

    def __len__(self) -> int:
        return self.num_clips

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        world = make_world(np.random.randint(TEST_SEEDS), self.settings)
        clip = torch.zeros(3, 2, 8, 8) if self.blind else clip_to_tensor(world.clip().pixels)
        return {"clip": clip, **_ask(world, self.num_questions, self.vocabulary, self.answers)}


class QuestionGrids(Dataset[dict[str, Tensor]]):
    """What frozen eyes saw of worlds, with some questions each, drawn anew in every epoch.

    Args:
        worlds: what is asked about.
        grids: (N, D, t, h, w) of each world, from `watch_worlds`.
        vocabulary: of the questions.
        answers: what can be answered.
        num_questions: of each world.

    Raises:
        OptionError: not one grid for each world.
    """

    def __init__(
        self,
        worlds: Sequence[World],
        grids: NDArray[np.float16],
        vocabulary: Vocabulary,
        answers: Sequence[str],
        *,
        num_questions: int = 8,
    ) -> None:
        if len(worlds) != len(grids):
            raise OptionError(f"{len(grids)} grids for {len(worlds)} worlds; give one for each")
        self.worlds, self.grids, self.vocabulary = worlds, grids, vocabulary
        self.answers, self.num_questions = answers, num_questions

    def __len__(self) -> int:
        return len(self.worlds)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        grid = torch.from_numpy(self.grids[index].astype(np.float32))
        return {"grid": grid, **_ask(self.worlds[index], self.num_questions, self.vocabulary, self.answers)}


def caption_loss(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Mean cross-entropy of each word from the clip and the true words before it."""
    words = batch["words"]
    logits = model(batch["clip"], words[:, :-1])
    return functional.cross_entropy(logits.float().flatten(0, 1), words[:, 1:].flatten(), ignore_index=PAD)


def question_loss(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """Mean cross-entropy of the answers; batches hold clips, or the grids that the eyes saw of them."""
    questions = batch["questions"].flatten(0, 1)
    longest = int((questions != PAD).sum(dim=1).max())
    logits = model(batch.get("clip"), questions[:, :longest], grids=batch.get("grid"))
    return functional.cross_entropy(logits.float(), batch["answers"].flatten())


def caption_facts(caption: str) -> list[dict[str, str]]:
    """The facts of each clause.

    >>> caption_facts("the red star turns left, then the blue ring jumps")[1]
    {'color': 'blue', 'shape': 'ring', 'motion': 'jumps'}
    """
    found = [_CLAUSE.fullmatch(clause) for clause in caption.split(", then ")]
    return [match.groupdict() for match in found if match is not None]


@torch.no_grad()
def measure_captions(
    model: VideoCaptioner, *, num_clips: int = 200, settings: WorldSettings = NETWORK_WORLD
) -> dict[str, float]:
    """How good greedy captions of test worlds are.

    Returns:
        `exact`: share of sentences that are right word for word. `color`, `shape`, `motion`: share of true clauses
        whose fact is right in the clause at that place. `order`: among captions that say the right two things, the
        share that says them in the right order.
    """
    right: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for worlds in _test_worlds(num_clips, settings):
        said = model.greedy(clips_of(worlds, model))
        for world, sentence in zip(worlds, said, strict=True):
            count["exact"] += 1
            right["exact"] += sentence == world.caption
            truth, told = caption_facts(world.caption), caption_facts(sentence)
            for place, clause in enumerate(truth):
                for name, value in clause.items():
                    count[name] += 1
                    right[name] += place < len(told) and told[place][name] == value
            clauses = world.caption.split(", then ")
            if len(clauses) == 2 and sorted(sentence.split(", then ")) == sorted(clauses):
                count["order"] += 1
                right["order"] += sentence == world.caption
    return {
        name: right[name] / count[name]
        for name in ("exact", "color", "shape", "motion", "order")
        if count[name]
    }


@torch.no_grad()
def measure_answers(
    model: VideoQANet, *, num_clips: int = 200, settings: WorldSettings = NETWORK_WORLD
) -> dict[str, float]:
    """The share of right answers about test worlds, one question each: of all kinds together, and of each."""
    outcomes: defaultdict[str, list[bool]] = defaultdict(list)
    for worlds in _test_worlds(num_clips, settings):
        questions = [_pick(_questions(world), np.random.default_rng(world.seed)) for world in worlds]
        if model.visual is None:
            clips = torch.zeros(len(worlds), 3, 2, 8, 8, device=model.positions.device)
        else:
            clips = clips_of(worlds, model)
        for question, (answer, _) in zip(
            questions, model.ask(clips, [q.text for q in questions]), strict=True
        ):
            outcomes["all"].append(answer == question.answer)
            outcomes[question.kind].append(answer == question.answer)
    return {kind: float(np.mean(outcomes[kind])) for kind in ("all", *QUESTION_KINDS_ASKED) if outcomes[kind]}


def _questions(world: World, random: np.random.Generator | None = None) -> list[Question]:
    """Those of the kinds that are asked; what is asked with yes or no is drawn anew where a generator is given."""
    asked = (
        world.questions if random is None else list_questions(world.scenes, random, world.settings.motions)
    )
    return [question for question in asked if question.kind in QUESTION_KINDS_ASKED]


def _ask(
    world: World, num_questions: int, vocabulary: Vocabulary, answers: Sequence[str]
) -> dict[str, Tensor]:
    # The trainer seeds numpy by its seed, the epoch and the index.
    random = np.random.default_rng(np.random.randint(2**31))
    questions = _questions(world, random)
    picked = [_pick(questions, random) for _ in range(num_questions)]
    return {
        "questions": torch.stack([_fill(vocabulary.encode(question.text)) for question in picked]),
        "answers": torch.tensor([answers.index(question.answer) for question in picked]),
    }


def _pick(questions: Sequence[Question], random: np.random.Generator) -> Question:
    """One of them: first a kind, so that no kind is asked more often because there are more such questions."""
    kind = random.choice(sorted({question.kind for question in questions}))
    of_kind = [question for question in questions if question.kind == kind]
    return of_kind[int(random.integers(len(of_kind)))]


def _test_worlds(num_clips: int, settings: WorldSettings) -> list[list[World]]:
    seeds = range(TEST_SEEDS, TEST_SEEDS + num_clips)
    return [
        [make_world(seed, settings) for seed in seeds[first : first + _BATCH]]
        for first in range(0, num_clips, _BATCH)
    ]


def _fill(words: Tensor) -> Tensor:
    return functional.pad(words, (0, _MAX_WORDS - len(words)), value=PAD)
