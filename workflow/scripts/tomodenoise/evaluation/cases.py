"""What is judged of a scan: one image in all respects, and beside it each channel or time step by what these tell."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.evaluation import evidence
from tomodenoise.evaluation.evidence import Evidence, Setting
from tomodenoise.evaluation.held_out_slices import Slices, fewer
from tomodenoise.evaluation.section_groups import Parts
from tomodenoise.evaluation.truth import Truth
from tomodenoise.networks.models import Model
from tomodenoise.planning import resources
from tomodenoise.storage.sections import Sections, mix

MEAN = (
    "The mean of all channels is judged; the network was given section {} and compared with {}, which it did not see."
)
STEP = "Time step {} is judged; "
ALONE = "the network was given it and compared with the steps before and after, which it did not see."
PARTS = "the network was given sections {} of it and compared with {}, which it did not see."
WHOLE_STEPS = {
    "independence": "each step is a reconstruction of its own, and change from step to step looks like shared noise",
    "coverage": "angles belong to single steps: see them among the facts of the scan",
}


@dataclass(frozen=True)
class Case:
    """A scan, the model that denoises it, and how it is to be judged."""

    scan: Sections
    model: Model
    slices: Slices
    setting: Setting
    mode: str = "full"
    ensemble: int = 1
    window: tuple[int, int] = (0, 0)
    """Time steps that the model was trained on, first and last plus one; empty where it was trained elsewhere."""
    truth: Truth | None = None

    @property
    def by_time(self) -> bool:
        """Whether whole steps predict each other."""
        return self.scan.split.times > 1 and self.scan.split.each == 1

    @property
    def apart(self) -> int:
        """Steps from one that is judged to those that judge it, the nearest that the network does not see."""
        return self.model.spec.steps // 2 + 1

    @property
    def steps(self) -> range:
        """Time steps that can be judged: those with two others beside them where these judge them."""
        ends = self.apart if self.by_time else 0
        return range(ends, self.scan.split.times - ends)


def whole(case: Case, *, pairs: bool = True) -> Evidence:
    """Collect what all figures are made of: the mean of the channels, or the middle of the steps of training."""
    if case.scan.split.times > 1:
        return of_step(case, middle(case), pairs=pairs)
    found = evidence.view(_applied(case, pairs=pairs), case.slices, case.setting, truth=_truth(case, 0))
    if case.scan.channels == 1:
        return found
    return replace(found, told=MEAN.format(_named(found.parts.given), _named(found.parts.targets)))


def each(case: Case) -> Iterator[tuple[int, Evidence]]:
    """Collect what figures along channels or steps are made of, one after the other; nothing where there is one."""
    if case.scan.split.times > 1:
        some = replace(case, slices=fewer(case.slices, resources.judged(case.scan.size, case.scan.split.times)))
        yield from ((step, of_step(some, step, pairs=False)) for step in case.steps)
    elif case.scan.channels > 1:
        applied, truth = _applied(case, pairs=False), _truth(case, 0)
        for channel in range(case.scan.channels):
            yield channel, evidence.view(applied, case.slices, case.setting, channel, truth)


def middle(case: Case) -> int:
    """Choose the time step to be judged in all respects: in the middle of those of training, else an early one."""
    wanted = sum(case.window) // 2
    return int(np.clip(wanted, case.steps[0], case.steps[-1]))


def of_step(case: Case, step: int, *, pairs: bool) -> Evidence:
    """Collect what is known of a time step.

    Notes
    -----
    Where the step is one reconstruction x, those of the steps before and after, a and b, take the place of the
    sections that the model did not see: a change that goes on evenly leaves their mean, but not their difference,
    equal to x.
    """
    if not case.by_time:
        part = replace(case, scan=case.scan.at(step), truth=None)
        found = evidence.view(_applied(part, pairs=pairs), case.slices, case.setting, truth=_truth(case, step))
        told = PARTS.format(_named(found.parts.given), _named(found.parts.targets))
        return replace(found, told=STEP.format(step) + told)
    scan, at, last = case.scan.beside(step, case.apart), case.apart, 2 * case.apart
    three = Parts((at,), (0, last), ((0,), (last,)), (), ())
    stored = evidence.read(scan, case.slices)[:, 0]
    found = evidence.denoise(case.scan, case.model, case.slices, "full", case.ensemble, time=step)[0]
    opposite = evidence.denoise_part(scan, case.model, case.slices, three.targets, case.ensemble)[0]
    truth = _truth(case, step)
    return Evidence(
        parts=three,
        split=scan.split,
        setting=case.setting,
        mask=case.slices.mask,
        given=stored[at],
        found=found,
        targets=mix(stored, scan.mixing(three.targets)),
        opposite=opposite,
        raw=stored[at],
        denoised=found,
        twins=(stored[0], stored[last]),
        neighbours=(),
        apart=(),
        truth=None if truth is None else truth[0],
        share=scan.split.sections[at].share,
        told=STEP.format(step) + ALONE,
        without=WHOLE_STEPS,
    )


def _applied(case: Case, *, pairs: bool) -> evidence.Applied:
    return evidence.apply(case.scan, case.model, case.slices, mode=case.mode, ensemble=case.ensemble, pairs=pairs)


def _truth(case: Case, step: int) -> FloatArray | None:
    return None if case.truth is None else case.truth(step, case.slices.runs)


def _named(sections: tuple[int, ...]) -> str:
    return " + ".join(str(number + 1) for number in sections)
