"""From a file to everything that can be said of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path

from muybridge.cores import num_threads
from muybridge.errors import OptionError, UnknownNameError
from muybridge.observer import Finding, Observer
from muybridge.pipeline.cache import FindingsCache
from muybridge.pipeline.lanes import Lanes
from muybridge.pipeline.own_process import spread
from muybridge.pipeline.passes import Pass, pictures_for, shared_cores
from muybridge.values import Timeline
from muybridge.video.ahead import prepared
from muybridge.video.container import DEFAULT_LIMITS, Limits
from muybridge.video.reader import Video, open_video

__all__ = ["analyze", "default_observers"]

SECONDS_BETWEEN_CHECKPOINTS = 10.0
Progress = Callable[[float, float], None]


def default_observers(
    *, without: Iterable[str] = (), actions_model: str | Path | None = None
) -> list[Observer]:
    """The observers that `analyze` sends over a video: the package's own, and those of installed plugins.

    Actions are looked for where a trained model is at hand without a download.

    Args:
        without: names of observers to leave out.
        actions_model: the model that names actions, as in `classify`, such as the path of one's own.

    Returns:
        Observers in the order in which their findings are listed.

    Raises:
        UnknownNameError: `without` names an observer that there is none of.
        OptionError: `actions_model` names a model, and `without` leaves actions out.

    >>> [observer.name for observer in default_observers(without=["text", "actions"])]
    ['scenes', 'motion']
    """
    from muybridge.models.available import available_weights
    from muybridge.motion.readings import MotionObserver
    from muybridge.motion.scenes import ScenesObserver
    from muybridge.text.tracks import TextObserver

    # While a network reads, the other observers and the decoder go on with the other cores.
    text = TextObserver(num_threads=max(1, min(4, num_threads() // 2)))
    observers: list[Observer] = [ScenesObserver(), MotionObserver(), text]
    unwanted = set(without)
    if "actions" in unwanted and actions_model is not None:
        raise OptionError(
            f"the model {str(actions_model)!r} is to name actions, and actions are left out: ask for one of the two"
        )
    if "actions" not in unwanted and (actions_model is not None or available_weights()):
        from muybridge.actions.detector import ActionsObserver

        observers.append(ActionsObserver(actions_model))
    observers += [entry.load()() for entry in sorted(entry_points(group="muybridge.observers"))]
    names = {"actions", *(observer.name for observer in observers)}
    for name in unwanted - names:
        raise UnknownNameError("observer", name, names)
    return [observer for observer in observers if observer.name not in unwanted]


def analyze(
    path: str | Path,
    *,
    output: str | Path | None = None,
    observers: Sequence[Observer] | None = None,
    use_cache: bool = True,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Timeline:
    """Watch a video once and tell what happens in it, when, and what is written on the screen.

    Args:
        path: the video.
        output: a folder for the report, subtitles, tables and keyframes; None writes nothing.
        observers: who watches; None for `default_observers()`.
        use_cache: whether what was found before in the same bytes is taken from the cache, and a run that was
            cut off goes on where it stood.
        limits: the largest picture and the longest video that are accepted.
        progress: called with (seconds done, seconds in all).

    Returns:
        Shots, keyframes, motion, what camera and objects do, actions and text, on one clock.

    Raises:
        VideoError: the video cannot be read.
        OutputError: the report cannot be written; as far as that can be known, before the video is watched.

    Warns:
        DamagedVideoWarning: a stretch could not be decoded; the timeline's `warnings` keep it too.

    >>> timeline = analyze(getfixture("sample_video"))
    >>> [shot.duration_seconds for shot in timeline.of("shot")]
    [2.0]
    """
    watchers = list(observers) if observers is not None else default_observers()
    with open_video(path, limits=limits) as video:
        if output is not None:
            from muybridge.report.folder import check_report_folder

            check_report_folder(output)
        cache = FindingsCache(path) if use_cache else None
        found, warnings = _gather(video, watchers, cache, progress)
        findings = [finding for observer in watchers for finding in found[observer.name]]
        names = [observer.name for observer in watchers]
        timeline = Timeline.of_findings(video.metadata, findings, warnings, names)
    if output is not None:
        from muybridge.report import write_report

        write_report(timeline, output, video_path=path)
    return timeline


def _gather(
    video: Video, observers: list[Observer], cache: FindingsCache | None, progress: Progress | None
) -> tuple[dict[str, list[Finding]], list[str]]:
    found: dict[str, list[Finding]] = {}
    warnings: list[str] = []
    for observer in observers:
        known = cache.load(observer) if cache is not None else None
        if known is not None:
            found[observer.name] = known[0]
            warnings = _joined(warnings, known[1])
    for line in warnings:  # nobody decodes it again, but it is as true as it was
        video.damage.report(line)
    remaining = [observer for observer in observers if observer.name not in found]
    if remaining:
        with shared_cores(), spread(remaining, video.metadata.duration_seconds or 0.0) as watchers:
            run = Pass(watchers, video.metadata)
            new_warnings = _watch(video, run, remaining, cache, progress)
        warnings = _joined(warnings, new_warnings)
        for observer in remaining:
            found[observer.name] = run.findings(observer.name)
            if cache is not None:
                cache.save(observer, found[observer.name], new_warnings)
        if cache is not None:
            cache.forget_pass(remaining)
    return found, warnings


def _watch(
    video: Video,
    run: Pass,
    observers: list[Observer],
    cache: FindingsCache | None,
    progress: Progress | None,
) -> list[str]:
    """Watch to the end, from where a pass of these observers was cut off; what was wrong with the video."""
    earlier: list[str] = []
    saved = cache.load_pass(observers) if cache is not None and run.is_resumable else None
    if saved is not None:
        run.restore(saved["state"], saved["findings"])
        earlier = saved["warnings"]
        for line in earlier:
            video.damage.report(line)
    start, done = video.metadata.start_seconds, run.last_seconds
    checkpoint = time.monotonic()
    # This thread decodes, those of the lanes look.
    pictures = pictures_for(video, observers, start_seconds=done)
    with Lanes(run, num_threads=num_threads()) as lanes:
        for picture in prepared(pictures, [observer.view for observer in observers], last_seconds=done):
            lanes.show(picture)
            if progress is not None:
                progress(run.end_seconds - start, video.metadata.duration_seconds or 0.0)
            if cache is not None and run.is_resumable:
                now = time.monotonic()
                if now - checkpoint >= SECONDS_BETWEEN_CHECKPOINTS:
                    checkpoint = now
                    lanes.settle()
                    state = run.state()
                    findings = {w.observer.name: w.findings for w in run.watchers}
                    cache.save_pass(observers, state, findings, _joined(earlier, video.warnings))
        lanes.settle()
    run.finish()
    return _joined(earlier, video.warnings)


def _joined(earlier: list[str], new: Iterable[str]) -> list[str]:
    """Warnings of several goes at one video, each told once."""
    return [*earlier, *(line for line in new if line not in earlier)]
