"""The procedural world: its pixels and its truth agree."""

import json
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings as hypothesis_settings, strategies as st

from muybridge.errors import OptionError, ShapeError, UnknownNameError
from muybridge.motion.shots import detect_shots
from muybridge.motion.warp import warp_image
from muybridge.text.reader import read_text
from muybridge.training.world import World, WorldSettings, make_world
from muybridge.training.world_plan import split_time
from muybridge.training.world_scene import COLORS, MOTIONS, Actor, Camera, Event, Piece, Scene
from muybridge.training.world_truth import QUESTION_KINDS, describe_scene, list_questions

SOLID = tuple(motion for motion in MOTIONS if motion not in ("appears", "disappears"))
GRAY = np.full((90, 90, 3), 128, np.uint8)


def one_actor(*, change: tuple[float, ...] = (0.5, 0, 0, 0, 0), camera: Camera | None = None) -> World:
    """A plain red square in the middle of a gray view, 60×60 at 10 frames per second for one second."""
    actor = Actor("red", "square", 0.3, (-0.2, 0.0, 0.0, 0.0, 1.0))
    scene = Scene(
        1, 1.0, 1.0, (actor,), (Event(0.0, 1.0, 0, "moves right"),), (Piece(0, 0.0, 1.0, change),),
        camera or Camera(),
    )  # fmt: skip
    settings = WorldSettings(width=60, height=60, frames_per_second=10, noise=0.0, backgrounds=(GRAY,))
    return World(0, settings, (scene,))


def test_the_same_seed_gives_the_same_world_whatever_is_painted_first() -> None:
    first, again, other = make_world(5), make_world(5), make_world(6)
    forward = first.clip().pixels
    backward = np.concatenate([again.render([index]) for index in range(15, -1, -1)])[::-1]
    assert np.array_equal(forward, backward)
    assert first.to_dict() == again.to_dict()
    assert not np.array_equal(forward, other.clip().pixels)


def test_flow_of_a_known_motion() -> None:
    flow, hidden = one_actor().flow(3)
    shape = one_actor().masks(3)[0]
    # half a height in a second: 30 pixels in ten frames
    assert np.allclose(flow[shape], (3.0, 0.0), atol=1e-5)
    assert np.allclose(flow[~shape], 0.0, atol=1e-5)
    # what the square drives over vanishes: three columns of background at its right edge
    assert hidden[~shape].sum() == 3 * shape.any(axis=1).sum()
    assert not hidden[shape].any()


def test_a_camera_that_pans_left_moves_all_to_the_right() -> None:
    flow, _ = one_actor(change=(0, 0, 0, 0, 0), camera=Camera("pans left", 0.5)).flow(0)
    assert np.allclose(flow, (3.0, 0.0), atol=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_flow_draws_the_next_frame_like_this_one(seed: int) -> None:
    settings = WorldSettings(
        width=128, height=96, noise=0.0, motions=SOLID, num_actors=(3, 3), num_events=(2, 2)
    )
    world = make_world(seed, settings)
    for index in (3, 8, 12):
        now, then = world.render([index, index + 1]).astype(np.float32)
        flow, hidden = world.flow(index)
        edges = cv2.morphologyEx(world.labels(index), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8)) > 0
        near_hidden = cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        clear = ~(edges | near_hidden)
        error = np.abs(warp_image(then, flow) - now).mean(axis=2)[clear]
        still = np.abs(then - now).mean(axis=2)[clear]
        assert clear.mean() > 0.6
        assert error.mean() < 2.0
        assert error.mean() < 0.7 * still.mean() + 0.5  # the flow explains what changed


def test_masks_are_the_painted_pixels() -> None:
    world = one_actor()
    for index in (0, 4, 9):
        differs = (
            np.abs(world.render([index])[0].astype(int) - world.render([index])[0][0, 0]).max(axis=2) > 60
        )
        assert np.array_equal(differs, world.masks(index)[0])


