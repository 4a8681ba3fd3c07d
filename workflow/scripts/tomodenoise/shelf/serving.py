"""A model from a shelf for some scans: found, judged on them, and used, fine-tuned or replaced by a training."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tomodenoise.common.errors import UserError
from tomodenoise.networks import model_file, models
from tomodenoise.networks.models import Model
from tomodenoise.shelf import deciding, finding, likeness
from tomodenoise.shelf.deciding import Decision
from tomodenoise.shelf.finding import Search
from tomodenoise.shelf.options import Shelf
from tomodenoise.training import dataset, grading, optimizers, schedule, tasks
from tomodenoise.training.checkpoints import Evaluation
from tomodenoise.training.distributed import Ranks
from tomodenoise.training.grading import Grades
from tomodenoise.training.options import Train

Report = Callable[[Sequence[Evaluation], int], None]

EMPTY = Search((), ())

GENTLER = 3
"""Factor between the learning rates of a training and of fine-tuning [measured on simulated foams]."""


@dataclass(frozen=True)
class Trainer:
    """How a training runs."""

    ranks: Ranks
    train: Callable[[tasks.Task], Model]
    report: Report
    """See `loop.train`."""
    print: Callable[[str], None]

    def say(self, line: str) -> None:
        """Print a line, once for all processes."""
        if self.ranks.first:
            self.print(line)


@dataclass(frozen=True)
class Request:
    """A training that may start from a shelf, as the workflow asks for it."""

    results: Path
    """Folder of the scans' results."""
    asked: Mapping[str, Any]
    """See `Params.training_request`; `shelf`, if it is there, holds `folder` and `options`."""
    known: Mapping[str, Mapping[str, Any]]
    """See `Params.conditions`."""
    checkpoint: Path

    @property
    def options(self) -> Shelf:
        """Limits for a model that was found."""
        return Shelf.model_validate(self.asked["shelf"]["options"])

    def task(self) -> tasks.Task:
        """Return the training without a shelf."""
        return tasks.collect(self.results, self.asked, self.known, self.checkpoint)

    @property
    def folder(self) -> Path:
        """Folder of the shelf."""
        return Path(self.asked["shelf"]["folder"])

    def place(self, name: str) -> Path:
        """Return the file of a model of the shelf."""
        return self.folder / name / finding.MODEL

    def tuning(self, found: Model, name: str) -> tasks.Task:
        """Return the training that continues from a model: a share of the budget, and smaller steps."""
        train = schedule.shortened(self.asked["config"]["train"], self.options.share)
        train["learning_rate"] = gentle_rate(Train.model_validate(train), found)
        described = model_file.describe(self.place(name))
        started = {
            **self.asked,
            "config": {**self.asked["config"], "train": train},
            "start": str(described.file),
            "origin": model_file.origin(described),
        }
        return replace(tasks.collect(self.results, started, self.known, self.checkpoint), start=found)


def gentle_rate(train: Train, found: Model) -> float:
    """Return the peak learning rate of fine-tuning; at that of a full training, it would make a good model worse."""
    pixels = train.batch * train.patch**found.spec.dimensions
    return optimizers.learning_rate(found.network, train, found.spec.channels, pixels) / GENTLER


def serve(request: Request, trainer: Trainer) -> Model:
    """Return the model for the scans of a request: trained, or with the help of a shelf.

    With a shelf it is a model from there in the grey scale of these scans, as it is or fine-tuned, or one that is
    trained here; `shelf` in its facts says which, and why. For one that is used as it is no evaluations are reported.
    """
    ranks = trainer.ranks
    task = request.task()
    if "shelf" not in request.asked:
        return trainer.train(task)
    data = dataset.prepare(task, ranks)
    measured = grading.measure(data, ranks)
    # Only the first process reads the shelf, which may change at any time: all have to take the same model.
    search = _search(request, likeness.of_scans(request.known, measured.as_json()), task) if ranks.first else EMPTY
    name = ranks.from_first(search.tried[0].name if search.tried else "")
    for line in (*search.lines(), *search.doubts):
        trainer.say(line)
    decision = Decision("trained", "no model of the shelf is suitable")
    model = None
    if name:
        found = replace(models.load(request.place(name), ranks.device), normalisation=data.norm)
        grades = grading.grade(found.network, data, measured, ranks)
        decision = deciding.decide(_own_skill(found), grades, request.options)
        model, decision = _followed(decision, request, name, (found, grades), trainer)
    del data  # a training reads it again
    trainer.say(f"{decision.course}: {decision.why}")
    model = model or trainer.train(task)
    if decision.course == "used" and ranks.first:
        trainer.report([], 0)
    return replace(model, facts={**model.facts, "shelf": _record(search, name, decision)})


def _followed(
    decision: Decision, request: Request, name: str, found: tuple[Model, Grades], trainer: Trainer
) -> tuple[Model | None, Decision]:
    """Fine-tune a model if that was decided; return it, none if one is to be trained, and what became of it."""
    model, grades = found
    if decision.course == "trained":
        return None, decision
    if decision.course == "used":
        return model, decision
    trainer.say(f"to be fine-tuned: {decision.why}")
    tuned = trainer.train(request.tuning(model, name))
    # Both are graded on the same patches.
    if (tuned.facts["grades"]["error"] or math.inf) < grades.error:
        return tuned, decision
    return model, Decision("used", f"{decision.why}; fine-tuning did not lower its error")


def _search(request: Request, here: likeness.Conditions, task: tasks.Task) -> Search:
    """Search the shelf; damaged models are skipped until the most similar one can be read."""
    search = finding.search(request.folder, here, task.spec, request.options.factor)
    while search.tried:
        try:
            models.load(search.tried[0].model.file)
        except (OSError, UserError) as error:
            search = search.without(search.tried[0], f"skipped: {error}")
        else:
            break
    return search


def _own_skill(found: Model) -> float | None:
    """Return the skill of a model on its own scans, decibels, if its file holds that."""
    grades = found.facts.get("grades")
    skill = grades.get("skill") if isinstance(grades, Mapping) else None
    return float(skill) if isinstance(skill, int | float) else None


def _record(search: Search, name: str, decision: Decision) -> dict[str, Any]:
    """Return the outcome as plain values, for the facts of the model."""
    taken = name if decision.course != "trained" else None
    return {
        "course": decision.course,
        "why": decision.why,
        "found": name or None,
        "taken": taken,
        "considered": {candidate.name: candidate.as_json() for candidate in search.candidates},
        "compared": likeness.table(search.tried[0].likeness) if search.tried else [],
        "doubts": list(search.doubts),
    }
