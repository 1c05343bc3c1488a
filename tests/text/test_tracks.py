"""Text over time."""

from pathlib import Path

import numpy as np
import pytest

from muybridge.text.ppocr import PPOCRNetworks
from muybridge.text.tracks import track_text


def test_the_real_subtitles_to_the_frame(shared: Path, networks: PPOCRNetworks) -> None:
    before = networks.num_recognized
    tracks = track_text(shared / "clips" / "subtitles_zh.mp4", networks=networks)
    lines = [track for track in tracks if track.end_seconds - track.start_seconds > 0.2]
    assert [track.text for track in lines] == ["空间里面他绝对赢不了的", "我进去帮他", "你们接着善后"]
    times = np.array([(track.start_seconds, track.end_seconds) for track in lines])
    assert times == pytest.approx(np.array([[0, 10], [10, 28], [37, 61]]) / 24)
    assert networks.num_recognized - before <= 72 / 5  # per-frame reading needs one or more for each frame