@hypothesis_settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_events_are_what_the_poses_do_and_nothing_else_moves(seed: int) -> None:
    world = make_world(seed, WorldSettings(num_actors=(2, 3), num_events=(1, 3), scene_seconds=(3.0, 4.0)))
    scene = world.scenes[0]
    assert scene.events  # something always happens
    for event in scene.events:
        before, after = scene.poses(np.array([event.start_seconds, event.end_seconds]))[event.actor]
        x, y, turn, log_scale, opacity = after - before
        holds = {
            "moves left": x < -0.25, "moves right": x > 0.25, "moves up": y < -0.25, "moves down": y > 0.25,
            "turns left": turn < -1, "turns right": turn > 1, "grows": log_scale > 0.3, "shrinks": log_scale < -0.3,
            "appears": opacity == 1, "disappears": opacity == -1,
        }  # fmt: skip
        if event.motion == "jumps":
            middle = scene.poses(np.array([(event.start_seconds + event.end_seconds) / 2]))[event.actor, 0]
            assert middle[1] < before[1] - 0.15
            assert np.allclose(before, after)
        elif event.motion == "hits":
            check_contact(scene, event)
        else:
            assert holds[event.motion]
    times = np.linspace(0, scene.duration_seconds, 200)
    moving = np.abs(np.diff(scene.poses(times), axis=1)).max(axis=(0, 2)) > 1e-9
    middles = (times[1:] + times[:-1]) / 2
    step = times[1]
    for time, moves in zip(middles, moving, strict=True):
        inside = any(event.start_seconds - step < time < event.end_seconds + step for event in scene.events)
        assert inside or not moves


def check_contact(scene: Scene, event: Event) -> None:
    assert event.other is not None
    assert event.contact_seconds is not None
    poses = scene.poses(np.array([event.start_seconds, event.contact_seconds, event.end_seconds]))
    hitter, hit = poses[event.actor], poses[event.other]
    reach = sum(
        scene.actors[n].size / 2 * np.exp(pose[1, 3])
        for n, pose in ((event.actor, hitter), (event.other, hit))
    )
    assert np.hypot(*(hitter[1] - hit[1])[:2]) == pytest.approx(reach, abs=1e-6)
    assert np.allclose(hit[0], hit[1])  # the one who is hit waits,
    assert np.allclose(hitter[1], hitter[2])  # and the hitter stops there
    assert np.hypot(*(hit[2] - hit[1])[:2]) > 0.15


@hypothesis_settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_questions_have_one_answer_and_actors_do_not_look_alike(seed: int) -> None:
    world = make_world(seed, WorldSettings(num_actors=(2, 4), num_events=(1, 3), scene_seconds=(3.0, 3.0)))
    actors = world.scenes[0].actors
    assert len({actor.color for actor in actors}) == len({actor.shape for actor in actors}) == len(actors)
    answers: dict[str, str] = {}
    for question in world.questions:
        assert question.kind in QUESTION_KINDS
        assert answers.setdefault(question.text, question.answer) == question.answer


def test_sentences_and_questions_of_a_scene_made_by_hand() -> None:
    cast = (Actor("red", "star", 0.3, (0, 0, 0, 0, 1)), Actor("blue", "ring", 0.3, (0.4, 0, 0, 0, 1)))
    events = (Event(0.0, 1.0, 0, "turns left"), Event(1.0, 2.0, 0, "hits", 1, 1.5))
    scene = Scene(0, 2.0, 1.0, cast, events, ())
    assert describe_scene(scene) == "the red star turns left, then the red star hits the blue ring"
    asked = {q.text: q.answer for q in list_questions([scene], np.random.default_rng(0))}
    assert asked["what color is the shape that turns left?"] == "red"
    assert asked["which shape hits another?"] == "star"
    assert asked["how many shapes are there?"] == "two"
    assert "what does the red star do?" not in asked  # it does two things
    assert "what does the blue ring do?" not in asked  # it is pushed
    assert describe_scene(replace(scene, events=())) == "nothing moves"


