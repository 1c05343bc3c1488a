"""From a folder of examples to a tested model, in one call: what `muybridge train` does.

data ──read, group, split──► train, test ──look at each video──► fit the head, or train ──► test ──► FOLDER/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from muybridge.actions.classifier import load_classifier_model
from muybridge.errors import DatasetError, OptionError
from muybridge.models.weights import weights_of
from muybridge.printable import printable
from muybridge.training.annotations import read_videos
from muybridge.training.check import check_videos
from muybridge.training.clip_cache import ClipCache
from muybridge.training.evaluation import Evaluation, evaluate
from muybridge.training.few_shot import learn_from_few
from muybridge.training.fine_tuning import fine_tune, model_for
from muybridge.training.processes import is_main_process, num_processes
from muybridge.training.run_files import RunFiles
from muybridge.training.seeds import check_seed
from muybridge.training.settings import TrainingSettings
from muybridge.training.splits import check_leak, group_by_name, split_by_group
from muybridge.training.videos import VideoList, check_classes, few

__all__ = ["Taught", "is_held_back", "read_examples", "teach"]

Progress = Callable[[float, float], None]


@dataclass(frozen=True, slots=True)
class Taught:
    """A model that was taught from examples.

    Args:
        path: the model; `classify`, `evaluate` and `train --from` take it by this path.
        train: what it was taught from.
        evaluation: how it does on the test set; None without one, and in all processes of a training but the main one.
        details: of the fit or the training.
    """

    path: Path
    train: VideoList
    evaluation: Evaluation | None
    details: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "path": str(self.path),
            "train": self.train.to_dict(),
            "test": self.evaluation.summary() if self.evaluation is not None else None,
            "details": dict(self.details),
        }

    def text(self) -> str:
        """What a person wants to know of it."""
        labels = self.train.labels
        lines = [f"taught {len(labels)} classes from {len(self.train)} videos: {self.path}"]
        lines.append(f"the classes: {printable(few(labels, 12))}")
        if self.evaluation is not None:
            value, low, high = self.evaluation.summary()["top1"]
            number = len(self.evaluation.items)
            lines.append(
                f"right on {value:.1%} of {number} test videos (95% interval {low:.1%} to {high:.1%})"
            )
        elif "expected_top1" in self.details:
            lines.append(self._expected())
        else:
            lines.append("not tested: give --test or --test-share to learn what it is worth")
        lines.append(f"try it: muybridge classify VIDEO --model {self.path}")
        return "\n".join(lines)

    def _expected(self) -> str:
        """What was found by leaving videos out in turn, and of which classes none could be."""
        details, alone = self.details, few(self.details["not_scored"])
        if details["expected_top1"] is None:
            return (
                f"not tested: {alone} came from one person, source or file each, so that no video could be left out in"
                " turn; add videos of others, or give --test, to learn what it is worth"
            )
        which = f"{details['num_scored']} of the videos" if alone else "the videos"
        line = f"right on {details['expected_top1']:.1%} of {which} when each was left out in turn"
        return f"{line}; not scored, for want of a second person, source or file: {alone}" if alone else line


def read_examples(
    data: str | Path,
    *,
    folder: str | Path | None = None,
    test: str | Path | None = None,
    test_share: float = 0.0,
    group_pattern: str | None = None,
    seed: int = 0,
) -> tuple[VideoList, VideoList | None]:
    """Read the training set, and the test set where there is one.

    Args:
        data: a folder of class folders, or an annotation file; its own split is kept: parts that are called train…,
            and what is in no part, are learned from, and those that are called val… or test… are held back. Where all
            is of one part, nothing is split.
        folder: where the videos of the annotation files lie.
        test: the test set; None for the data's own, or for a part of it. What the data's own split holds back is not
            learned from either way.
        test_share: the part of the data to keep for the test, where the data has no split of its own.
        group_pattern: as in `group_by_name`; whole groups are kept for the test.
        seed: which groups.

    Raises:
        OptionError: a share outside what is allowed, a share of data that has a split of its own, or a folder of videos
            without an annotation file.
        DatasetError: a part of the data's own split of which nobody knows whether it is held back, none to learn from,
            or as in `read_videos`, `split_by_group` and `check_classes`.

    Warns:
        DatasetWarning: files are missing, or training and test share a group.
    """
    lists = [source for source in (data, test) if source is not None and not _is_folder(source)]

    def read(source: str | Path) -> VideoList:
        # A folder needs no other folder for its videos, but one that serves no list at all is refused there.
        found = read_videos(source, folder=None if lists and source not in lists else folder)
        return found if group_pattern is None else group_by_name(found, group_pattern)

    whole = read(data)
    videos, tested = _own_split(whole, data)
    if tested is not None and test_share != 0:
        raise OptionError(
            f"{data} has a split of its own ({', '.join(whole.subsets)}), which a test share would override; leave"
            " --test-share out to keep it, or give the data without it"
        )
    if test is not None:
        tested = read(test)
    elif test_share != 0:
        videos, tested = split_by_group(videos, test_share=test_share, seed=seed)
    if tested is not None:
        check_classes(videos, tested)
        check_leak(videos, tested)
    return videos, tested


def _is_folder(source: str | Path) -> bool:
    return Path(source).expanduser().is_dir()


def is_held_back(part: str) -> bool:
    """Whether a part of a data set's own split is not learned from, by its name.

    >>> is_held_back("validation"), is_held_back("train"), is_held_back("")
    (True, False, False)
    """
    return part.startswith(("val", "test"))


def _own_split(videos: VideoList, source: str | Path) -> tuple[VideoList, VideoList | None]:
    """What is learned from and what is held back, by the data's own split; None where that splits nothing."""
    parts = sorted({item.subset for item in videos})
    if len(parts) == 1:
        return videos, None
    held = [name for name in parts if is_held_back(name)]
    # What belongs to no part is learned from, as it is where no part is named at all.
    learned = [name for name in parts if not name or name.startswith("train")]
    unclear = [name for name in parts if name not in held and name not in learned]
    if unclear:
        raise DatasetError(
            f"{source} has a split of its own with {few(unclear)}, which may be to learn from or to test on; call each"
            " part train, val or test, or leave out what is neither"
        )
    if not learned:
        raise DatasetError(
            f"{source} holds all of its videos back ({', '.join(parts)}); call a part train, or give what to learn from"
            " as --data and the rest as --test"
        )
    rest = videos.with_items(item for item in videos if item.subset in learned)
    return rest, videos.subset(*held) if held else None


