"""Draw a short film whose truth is known, then ask about it: what it shows, when, and what it does not show."""

import tempfile
from pathlib import Path

from muybridge import analyze
from muybridge.language import answer_question, caption_timeline
from muybridge.pipeline.demo import write_demo_video

path = Path(tempfile.mkdtemp()) / "demo.mp4"
write_demo_video(path)
timeline = analyze(path)

for caption in caption_timeline(timeline):
    print(f"{caption.start_seconds:5.1f}–{caption.end_seconds:4.1f} s  {caption.label}")
print()
for question in (
    "When does the camera pan right?",
    "What is written at 6 seconds?",
    "Which words come after “hello from muybridge”?",
    "How does the third shot begin?",
    "Is the camera static?",
    "Which comes first, HELLO or the first cut?",
    "What color is the horse?",
):
    answer = answer_question(timeline, question)
    print(f"{question}\n    {answer.text}{'' if answer.known else '   (not known)'}")