def test_who_hits_and_who_is_hit_move_too() -> None:
    cast = (
        Actor("red", "star", 0.2, (0.4, 0, 0, 0, 1)),
        Actor("blue", "ring", 0.2, (0, 0, 0, 0, 1)),
        Actor("green", "cross", 0.2, (0.4, 0.4, 0, 0, 1)),
    )
    run, push, move = ((x, 0.0, 0.0, 0.0, 0.0) for x in (-0.2, -0.3, -0.4))
    scene = Scene(
        0, 2.0, 1.0, cast,
        (Event(0.0, 1.0, 0, "hits", 1, 0.4), Event(1.0, 2.0, 2, "moves left")),
        (Piece(0, 0.0, 0.4, run), Piece(1, 0.4, 1.0, push), Piece(2, 1.0, 2.0, move)),
    )  # fmt: skip
    for seed in range(30):
        asked = {q.text: q.answer for q in list_questions([scene], np.random.default_rng(seed))}
        assert asked["which shape hits another?"] == "star"
        assert asked["what does the green cross do?"] == "moves left"
        assert not any("moves left?" in text for text in asked)  # three of them do
        assert not any(text.startswith("does the red star move") for text in asked)
    # A hit downward is no move to the left.
    down = tuple(replace(piece, change=(0, 0.2, 0, 0, 0)) for piece in scene.pieces[:2])
    aside = replace(scene, pieces=(*down, scene.pieces[2]))
    asked = {q.text: q.answer for q in list_questions([aside], np.random.default_rng(0))}
    assert asked["which shape moves left?"] == "cross"


_SIDES = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


def test_what_is_said_of_moves_is_seen_in_the_circles() -> None:
    settings = WorldSettings(
        width=160, height=96, num_actors=(3, 3), num_events=(2, 3), scene_seconds=(4, 4),
        event_seconds=(0.8, 1.2), camera_motions=("rests",),
    )  # fmt: skip
    num_hits = num_checked = 0
    for seed in range(160):
        world = make_world(seed, settings)
        scene, circles = world.scenes[0], world.circles()
        num_hits += any(event.motion == "hits" for event in scene.events)
        # How far each goes to each side while an event lasts, in pixels; 4 and less is a stray.
        spans = [[round(8 * event.start_seconds), round(8 * event.end_seconds)] for event in scene.events]
        ways = [circles[:, min(last, 31), :2] - circles[:, first, :2] for first, last in spans]
        for question in world.questions:
            side = _SIDES.get(question.text.rstrip("?").split()[-1])
            if side is None or " move" not in question.text:
                continue
            reach = np.max([way @ side for way in ways], axis=0)
            if question.kind == "yes or no" and question.answer == "no":
                (actor,) = (n for n, a in enumerate(scene.actors) if f" {a.name} " in question.text)
                assert reach[actor] < 7, (seed, question)
                num_checked += 1
            elif question.kind == "shape":
                (actor,) = (n for n, a in enumerate(scene.actors) if a.shape == question.answer)
                assert reach[actor] > 15, (seed, question)
                assert np.delete(reach, actor).max() < 7, (seed, question)
                num_checked += 1
    assert num_hits > 20
    assert num_checked > 80


def test_yes_and_no_are_equally_likely() -> None:
    questions = [q for seed in range(300) for q in make_world(seed).questions if q.kind == "yes or no"]
    share = np.mean([q.answer == "yes" for q in questions])
    assert len(questions) > 200
    assert 0.42 < share < 0.58


def test_an_untrimmed_video_has_its_shots_where_the_truth_says(tmp_path) -> None:
    settings = WorldSettings(
        width=160, height=96, frames_per_second=15, num_scenes=4, scene_seconds=(1.5, 3.0), num_events=(2, 3)
    )
    world = make_world(2, settings)
    path = tmp_path / "world.mp4"
    world.write(path)
    truth = [s.start_seconds for s in world.segments if s.kind == "shot"]
    found = [s.start_seconds for s in detect_shots(path)]
    assert found == pytest.approx(truth, abs=0.5 / 15)
    beside = json.loads(path.with_suffix(".json").read_text())
    assert beside["caption"] == world.caption
    assert len(beside["moments"]) == len(world.moments) > 0


def test_words_can_be_read_while_they_are_shown(tmp_path) -> None:
    settings = WorldSettings(width=320, height=180, num_words=(1, 1))
    for seed in (1, 2):
        world = make_world(seed, settings)
        word = next(segment for segment in world.segments if segment.kind == "text")
        index = round((word.start_seconds + word.end_seconds) / 2 * settings.frames_per_second)
        path = tmp_path / f"{seed}.png"
        cv2.imwrite(str(path), world.render([index])[0][..., ::-1])
        assert word.label in [line.text for line in read_text(path)]
        assert (world.labels(index) == -1).sum() > 100
        if word.start_seconds > 0:
            assert not (world.labels(0) == -1).any()


