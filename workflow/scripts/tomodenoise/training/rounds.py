"""Rounds of training on copies of a model's own output, after the ordinary training; see `reprojection`."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator

from tomodenoise.common import logs
from tomodenoise.common.arrays import FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry import rotation_axis
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.networks import models
from tomodenoise.networks.models import Model
from tomodenoise.scans.description import positions, runs
from tomodenoise.splitting.model import Split, to_json
from tomodenoise.storage import sections, zarr_arrays
from tomodenoise.storage.sections import Sections
from tomodenoise.training import dataset, grading, loop, optimizers, reprojection, schedule
from tomodenoise.training.checkpoints import Checkpoint, Evaluation
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.options import Train
from tomodenoise.training.reprojection import Scanner
from tomodenoise.training.tasks import Task

BLOCKS = 4
"""Blocks of each scan, spread over its height; other ones in each round."""

JUDGED = 4
"""Rows of each scan that a round is judged on."""

FIRST = 2
"""Length of the ordinary training, in rounds [measured against 1]."""

SLOWER = 3
"""Factor by which the learning rate is smaller than that of the ordinary training."""

KEY = "reprojection"
"""Of the facts of a model."""

BLOCK = 8
"""Rows of a shard of copies."""


@dataclass(frozen=True)
class Scene:
    """A scan, the scanner that took it, and its rows: those to judge, and the first ones of blocks to copy."""

    scan: Sections
    scanner: Scanner
    judged: tuple[int, int]
    starts: IntArray
    rows: int
    """Of a block."""


def _scenes(task: Task, model: Model, device: str) -> list[Scene]:
    """Choose rows of each scan of a training. In a thin scan, those that are trained on outside a band are judged."""
    return [
        Scene(scan, Scanner(scan.split.sections, options, device), *rows_of(scan, part))
        for scan, options, part in zip(task.scans, task.reconstruct, model.held_out.values(), strict=True)
    ]


def rows_of(scan: Sections, part: Mapping[str, Any]) -> tuple[tuple[int, int], IntArray, int]:
    """Return the rows to judge, the first row of each possible block of trained rows, and the length of a block."""
    held = positions(part["rows"])
    free = np.arange(scan.depth) if part["band"] else np.setdiff1d(np.arange(scan.depth), held)
    pieces = runs(free)
    length = min(schedule.COPIED, max(stop - start for start, stop in pieces))
    starts = np.concatenate([np.arange(start, stop - length + 1) for start, stop in pieces])
    first, last = runs(held)[len(runs(held)) // 2]
    start = max(first, (first + last - JUDGED) // 2)
    return (start, min(last, start + JUDGED)), starts, length


def train(
    task: Task,
    ranks: Ranks,
    folder: Path,
    first: Callable[[Task], Model],
    say: Callable[[str], None],
    stopping: Callable[[], bool],
) -> Model:
    """Train a model, and then further on copies of its own output, as often as the task asks for, within its budget.

    A round that does not lower the error against the measured data, see `reprojection.error`, is undone and ends them.
    If it is the first one, the ordinary training continues with the rest of the budget.
    Finished rounds are kept in a folder until the end, in case the training is interrupted.

    Parameters
    ----------
    folder : removed in the end.
    first : the ordinary training; continues from its checkpoint if it is asked again with a larger budget.
    say : prints a line.
    stopping : see `loop.train`.
    """
    number_of_rounds = int(task.settings.reproject)
    if not number_of_rounds:
        return first(task)
    part = 1 / (FIRST + number_of_rounds)
    model = _kept(task, ranks, folder, 0, partial(first, _with_share(task, FIRST * part)))
    scenes = _scenes(task, model, ranks.device.type)
    errors = [_error(model, scenes, ranks)]
    kept = 0
    for number in range(1, number_of_rounds + 1):

        def further(model: Model = model, number: int = number) -> Model:
            copied = _task(_with_share(task, part), model, number, scenes, folder, ranks)
            return loop.train(copied, ranks, partial(_tell, say, number), stopping)

        refined = _kept(task, ranks, folder, number, further)
        errors.append(_error(refined, scenes, ranks))
        if ranks.first:
            say(f"copies, round {number}: error {errors[-1]:.6g}, before {errors[-2]:.6g}")
        if not errors[-1] < errors[-2]:  # nor if it is no number
            break
        kept = number
        model = replace(refined, facts=model.facts, held_out=model.held_out)
    if not kept and number_of_rounds > 1:
        model = first(_with_share(task, 1 - part))
    ranks.agreed(0)
    if ranks.first:
        shutil.rmtree(folder, ignore_errors=True)
    # Those of the ordinary training belong to another network, those of a round were measured on copies.
    grades = grading.facts(model.network, dataset.prepare(task, ranks), ranks) if kept else model.facts["grades"]
    return replace(model, facts={**model.facts, "grades": grades, KEY: {"rounds": kept, "errors": errors}})


def _kept(task: Task, ranks: Ranks, folder: Path, number: int, make: Callable[[], Model]) -> Model:
    """Read the model of a round if there is one from before an interruption, else make it."""
    path, identity = folder / f"{number}.safetensors", _identity(task, number)
    model = _read(path, ranks)
    if model and model.facts[KEY] == identity:
        return model
    model = make()
    if ranks.first:
        models.save(replace(model, facts={**model.facts, KEY: identity}), path)
    ranks.agreed(0)
    return model


def _read(path: Path, ranks: Ranks) -> Model | None:
    """Read the model of a round if there is one; a damaged one counts as none, as a damaged checkpoint does."""
    if not path.exists():
        return None
    try:
        return models.load(path, ranks.device)
    except UserError as damage:
        logs.logger.warning("this round is trained again: %s", damage)
        return None


def _tell(say: Callable[[str], None], number: int, history: Sequence[Evaluation], total: int) -> None:
    if history:
        say(f"round {number}: {loop.progress(history, total)}")


def _with_share(task: Task, share: float) -> Task:
    """Give a training a share of its budget; its checkpoint is continued with a larger one."""
    settings = Train.model_validate(schedule.shortened(task.settings.as_json(), share))
    kept = task.checkpoint and replace(task.checkpoint, budget=f"{task.checkpoint.budget} {share:g}")
    return replace(task, settings=settings, checkpoint=kept)


def _identity(task: Task, number: int) -> str:
    return f"{task.checkpoint.identity} {task.checkpoint.budget} {number}" if task.checkpoint else str(number)


def _error(model: Model, scenes: Sequence[Scene], ranks: Ranks) -> float:
    """Return the mean error over the scans, relative to the variance of the slices; the same on all ranks."""
    errors = [reprojection.error(model, scene.scan, scene.scanner, scene.judged) for scene in scenes]
    (mean,) = ranks.agreed(float(np.mean(errors)) / float(np.mean(np.square(model.normalisation.scale))))
    return mean


def _task(task: Task, model: Model, number: int, scenes: Sequence[Scene], folder: Path, ranks: Ranks) -> Task:
    """Make the copies, and the training on them."""
    place = folder / str(number)
    if ranks.first:
        shutil.rmtree(place, ignore_errors=True)
        rng = np.random.default_rng([task.settings.seed, 4, number])
        for numbered, copy in enumerate(_copies(model, scenes, rng)):
            _store(place / f"{numbered:03d}", *copy)
    ranks.agreed(0)
    pixels = task.settings.batch * task.settings.patch**2
    peak = optimizers.learning_rate(model.network, task.settings, task.spec.channels, pixels)
    changed = {"learning_rate": peak / SLOWER, "seed": task.settings.seed + number}
    checkpoint = Checkpoint(folder / f"{number}.pt", _identity(task, number), "")
    copies = [sections.describe(path) for path in sorted(place.iterdir())]
    return replace(
        task,
        scans=copies,
        settings=task.settings.model_copy(update=changed),
        start=model,
        checkpoint=checkpoint,
        windows=(),
    )


def _copies(model: Model, scenes: Sequence[Scene], rng: Generator) -> Iterator[tuple[Split, float, FloatArray]]:
    for scene in scenes:
        blocks = min(BLOCKS, -(-len(scene.starts) // scene.rows))
        chosen = scene.starts[((np.arange(blocks) + rng.random(blocks)) * len(scene.starts) / blocks).astype(int)]
        for start in chosen.tolist():
            rows = (start, start + scene.rows)
            for data in reprojection.copies(scene.scan, scene.scanner, model, rows, rng):
                # Shares mean nothing here: each role has one input and one target.
                part = replace(scene.scan.split.sections[0], share=1 / len(data))
                split = Split(len(data) * (part,), reprojection.roles(scene.scan), 0.0)
                yield split, scene.scan.radius, data


def _store(folder: Path, split: Split, radius: float, data: FloatArray) -> None:
    """Write copies as the sections of a scan with this radius of the field of view."""
    size = data.shape[-1]
    geometry = Geometry(size, min(radius, (size - 1) / 2))
    folder.mkdir(parents=True)
    (folder / "split.json").write_text(json.dumps(to_json(split)))
    (folder / "center.json").write_text(json.dumps(rotation_axis.to_json(geometry)))
    shard = (*data.shape[:2], BLOCK, size, size)
    zarr_arrays.allocate(
        folder / "sections.zarr", data.shape, shard, zarr_arrays.chunk(shard), names=tuple("kczyx"), attributes={}
    )
    for start in range(0, data.shape[2], BLOCK):
        zarr_arrays.write_shard(folder / "sections.zarr", (0, 0, start, 0, 0), data[:, :, start : start + BLOCK])
