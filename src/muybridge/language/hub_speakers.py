"""Vision-language models of the transformers library as `Speaker`s, each fed as its family was trained.

    family                   frames                               their true times
    BLIP                     one by one, the replies joined       order only: the model knows no time
    SmolVLM2                 as one video                         its processor writes "Frame from 01:05:"
    Qwen2-VL, Qwen2.5-VL     as one video                         a line of the prompt; temporal positions (2.5)
    Qwen3-VL                 as one video                         its processor writes "<65.2 seconds>"
    any other with a chat    one image each, in the text          "Frame at 65.20 s:" before each

Only `safetensors` are loaded, and code that lies in a repository is never run.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from muybridge.errors import OptionError, require_extra
from muybridge.language.hub_loading import FILES, load_network, load_processor
from muybridge.language.prompts import (
    CAPTION,
    SYSTEM,
    frame_times,
    question_text,
    without_tokens,
)
from muybridge.language.replies import behind_thought, clean_reply, whole_sentences, without_thoughts
from muybridge.models.hub_folder import hub_folder, read_config

if TYPE_CHECKING:
    from muybridge.language.speaker import Speaker
    from muybridge.values import Clip

__all__ = ["ChatSpeaker", "ImageAnswerer", "ImageCaptioner", "load_hub_speaker"]

CAPTION_TOKENS = 40  # of models that caption single images
REPLY_TOKENS = 256
# model_type → whether the processor itself writes the frames' times into the prompt.
VIDEO_FAMILIES = {
    "smolvlm": True,
    "qwen2_vl": False,
    "qwen2_5_vl": False,
    "qwen3_vl": True,
    "qwen3_vl_moe": True,
}
TICKS_PER_SECOND = 1000.0  # of the clock on which processors are told the times


class ImageCaptioner:
    """A model that captions single images, such as BLIP: frames that look alike share a caption.

    Args:
        network: generates text from `pixel_values`.
        processor: its processor.
        name: how the user called it.
    """

    def __init__(self, network: Any, processor: Any, *, name: str) -> None:
        self.network, self.processor, self.name = network, processor, name

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """The captions of the frames in order, repeated ones once; an instruction is ignored."""
        inputs = self.processor(images=list(clip.pixels), return_tensors="pt")
        said = _generate(self.network, self.processor, inputs, CAPTION_TOKENS)
        different = [text for place, text in enumerate(said) if text and text not in said[:place][-1:]]
        return "; then ".join(different)

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """Raises `OptionError`: this model cannot answer."""
        raise OptionError(
            f"{self.name} captions images and answers no questions; give a model that does, such as"
            " Salesforce/blip-vqa-base or HuggingFaceTB/SmolVLM2-500M-Video-Instruct"
        )


class ImageAnswerer:
    """A model that answers questions about single images, such as BLIP's: the frames vote.

    Args:
        network: generates text from `pixel_values` and a question.
        processor: its processor.
        name: how the user called it.
    """

    def __init__(self, network: Any, processor: Any, *, name: str) -> None:
        self.network, self.processor, self.name = network, processor, name

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """The answer to what the picture shows, or to the instruction."""
        return self.answer(clip, instruction or "what does the picture show?")

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """The answer that most frames give, the earlier one where two are as frequent; evidence is not used."""
        words = without_tokens(question, _control_tokens(self.processor))
        inputs = self.processor(
            images=list(clip.pixels),
            text=[words] * len(clip),
            truncation=True,
            max_length=self.network.config.text_config.max_position_embeddings,
            return_tensors="pt",
        )
        votes = Counter(_generate(self.network, self.processor, inputs, CAPTION_TOKENS))
        return votes.most_common(1)[0][0]


class ChatSpeaker:
    """A vision-language model that is talked to, such as SmolVLM2 or Qwen-VL.

    Args:
        network: generates text from a prompt with images or a video in it.
        processor: its processor, with a chat template.
        name: how the user called it.
    """

    def __init__(self, network: Any, processor: Any, *, name: str) -> None:
        self.network, self.processor, self.name = network, processor, name
        self.family = str(network.config.model_type)
        video_processor: Any = getattr(processor, "video_processor", None)
        self.takes_video = self.family in VIDEO_FAMILIES and video_processor is not None
        # Qwen's own implementation bounds the pixels of a long clip; transformers asks which one is wanted.
        if self.takes_video and getattr(video_processor, "cap_pixels_per_frame", True) is None:
            video_processor.cap_pixels_per_frame = True

    def caption(self, clip: Clip, *, instruction: str | None = None) -> str:
        """One sentence about the frames, or what the instruction asks for."""
        return self._say(clip, instruction or CAPTION)

    def answer(self, clip: Clip, question: str, *, context: str | None = None) -> str:
        """An answer from the frames and the evidence."""
        return self._say(clip, question_text(question, context))

    def prompt(self, clip: Clip, request: str) -> Any:
        """What the model gets: the tensors of the prompt, with the frames and their times in it.

        Args:
            clip: the frames.
            request: the user's turn, without the frames.
        """
        asked = without_tokens(request, _control_tokens(self.processor))
        if not self.takes_video:
            text = self._template(_images_in_text(clip, asked))
            return self.processor(text=[text], images=list(clip.pixels), return_tensors="pt")
        if not VIDEO_FAMILIES[self.family]:
            asked = f"{frame_times(clip.pts_seconds)}\n{asked}"
        text = self._template([{"type": "video"}, {"type": "text", "text": asked}])
        return self.processor(
            text=[text],
            videos=[clip.pixels],
            video_metadata=[_metadata(clip)],
            do_sample_frames=False,
            return_tensors="pt",
        )

    def _template(self, content: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        system = {"role": "system", "content": [{"type": "text", "text": SYSTEM}]}
        settings = {"add_generation_prompt": True, "tokenize": False}
        try:
            text = self.processor.apply_chat_template(
                [system, {"role": "user", "content": content}], **settings
            )
        except TemplateError:  # templates of models without a system role refuse it
            whole = [{"type": "text", "text": f"{SYSTEM}\n"}, *content]
            text = self.processor.apply_chat_template([{"role": "user", "content": whole}], **settings)
        return str(text)

    def _say(self, clip: Clip, request: str) -> str:
        return _generate(self.network, self.processor, self.prompt(clip, request), REPLY_TOKENS)[0]


def load_hub_speaker(reference: str) -> Speaker:
    """A vision-language model by hub name or local folder.

    Args:
        reference: `owner/repository`, or a folder with config.json, model.safetensors, the tokenizer and the
            processor.

    Raises:
        WeightsError: it cannot be found, or is not complete; the message says what to do.
        MissingExtraError: `muybridge[hub]` is not installed.
    """
    transformers = require_extra("transformers", extra="hub")
    folder = hub_folder(reference, patterns=FILES, safetensors_only=True)
    config = read_config(folder)
    is_answerer = config.get("architectures") == ["BlipForQuestionAnswering"]
    kind = transformers.BlipForQuestionAnswering if is_answerer else transformers.AutoModelForImageTextToText
    network = load_network(kind, folder, reference, what="a vision-language model")
    processor = load_processor(folder, reference)
    if is_answerer:
        return ImageAnswerer(network, processor, name=reference)
    if str(config.get("model_type")) == "smolvlm" or getattr(processor, "chat_template", None):
        return ChatSpeaker(network, processor, name=reference)
    return ImageCaptioner(network, processor, name=reference)


def _generate(network: Any, processor: Any, inputs: Any, max_new_tokens: int) -> list[str]:
    tensors = {name: value for name, value in inputs.items() if isinstance(value, torch.Tensor)}
    tensors = {
        name: value.to(network.device, network.dtype if value.is_floating_point() else None)
        for name, value in tensors.items()
    }
    prompt = tensors.get("input_ids")
    with torch.inference_mode():
        tokens = network.generate(
            **tensors,
            do_sample=False,
            temperature=None,
            top_p=None,
            top_k=None,
            max_new_tokens=max_new_tokens,
        )
    # Decoders repeat the prompt before what they say; encoder-decoders do not.
    if prompt is not None and _repeats(tokens, prompt):
        tokens = tokens[:, prompt.shape[1] :]
    texts = processor.batch_decode(tokens, skip_special_tokens=True)
    ends = _end_tokens(network)
    return [
        _reply(text, is_cut=len(row) >= max_new_tokens and not ends & set(row.tolist()))
        for text, row in zip(texts, tokens, strict=True)
    ]


def _reply(text: str, *, is_cut: bool) -> str:
    """What is shown of a reply: nothing of its thoughts, and of one that was cut off, what is whole."""
    said = clean_reply(behind_thought("".join(without_thoughts([text]))))
    return whole_sentences(said) if is_cut else said


def _end_tokens(network: Any) -> set[int]:
    """The tokens with which a reply ends; there may be several."""
    end: int | list[int] | None = network.generation_config.eos_token_id
    return set(end) if isinstance(end, list) else {end} if end is not None else set()


def _repeats(tokens: torch.Tensor, prompt: torch.Tensor) -> bool:
    length = prompt.shape[1]
    return tokens.shape[1] >= length and bool((tokens[:, :length] == prompt).all())


def _control_tokens(processor: Any) -> list[str]:
    tokenizer = processor.tokenizer
    return [*tokenizer.all_special_tokens, *(t for t in tokenizer.get_added_vocab() if t[:1] in "<[")]


def _images_in_text(clip: Clip, asked: str) -> list[dict[str, str]]:
    content: list[dict[str, str]] = []
    for seconds in clip.pts_seconds:
        content += [{"type": "text", "text": f"Frame at {seconds:.2f} s:"}, {"type": "image"}]
    return [*content, {"type": "text", "text": asked}]


def _metadata(clip: Clip) -> Any:
    """The frames' times as processors take them: places on a clock of so many ticks per second."""
    from transformers.video_utils import VideoMetadata

    times = clip.pts_seconds
    spacing = float(np.diff(times).mean()) if len(times) > 1 else 1.0
    spacing = max(spacing, 1 / TICKS_PER_SECOND)
    # sampled_fps, from which Qwen2.5-VL takes the length of a temporal position, is len(times) ticks / total.
    return VideoMetadata(
        total_num_frames=round(len(times) * spacing * TICKS_PER_SECOND),
        fps=TICKS_PER_SECOND,
        width=int(clip.pixels.shape[2]),
        height=int(clip.pixels.shape[1]),
        duration=float(times[-1]) + spacing,
        frames_indices=[round(float(seconds) * TICKS_PER_SECOND) for seconds in times],
    )
