"""The case to judge, a scan with a model, and the evidence that it yields."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference
from tomodenoise.evaluation import section_groups
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.evaluation.evidence import Evidence, Pair
from tomodenoise.evaluation.held_out_slices import Slices, fewer
from tomodenoise.evaluation.section_groups import Comparison, Groups, Members
from tomodenoise.evaluation.truth import Truth
from tomodenoise.networks.models import Model
from tomodenoise.planning import resources
from tomodenoise.splitting.model import Role
from tomodenoise.storage.sections import Sections


@dataclass(frozen=True)
class Case:
    """A scan, the model that denoises it, and the settings of its evaluation."""

    scan: Sections
    model: Model
    slices: Slices
    acquisition: Acquisition
    mode: str = "full"
    """Input of the product, see `inference.denoise`."""
    ensemble: int = 1
    window: tuple[int, int] = (0, 0)
    """Time steps [start, stop) that the model was trained on; empty if it was trained on other scans."""
    truth: Truth | None = None

    @property
    def axis(self) -> str:
        """The axis along which a scan of several channels or time steps is judged as well."""
        return "step" if self.scan.split.times > 1 else "channel"

    @property
    def by_time(self) -> bool:
        """Whether whole time steps predict each other."""
        return self.scan.split.times > 1 and self.scan.split.per_step == 1

    @property
    def distance(self) -> int:
        """Steps from a judged step to the nearest ones before and after that the network does not see."""
        return self.model.spec.steps // 2 + 1

    @property
    def steps(self) -> range:
        """Time steps that can be judged."""
        ends = self.distance if self.by_time else 0
        return range(ends, self.scan.split.times - ends)

    @property
    def middle(self) -> int:
        """The time step to judge with all figures: the middle one of training, else an early one."""
        return int(np.clip(sum(self.window) // 2, self.steps[0], self.steps[-1]))

    def part(self, step: int) -> tuple[Sections, Groups]:
        """Return the sections that judge a time step, and their roles."""
        if self.by_time:
            return self.scan.neighbours(step, self.distance), section_groups.of_steps(self.distance)
        scan = self.scan.at(step)
        return scan, section_groups.choose(scan)

    def basis(self, groups: Groups) -> str:
        """State what was judged, what the network was given, and what its result was compared with."""
        if self.by_time:
            return (
                f"Time step {self.middle} is judged: the network was given this step; its result is compared with the"
                " steps before and after, which it has not seen."
            )
        given, targets = (
            f"section{'s' if len(side) > 1 else ''} {' + '.join(str(number + 1) for number in side)}"
            for side in (groups.given, groups.targets)
        )
        text = f"the network was given {given}; its result is compared with {targets}, which it has not seen."
        if self.scan.split.times > 1:
            return f"Time step {self.middle} is judged: {text}"
        return f"The mean of all channels is judged: {text}" if self.scan.channels > 1 else text.capitalize()


def refusal(scan: Sections, seen: int) -> str | None:
    """Return why a scan cannot be judged at all with networks that see up to ``seen`` time steps, or None."""
    times, needed = scan.split.times, seen + 2
    if times == 1 or scan.split.per_step > 1 or times >= needed:
        return None
    return f"a step is judged by those before and after it, which takes {needed} time steps, and the scan has {times}"


def collect(case: Case, step: int, *, pairs: bool = True) -> Evidence:
    """Apply the model to parts of the data of one time step; a static scan has only step 0.

    Parameters
    ----------
    pairs : whether to test for noise shared between sections, which takes up to four more passes of the network.

    Notes
    -----
    Where whole steps predict each other, the reconstructions a and b of steps before and after are the sections that
    the model did not see. A steady change leaves their mean, but not their difference, equal to the step between them.
    """
    scan, groups = case.part(step)
    predicted, denoised = results(case, step)
    evidence = Evidence(
        scan,
        groups,
        case.acquisition,
        case.slices.mask,
        np.concatenate([scan.read(*run) for run in case.slices.runs], axis=2),
        predicted,
        _predict(case, scan, groups.targets),
        denoised,
        truth=None if case.truth is None else case.truth(step, case.slices.runs),
    )
    if not pairs:
        return evidence
    mean = evidence.select()
    neighbours = tuple(_errors(case, mean, comparison) for comparison in groups.neighbours)
    apart = tuple(_errors(case, mean, comparison) for comparison in groups.apart)
    return replace(evidence, neighbours=neighbours, apart=apart)


def _errors(case: Case, mean: Evidence, compared: Comparison) -> Pair:
    """Return the differences of two groups of sections from the model's result for the others."""
    given, first, second = compared
    predicted = _predict(case, mean.scan, given).mean(axis=0)
    return mean.mixed(first) - predicted, mean.mixed(second) - predicted


def results(case: Case, step: int) -> Pair:
    """Denoise the judged slices of a time step: from the given sections only, and from all data as for the product.

    Returns
    -------
    Two images (channel, z, y, x); where whole steps predict each other they are the same one.
    """
    if case.by_time:
        image = _denoise(case, case.scan, "full", step)
        return image, image
    scan, groups = case.part(step)
    return _predict(case, scan, groups.given), _denoise(case, scan, case.mode)


def series(case: Case, evidence: Evidence) -> Iterator[tuple[int, Evidence]]:
    """Yield each channel or each time step that can be judged; nothing for a static scan of one channel.

    Parameters
    ----------
    evidence : of the whole case, with an axis of channels.
    """
    times = case.scan.split.times
    if times > 1:
        smaller = replace(case, slices=fewer(case.slices, resources.judged(case.scan.size, times)))
        yield from ((step, collect(smaller, step, pairs=False).select()) for step in case.steps)
    elif case.scan.channels > 1:
        yield from ((channel, evidence.select(channel)) for channel in range(case.scan.channels))


def _predict(case: Case, scan: Sections, members: Members) -> FloatArray:
    """Denoise the mean of some sections."""
    return _denoise(case, replace(scan, split=replace(scan.split, roles=(Role(members, members),))), "section")


def _denoise(case: Case, scan: Sections, mode: str, time: int = 0) -> FloatArray:
    """Denoise the judged slices: (channel, z, y, x)."""
    runs = (
        inference.denoise(case.model, scan, run, time=time, mode=mode, ensemble=case.ensemble)
        for run in case.slices.runs
    )
    return np.stack([after for run in runs for _, after in run], axis=1)
