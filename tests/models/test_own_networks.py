"""The own trainable networks: shapes by hand, what may and what may not be seen, search against brute force."""

import itertools

import pytest
import torch
from hypothesis import given, settings, strategies as st

from muybridge.errors import OptionError, ShapeError, WeightsError
from muybridge.models.attention import Attention, TransformerBlock
from muybridge.models.checkpoint import save_checkpoint
from muybridge.models.moment_detr import MomentDETR, moment_detr
from muybridge.models.registry import create_model
from muybridge.models.span_matching import generalized_iou, match_spans
from muybridge.models.temporal_shift import TemporalShiftNet, shift_in_time
from muybridge.models.video_captioner import VideoCaptioner
from muybridge.models.video_qa import VideoQANet
from muybridge.models.vocabulary import END, UNKNOWN, Vocabulary
from muybridge.models.weights import Weights

WORDS = ("blue", "circle", "moves", "red", "the")


@pytest.fixture
def captioner() -> VideoCaptioner:
    torch.manual_seed(0)
    return VideoCaptioner(WORDS, dim=16, num_layers=1, num_heads=2, max_words=6).eval()


def test_attention_is_the_formula() -> None:
    torch.manual_seed(0)
    layer, x, memory = Attention(4, 1), torch.randn(1, 2, 4), torch.randn(1, 3, 4)
    scores = layer.query(x) @ layer.key(memory).transpose(1, 2) / 2.0
    by_hand = layer.output(scores.softmax(dim=-1) @ layer.value(memory))
    assert torch.allclose(layer(x, memory), by_hand, atol=1e-6)
    with pytest.raises(OptionError, match="cannot be shared by 3 heads"):
        Attention(4, 3)


def test_no_token_sees_what_comes_after_it_nor_what_only_fills_up() -> None:
    torch.manual_seed(0)
    block, x = TransformerBlock(8, 2), torch.randn(1, 5, 8)
    changed = x.clone()
    changed[:, 3:] = torch.randn(1, 2, 8)
    assert torch.allclose(block(x, causal=True)[:, :3], block(changed, causal=True)[:, :3], atol=1e-6)
    assert not torch.allclose(block(x)[:, :3], block(changed)[:, :3], atol=1e-3)
    known = torch.tensor([[True, True, True, False, False]])
    assert torch.allclose(block(x, known=known)[:, :3], block(changed, known=known)[:, :3], atol=1e-6)
    both = block(x, known=known, causal=True)[:, :2]
    assert torch.allclose(both, block(x[:, :2], causal=True), atol=1e-6)


def test_shifted_channels_come_from_the_neighbors() -> None:
    frames = torch.arange(3 * 8.0).view(3, 8, 1, 1)
    shifted = shift_in_time(frames, 3).flatten(1)
    assert shifted[1, :2].tolist() == frames[0, :2].flatten().tolist()
    assert shifted[1, 2:4].tolist() == frames[2, 2:4].flatten().tolist()
    assert shifted[1, 4:].tolist() == frames[1, 4:].flatten().tolist()
    assert shifted[0, :2].tolist() == [0, 0]


def test_eyes_see_any_length_and_motion() -> None:
    torch.manual_seed(0)
    eyes = TemporalShiftNet(width=8, num_features=16).eval()
    clip = torch.randn(1, 3, 40, 48, 64)
    with torch.no_grad():
        grid = eyes(clip)
        assert grid.shape == (1, 16, 20, 6, 8)
        # far from its ends, a piece of a video looks as it does in the whole
        assert torch.allclose(grid[:, :, 8:12], eyes(clip[:, :, 6:34])[:, :, 5:9], atol=1e-4)
        assert not torch.allclose(eyes(clip.flip(2)).flip(2), grid, atol=1e-2)
        frames = eyes.each_frame(clip)
        assert frames.shape == (1, 16, 40, 6, 8)
        assert torch.allclose((frames[:, :, ::2] + frames[:, :, 1::2]) / 2, grid, atol=1e-5)
        assert eyes.each_frame(clip[:, :, :3]).shape[2] == 3
    with pytest.raises(ShapeError, match="even T"):
        eyes(clip[:, :, :3])
    with pytest.raises(ShapeError, match="expected clips"):
        eyes(clip[0])


