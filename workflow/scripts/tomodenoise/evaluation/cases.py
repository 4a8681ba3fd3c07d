"""The case to judge, a scan with a model, and the evidence that it yields."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference, spread
from tomodenoise.evaluation import section_groups
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.evaluation.evidence import Evidence, Pair
from tomodenoise.evaluation.held_out_slices import Slices, fewer
from tomodenoise.evaluation.section_groups import Comparison, Groups, Members
from tomodenoise.evaluation.truth import Truth
from tomodenoise.networks.models import Model
from tomodenoise.planning import resources
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
    pairs : whether to test for noise shared between sections, and for the best input, which takes up to six more
        passes of the network.

    Notes
    -----
    Where whole steps predict each other, the reconstructions a and b of steps before and after are the sections that
    the model did not see. A steady change leaves their mean, but not their difference, equal to the step between them.
    """
    scan, groups = case.part(step)
    predicted, denoised = results(case, step)
    opposite = _predict(case, scan, groups.targets)
    evidence = Evidence(
        scan,
        groups,
        case.acquisition,
        case.slices.mask,
        np.concatenate([scan.read(*run) for run in case.slices.runs], axis=2),
        predicted,
        opposite,
        denoised,
        truth=None if case.truth is None else case.truth(step, case.slices.runs),
    )
    if not pairs:
        return evidence
    mean = evidence.select()
    known = {groups.given: mean.predicted, groups.targets: mean.opposite}

    def predict(members: Members) -> FloatArray:
        if members not in known:
            known[members] = _predict(case, scan, members).mean(axis=0)
        return known[members]

    def differences(compared: Comparison) -> Pair:
        members, first, second = compared
        return mean.mixed(first) - predict(members), mean.mixed(second) - predict(members)

    neighbours = tuple(map(differences, groups.neighbours))
    apart = tuple(map(differences, groups.apart))
    return replace(evidence, neighbours=neighbours, apart=apart, inputs=_inputs(mean, groups, predict))


def _inputs(mean: Evidence, groups: Groups, predict: Callable[[Members], FloatArray]) -> Pair | None:
    """Return the differences of the results for all sections but the last, together and in parts, from the last."""
    if not groups.inputs:
        return None
    together, *parts = groups.inputs
    unseen = mean.mixed(groups.whole[-1:])
    return predict(together) - unseen, np.mean([predict(part) for part in parts], axis=0) - unseen


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
    return _denoise(case, spread.given(scan, members), "section")


def _denoise(case: Case, scan: Sections, mode: str, time: int = 0) -> FloatArray:
    """Denoise the judged slices: (channel, z, y, x)."""
    runs = [
        inference.volume(case.model, scan, run, time=time, mode=mode, ensemble=case.ensemble)
        for run in case.slices.runs
    ]
    return np.concatenate(runs, axis=1)
