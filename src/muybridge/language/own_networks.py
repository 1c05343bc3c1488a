"""The own trained networks behind the same interface as every other model, from a checkpoint that describes itself.

    captioner.safetensors ──► OwnCaptioner   frames → a sentence
    answerer.safetensors  ──► OwnAnswerer    frames, a question → one of the answers that it knows
    grounder.safetensors  ──► OwnGrounder    a whole video, a sentence → moments

They know the words that they were trained with and no others, and say so: a question with an unknown word is not
guessed at, and a query with one finds nothing.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from muybridge.errors import OptionError, WeightsError
from muybridge.language.joined_moments import Window, join_windows
from muybridge.models.checkpoint import read_checkpoint
from muybridge.models.hub_folder import refuse_missing_file
from muybridge.models.moment_detr import MomentDETR
from muybridge.models.registry import create_model
from muybridge.models.video_captioner import VideoCaptioner
from muybridge.models.video_qa import VideoQANet
from muybridge.models.vocabulary import UNKNOWN, Vocabulary, check_length, split_words
from muybridge.models.weights import Weights, weights_of
from muybridge.values import Clip, Segment
from muybridge.video.reader import Video, open_video
from muybridge.video.transforms import to_model_tensor

__all__ = ["OwnAnswerer", "OwnCaptioner", "OwnGrounder", "is_own_checkpoint", "load_own_speaker"]

_SURE = 0.5
_NO_EYES = "{} holds a network without eyes, which cannot look at a video"


def is_own_checkpoint(model: str | Path) -> bool:
    """Whether a name is the path of a `.safetensors` file.

    Raises:
        WeightsError: it is, and no such file is there.
    """
    refuse_missing_file(model)
    path = Path(model).expanduser()
    return path.suffix == ".safetensors" and path.is_file()


def load_own_speaker(path: str | Path) -> OwnCaptioner | OwnAnswerer:
    """A speaker from a checkpoint of `video_captioner` or `video_qa`.

    Args:
        path: the file.

    Raises:
        WeightsError: the file is damaged, or its network does not speak.
    """
    name = read_checkpoint(path).model
    if name == "video_captioner":
        return OwnCaptioner(path)
    if name == "video_qa":
        return OwnAnswerer(path)
    raise WeightsError(
        f"{path} holds {name or 'a network without a name'}, which says nothing; give a checkpoint of"
        " video_captioner or video_qa"
    )


class OwnCaptioner:
    """Writes a sentence about frames.

    Args:
        path: a checkpoint of `video_captioner`.
        beam_width: sentences that are kept while it is written; 1 takes the likeliest word each time.

    Raises:
        OptionError: a beam width below 1.
        WeightsError: another network's checkpoint, or a damaged one.
    """

    evenly_spaced = True
    """The frames should lie evenly in time, as in training; see `spoken`."""

    def __init__(self, path: str | Path, *, beam_width: int = 1) -> None:
        if beam_width < 1:
            raise OptionError(f"beam_width is {beam_width}; it must be 1 or more")
        model = create_model("video_captioner", weights=Path(path)).eval()
        assert isinstance(model, VideoCaptioner)
        self.model, self.beam_width = model, beam_width
        self.record = _record(model, path)

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """One sentence about the frames; instructions are not understood."""
        frames = _frames(clip, self.record)
        if self.beam_width > 1:
            return self.model.beam_search(frames, width=self.beam_width)[0][0]
        return self.model.greedy(frames[None])[0]

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """Nothing: it writes captions.

        Raises:
            OptionError: always.
        """
        raise OptionError("this checkpoint writes captions and answers nothing; give one of video_qa to ask")


class OwnAnswerer:
    """Answers questions about frames with one of the answers that it knows.

    Args:
        path: a checkpoint of `video_qa` with eyes.

    Raises:
        WeightsError: another network's checkpoint, a damaged one, or one without eyes.
    """

    evenly_spaced = True

    def __init__(self, path: str | Path) -> None:
        model = create_model("video_qa", weights=Path(path)).eval()
        assert isinstance(model, VideoQANet)
        if model.visual is None:
            raise WeightsError(_NO_EYES.format(path))
        self.model = model
        self.record = _record(model, path)

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """Nothing: it answers questions.

        Raises:
            OptionError: always.
        """
        raise OptionError(
            "this checkpoint answers questions and writes no captions; give one of video_captioner"
        )

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """The likeliest answer; that it is not clear where it is less likely than not, or a word unknown or missing."""
        words = _words_of(question)
        if not words:
            return "That is not clear: the question has no word in it."
        unknown = _unknown_words(self.model.vocabulary, words)
        if unknown:
            return f"That is not clear: the network does not know the word {unknown[0]!r}."
        answer, probability = self.model.ask(_frames(clip, self.record)[None], [question])[0]
        if probability < _SURE:
            return f"That is not clear; {answer!r} is the likeliest answer, at {probability:.0%}."
        return answer


class OwnGrounder:
    """Finds the moments of which a sentence speaks, in a video of any length.

    A video longer than those of training is looked at in overlapping windows; of moments that overlap the likelier
    is kept.

    Args:
        path: a checkpoint of `moment_detr` with eyes.
        window_seconds: how much is looked at in one go; two frames at least.

    Raises:
        OptionError: a window that is not finite, or too short for two frames.
        WeightsError: another network's checkpoint, a damaged one, or one without eyes.
    """

    def __init__(self, path: str | Path, *, window_seconds: float = 120.0) -> None:
        model = create_model("moment_detr", weights=Path(path)).eval()
        assert isinstance(model, MomentDETR)
        if model.eyes is None:
            raise WeightsError(_NO_EYES.format(path))
        self.model, self.window_seconds = model, window_seconds
        self.record = _record(model, path)
        self.rate = self.record.frames_per_second or 1.0
        self.num_frames = _frames_of_window(window_seconds, self.rate)

    def find_moments(self, path: str | Path, query: str, *, min_score: float = _SURE) -> list[Segment]:
        """The moments of a query, the likeliest first.

        Args:
            path: the video.
            query: a sentence in words that the network knows; with any other word nothing is found.
            min_score: the least probability, from 0 to 1.

        Returns:
            Segments of kind `"moment"`; none where the video does not show it.

        Raises:
            VideoError: the video cannot be read.
            OptionError: a query that is empty, without any word, or longer than the network reads; or a `min_score`
                that is no probability.
        """
        if not 0 <= min_score <= 1:
            raise OptionError(f"min_score is {min_score}; it must be from 0 to 1")
        words = _words_of(query)
        if not words:
            raise OptionError("the query is empty; say what to look for")
        if _unknown_words(self.model.vocabulary, words):
            return []
        check_length(self.model.vocabulary.encode(query)[None], len(self.model.word_positions), what="query")
        half = self.window_seconds / 2
        with open_video(path) as video:
            start, end = video.packets.start_seconds, video.packets.end_seconds
            firsts = np.arange(start, max(end - half, start + 1e-9), half).tolist()
            return join_windows([self._look(video, first, query, min_score) for first in firsts])

    def _look(self, video: Video, first: float, query: str, min_score: float) -> Window:
        """What is found in the window that begins at `first`."""
        video_end = video.packets.end_seconds
        # What is shorter than two moments is halved, since the network needs two to point at.
        step = min(1 / self.rate, (video_end - first) / 2)
        seconds = first + np.arange(self.num_frames) * step
        seconds = seconds[: max(2, int(np.sum(seconds < video_end - 1e-6)))]
        size = (self.record.size_px, self.record.size_px)
        clip = video.frames_at(
            seconds=np.minimum(seconds, video_end - 1e-6).tolist(), size_px=size, resize="squash"
        )
        length = len(seconds) * step
        end = min(video_end, first + length)
        moments = []
        for begin, stop, score in self.model.find(self.model.look(_tensor(clip.pixels, self.record)), query):
            # The last frame may stand for more than is left of the video.
            starts, stops = (min(end, first + share * length) for share in (begin, stop))
            if score >= min_score and starts < stops:
                moments.append(Segment(starts, stops, "moment", query, score, {"model": self.record.name}))
        return Window(first, end, moments)


def _record(model: torch.nn.Module, path: str | Path) -> Weights:
    record = weights_of(model)
    if record is None:
        raise WeightsError(
            f"{path} does not say for which frames it was trained; save it with save_checkpoint"
        )
    return record


def _frames_of_window(window_seconds: float, rate: float) -> int:
    if not (math.isfinite(window_seconds) and window_seconds > 0):
        raise OptionError(f"window_seconds is {window_seconds}; it must be a finite number above 0")
    count = round(window_seconds * rate)
    # A moment starts at one frame and ends at another: in a single one there is none to find.
    if count < 2:
        raise OptionError(
            f"window_seconds is {window_seconds}, which is too short: at {rate:g} frames a second it holds"
            f" {count}, and it must hold 2; give {2 / rate:g} or more"
        )
    return count


def _words_of(sentence: str) -> list[str]:
    """The words of a sentence as a vocabulary splits it, without loose marks, which need not be known."""
    return [word for word in split_words(sentence) if any(map(str.isalnum, word))]


def _unknown_words(vocabulary: Vocabulary, words: list[str]) -> list[str]:
    return [word for word in words if int(vocabulary.encode(word)[1]) == UNKNOWN]


def _frames(clip: Clip, record: Weights) -> Tensor:
    """As many frames as in training, evenly from those that there are: (3, T, S, S)."""
    places = np.linspace(0, len(clip) - 1, record.num_frames).round().astype(int)
    return _tensor(clip.pixels[places], record)


def _tensor(pixels: NDArray[np.uint8], record: Weights) -> Tensor:
    import cv2

    side = record.size_px
    if pixels.shape[1:3] != (side, side):
        pixels = np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in pixels])
    tensor: Tensor = to_model_tensor(pixels, mean=record.mean, std=record.std)
    return tensor