def test_the_captioner_predicts_each_word_from_those_before_it(captioner: VideoCaptioner) -> None:
    clip = torch.randn(1, 3, 16, 48, 48)
    logits = captioner(clip, torch.tensor([[1, 8, 7, 5]]))
    other = captioner(clip, torch.tensor([[1, 8, 4, 4]]))
    assert logits.shape == (1, 4, len(WORDS) + 4)
    assert torch.allclose(logits[:, :2], other[:, :2], atol=1e-5)
    with pytest.raises(OptionError, match="7 words"):
        captioner(clip, torch.ones(1, 7, dtype=torch.int64))
    with pytest.raises(ShapeError, match="places are known"):
        captioner(torch.zeros(1, 3, 32, 48, 48), torch.tensor([[1]]))


def test_a_wide_beam_finds_the_best_of_all_sentences(captioner: VideoCaptioner) -> None:
    captioner.positions = torch.nn.Parameter(captioner.positions[:4].detach() * 20)
    clip = torch.randn(3, 16, 48, 48)
    tokens = captioner.visual(clip[None])
    scores = {}
    for middle in [m for n in range(3) for m in itertools.product(range(UNKNOWN + 1, 9), repeat=n)]:
        words = [1, *middle, END]
        logits = captioner.read_on(tokens, torch.tensor([words[:-1]]))[0].detach()
        logits[:, [0, 1, 3]] = -torch.inf
        total = sum(logits.log_softmax(-1)[n, word] for n, word in enumerate(words[1:]))
        scores[captioner.vocabulary.decode(words)] = float(total) / (len(words) - 1) ** 0.7
    best = max(scores, key=lambda sentence: scores[sentence])
    found = captioner.beam_search(clip, width=40)
    assert len(best.split()) <= 2
    assert found[0][0] == best or len(found[0][0].split()) == 3  # three words may be cut off by the length
    assert 0 < found[0][1] <= 1
    with pytest.raises(OptionError, match="width is 0"):
        captioner.beam_search(clip, width=0)


def test_greedy_is_a_beam_of_one(captioner: VideoCaptioner) -> None:
    clips = torch.randn(3, 3, 16, 48, 48)
    alone = [captioner.beam_search(clip, width=1)[0][0] for clip in clips]
    assert captioner.greedy(clips) == alone


def test_answers_depend_on_clip_and_question_but_for_the_blind() -> None:
    torch.manual_seed(0)
    clips = torch.randn(2, 3, 16, 48, 48)
    words = torch.tensor([[1, 5, 2, 0], [1, 5, 2, 0]])
    model = VideoQANet(WORDS, ("red", "blue"), dim=16, num_layers=1, num_heads=2).eval()
    logits = model(clips, words)
    assert not torch.allclose(logits[0], logits[1])
    assert torch.allclose(logits, model(clips, words[:, :3]), atol=1e-5)  # what fills up changes nothing
    blind = VideoQANet(WORDS, ("red", "blue"), dim=16, num_layers=1, num_heads=2, blind=True).eval()
    assert torch.equal(*blind(clips, words))
    assert all(
        answer in ("red", "blue") and 0.5 <= p <= 1 for answer, p in model.ask(clips, ["red?", "blue moves?"])
    )
    with pytest.raises(OptionError, match="at least one answer"):
        VideoQANet(WORDS, ())


@settings(max_examples=60, deadline=None)
@given(data=st.data(), columns=st.integers(1, 3), extra=st.integers(0, 3))
def test_matching_is_as_cheap_as_the_cheapest(data: st.DataObject, columns: int, extra: int) -> None:
    rows = columns + extra
    numbers = data.draw(
        st.lists(st.floats(-5, 5, width=32), min_size=rows * columns, max_size=rows * columns)
    )
    cost = torch.tensor(numbers).view(rows, columns)
    chosen = match_spans(cost)
    assert len(set(chosen.tolist())) == columns
    cheapest = min(
        sum(float(cost[row, column]) for column, row in enumerate(order))
        for order in itertools.permutations(range(rows), columns)
    )
    assert float(cost[chosen, torch.arange(columns)].sum()) == pytest.approx(cheapest, abs=1e-4)