def teach(
    train: VideoList,
    output_folder: str | Path,
    *,
    test: VideoList | None = None,
    start_from: str | Path | None = None,
    model: str | None = None,
    settings: TrainingSettings | None = None,
    mirror: Mapping[str, str] | None = None,
    cache: ClipCache | None = None,
    seed: int = 0,
    resume: bool = False,
    quiet: bool = False,
    on_progress: Progress | None = None,
) -> Taught:
    """Teach a model the classes of a training set, and test it.

    Where several processes share a training, all call this; the main one alone tests, and writes the evaluation.

    Args:
        train: the training set.
        output_folder: gets `model.safetensors`, the log of a training, and the evaluation.
        test: the test set; None does not test.
        start_from: a trained model, by name or path; `"default"` for the best whose weights are at hand.
        model: or a model to train from nothing.
        settings: how to train all layers; None fits the last layer of `start_from` only.
        mirror: class → class in the mirror, for what names do not tell.
        cache: where decoded videos are kept; None for the package's cache folder.
        seed: of the fit of the last layer, as in `check_seed`; a training has its own in the settings.
        resume: go on with the training that the folder holds.
        quiet: no progress bar of the training.
        on_progress: called with how many videos are read and how many there are.

    Raises:
        OptionError: neither or both of `start_from` and `model`, a folder that holds a run which is not resumed,
            `resume` or several processes without settings, or a seed that is none.
        OutputError: the folder cannot be written to; nothing has been decoded then.
        MuybridgeError: as in `learn_from_few`, `fine_tune`, `check_videos` and `evaluate`.

    Warns:
        DatasetWarning: videos that cannot be read are left out, and named.
    """
    if (start_from is None) == (model is None):
        raise OptionError(
            "say either --from, a trained model to start from, or --model, one to train from nothing"
        )
    if settings is None and model is not None:
        raise OptionError("a model that starts from nothing must be trained: say for how many --epochs")
    if settings is None and resume:
        raise OptionError("only a training can be resumed: say for how many --epochs")
    if settings is None and num_processes() > 1:
        raise OptionError(
            f"{num_processes()} processes cannot share the fit of a last layer; start it without torchrun or accelerate"
            " launch, or say for how many --epochs all layers are trained"
        )
    check_seed(seed)
    folder = Path(output_folder).expanduser()
    RunFiles(folder).check(resume=resume)
    cache = cache or ClipCache()
    base = None if start_from == "default" else start_from
    name, weights, record = (
        _base(base, train) if model is None else (model, None, model_for(model, train.labels)[1])
    )
    train = check_videos(train, record, cache=cache, shared=True, on_progress=on_progress).videos
    if test is not None:
        test = check_videos(test, record, cache=cache, shared=True, on_progress=on_progress).videos
    if settings is None:
        taught = learn_from_few(
            train,
            folder / "model.safetensors",
            model=base,
            mirror=mirror,
            cache=cache,
            seed=seed,
            on_progress=on_progress,
        )
        network, path, details = taught.model, taught.path, taught.to_dict()
    else:
        trained = fine_tune(
            train,
            folder,
            model=name,
            weights=weights,
            validation=test,
            settings=settings,
            record=record,
            mirror=mirror,
            cache=cache,
            resume=resume,
            quiet=quiet,
        )
        network, path, details = trained.model, trained.path, trained.to_dict()
    evaluation = None
    # The others end here and do not wait, for waiting longer than some minutes is an error to torch.
    if test is not None and is_main_process():
        evaluation = evaluate(network, test, cache=cache)
        evaluation.save(folder)
    return Taught(path, train, evaluation, details)


def _base(base: str | Path | None, train: VideoList) -> tuple[str, Any, Any]:
    """(name, weights, record) of the model that is started from."""
    name, network = load_classifier_model(base)
    record = weights_of(network)
    if record is None:
        raise DatasetError(f"{base} carries no record of its clips; save it with save_checkpoint")
    path = Path(base).expanduser() if base is not None else None
    weights: Any = path if path is not None and (path.is_file() or path.is_dir()) else record
    # As both ways of teaching read the clips; else the check would decode and keep what nobody reads.
    return name, weights, record.for_whole_pictures()
