"""CTC decoding: why the best text is not the text of the best path, and what a language model adds."""

import numpy as np

from muybridge.text import ctc
from muybridge.text.decoder_comparison import spelled_logits

# Two time steps, each with 60% for the blank and 40% for "a". Every path and what it writes:
steps = np.array([[0.6, 0.4], [0.6, 0.4]])
print("path   text  probability")
for first, second in ((0, 0), (1, 0), (0, 1), (1, 1)):
    text = ctc.greedy_decode(np.eye(2)[[first, second]], "a", kind="probabilities")
    path = "-a"[first] + "-a"[second]
    print(f"{path:6} {text!r:5} {steps[0, first] * steps[1, second]:.2f}")
print("best path writes:", repr(ctc.greedy_decode(steps, "a", kind="probabilities")))
best = ctc.beam_search(steps, "a", kind="probabilities")[0]
print("best text:       ", repr(best.text), f"with {np.exp(best.log_probability):.2f}")

# A line under noise: the best path, the five best texts, and the same with a model of English letters.
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ "
logits = spelled_logits("SALLIE GARDNER", alphabet, steps_per_character=1)
logits += 1.6 * np.random.default_rng(3).normal(size=logits.shape)
print("\ngreedy:          ", ctc.greedy_decode(logits, alphabet))
for hypothesis in ctc.beam_search(logits, alphabet, nbest=3):
    print(f"beam:             {hypothesis.text}  (log p {hypothesis.log_probability:.2f})")
model = ctc.CharacterLanguageModel.train("SALLY SALLIE GARDEN GARDENER GARDNER SILLY OLLIE WARDEN", order=4)
read = ctc.beam_search(logits, alphabet, language_model=model, language_model_weight=0.6)[0]
print("with a model:    ", read.text)
print("from a lexicon:  ", ctc.beam_search(logits, alphabet, lexicon=["SALLIE", "SALLY", "GARDNER"])[0].text)
print("\ncharacter, time steps, confidence")
for span in read.characters[:6]:
    print(f"    {span.character}      {span.start:2d}–{span.stop:2d}       {span.confidence:.2f}")