def test_matching_needs_enough_rows_and_overlap_is_iou_where_spans_meet() -> None:
    with pytest.raises(ShapeError, match="3 true spans for 2"):
        match_spans(torch.zeros(2, 3))
    same = torch.tensor([0.2, 0.7])
    assert generalized_iou(same, same).item() == pytest.approx(1.0)


def test_grounding_of_several_sentences_is_that_of_each() -> None:
    torch.manual_seed(0)
    model = MomentDETR(WORDS, num_features=8, dim=16, num_layers=1, num_heads=2).eval()
    features, words = torch.randn(2, 12, 4, 8), torch.tensor([[1, 5, 2], [1, 6, 2], [1, 7, 2], [1, 8, 2]])
    together = model(features, words)
    for row in range(4):
        alone = model(features[row // 2 : row // 2 + 1], words[row : row + 1])
        for one, many in zip(alone, together, strict=True):
            assert torch.allclose(one[0], many[row], atol=1e-5)
    edges = torch.linspace(0, 1, 12)
    assert torch.allclose(together.pointing.softmax(dim=-1) @ edges, together.spans)
    found = model.find(features[0], "the red circle moves")
    assert all(0 <= start <= end <= 1 for start, end, _ in found)
    assert [score for *_, score in found] == sorted((score for *_, score in found), reverse=True)
    with pytest.raises(ShapeError, match="S = 1"):
        model(features[0], words)
    with pytest.raises(ShapeError, match="3 sentences for 2 videos"):
        model(features, words[:3])
    with pytest.raises(OptionError, match="no eyes"):
        model.look(torch.zeros(3, 4, 48, 48))


def test_sentences_longer_than_what_was_learned_are_counted_without_their_marks() -> None:
    grounder = MomentDETR(WORDS, num_features=8, dim=16, num_layers=1, num_heads=2, max_words=6).eval()
    answerer = VideoQANet(WORDS, ("red", "blue"), dim=16, num_layers=1, num_heads=2, max_words=6, blind=True)
    features, four, five = torch.zeros(12, 4, 8), "the red circle moves", "the red, blue circle"
    assert len(grounder.find(features, four)) == 5
    assert len(answerer.ask(torch.zeros(1, 3, 2, 8, 8), [four])) == 1
    with pytest.raises(OptionError, match="a sentence of 5 words and marks; at most 4 are read"):
        grounder.find(features, five)
    with pytest.raises(OptionError, match="a question of 5 words and marks; at most 4 are read"):
        answerer.ask(torch.zeros(1, 3, 2, 8, 8), [five])


def test_a_checkpoint_brings_its_words(tmp_path) -> None:
    torch.manual_seed(0)
    file = tmp_path / "grounder.safetensors"
    options = {"words": list(WORDS), "dim": 16, "num_heads": 2, "eye_width": 4}
    model = moment_detr(**options).eval()
    save_checkpoint(file, model, name="moment_detr", weights=Weights("mine", options=options))
    again = create_model("moment_detr", weights=file)
    assert again.vocabulary.words == WORDS
    clip = torch.randn(3, 8, 48, 48)
    assert torch.equal(model.look(clip), again.look(clip))
    with pytest.raises(WeightsError, match="belongs to moment_detr"):
        create_model("video_qa", weights=file)


def test_unknown_words_and_punctuation() -> None:
    vocabulary = Vocabulary(WORDS)
    assert vocabulary.encode("The RED fox").tolist() == [1, 8, 7, UNKNOWN, 2]
    assert vocabulary.encode_many(["red", "the red"]).tolist() == [[1, 7, 2, 0], [1, 8, 7, 2]]
    with pytest.raises(OptionError, match="each word once"):
        Vocabulary(("red", "red"))