def test_own_pictures_act_before_own_backgrounds() -> None:
    leaf = np.zeros((40, 20, 4), np.uint8)
    leaf[5:35, 2:18] = (10, 200, 200, 255)
    settings = WorldSettings(
        shapes=(), cutouts={"leaf": leaf}, backgrounds=(GRAY,), num_actors=(1, 1), noise=0.0, motions=SOLID[:4],
        num_events=(1, 1),
    )  # fmt: skip
    world = make_world(0, settings)
    assert "the leaf moves" in world.caption
    mask, picture = world.masks(0)[0], world.render([0])[0]
    assert 20 < mask.sum() < 400
    middle = picture[mask].mean(axis=0)
    assert middle[1] > 3 * middle[0]
    assert np.ptp(picture[~cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)]) == 0


def test_a_thing_that_appears_is_not_seen_before() -> None:
    world = make_world(
        0, WorldSettings(num_actors=(1, 1), num_events=(1, 1), motions=("appears",), scene_seconds=(3, 3))
    )
    (event,) = world.scenes[0].events
    first, last = round(event.start_seconds * 8), world.num_frames - 1
    assert not world.masks(first)[0].any()
    assert world.masks(last)[0].any()


def test_split_time_squeezes_what_does_not_fit() -> None:
    random = np.random.default_rng(0)
    times = list(split_time(random, 1.0, 4, (1.0, 2.0), (0.1, 0.2)))
    assert len(times) == 4
    assert all(a < b for a, b in times)
    assert times[-1][1] <= 1.0


def test_more_words_than_frames_stay_in_their_scene() -> None:
    settings = WorldSettings(num_words=(16, 16), scene_seconds=(1, 1), num_scenes=2)
    for seed in range(5):
        world = make_world(seed, settings)
        words = [segment for segment in world.segments if segment.kind == "text"]
        assert len(words) == 32
        for scene, start in ((words[:16], 0.0), (words[16:], 1.0)):
            for word in scene:
                assert start <= word.start_seconds < word.end_seconds <= start + 1.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"event_seconds": (0, 0), "rest_seconds": (0, 0)}, "event_seconds is .*0 < lowest"),
        ({"scene_seconds": (2, float("inf"))}, "scene_seconds is .* finite"),
        ({"rest_seconds": (float("nan"), 1)}, "rest_seconds is"),
        ({"frames_per_second": float("inf")}, "at inf frames per second"),
        ({"words": ("",), "num_words": (1, 1)}, "words has ''"),
        ({"words": ("CAFÉ",)}, "words has 'CAFÉ'; a word is of printable ASCII"),
        ({"camera_motions": ()}, "camera_motions is empty"),
        ({"noise": -1.0}, "noise is"),
    ],
)
def test_settings_of_no_world(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        WorldSettings(**changes)


def test_events_that_are_squeezed_to_nothing() -> None:
    settings = WorldSettings(num_events=(5, 5), rest_seconds=(1e6, 1e6))
    with pytest.raises(OptionError, match=r"leave no time for each in a scene of 2\.0 s"):
        make_world(0, settings)


def test_bad_input_is_named() -> None:
    with pytest.raises(OptionError, match="seed is -1"):
        make_world(-1)
    with pytest.raises(UnknownNameError, match="unknown motion 'fly'"):
        WorldSettings(motions=("fly",))
    with pytest.raises(OptionError, match="num_actors"):
        WorldSettings(num_actors=(1, len(COLORS) + 1))
    with pytest.raises(OptionError, match="rest_seconds"):
        WorldSettings(rest_seconds=(1.0, 0.5))
    with pytest.raises(OptionError, match="at least 16"):
        WorldSettings(width=4)
    with pytest.raises(ShapeError, match="cutouts"):
        WorldSettings(cutouts={"leaf": np.zeros((4, 4, 3), np.uint8)})
    world = make_world(0)
    with pytest.raises(OptionError, match="frames 0 to 15"):
        world.render([16])
    with pytest.raises(OptionError, match="nothing flows over a cut"):
        world.flow(15)
