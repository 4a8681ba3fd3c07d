"""The images that a model is judged by."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.evaluation.acquisition import Acquisition
from tomodenoise.evaluation.section_groups import Groups, Members
from tomodenoise.metrics import coverage, residuals, structure
from tomodenoise.storage.sections import Sections, mix

Pair = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, eq=False)
class Evidence:
    """Judged slices as measured and as denoised.

    Images are (channel, z, y, x) float32, attenuation per pixel; (z, y, x) once a channel or the mean is selected.
    """

    scan: Sections
    """The stored sections, see `Sections.mixing`; of a dynamic scan those of the judged step, or that step and those
    around it."""
    groups: Groups
    acquisition: Acquisition
    mask: BoolArray
    """(y, x) judged pixels."""
    stored: FloatArray
    """(S, channel, z, y, x) reconstructions that all others are mixed from."""
    predicted: FloatArray
    """f, the model's result for the given sections, x_A."""
    opposite: FloatArray
    """The model's result for the targets, x_B."""
    denoised: FloatArray
    """The model's result for all data: the product."""
    neighbours: tuple[Pair, ...] = ()
    """(z, y, x) a - f and b - f of the mean channel, for sections with consecutive frames."""
    apart: tuple[Pair, ...] = ()
    """The same for sections without consecutive frames."""
    inputs: Pair | None = None
    """(z, y, x) differences of two results from the last section, which neither has seen, for the mean channel: the
    result for all other sections together, and the mean of those for all but one of them."""
    truth: FloatArray | None = None

    @cached_property
    def given(self) -> FloatArray:
        """x_A, the input of the model."""
        return self.mixed(self.groups.given)

    @cached_property
    def targets(self) -> FloatArray:
        """x_B, all other sections."""
        return self.mixed(self.groups.targets)

    @cached_property
    def raw(self) -> FloatArray:
        """Reconstruction of all data."""
        return self.mixed(self.groups.whole)

    @cached_property
    def twins(self) -> Pair | None:
        """Two independent parts a and b of the targets; None if there are too few sections."""
        return self.groups.twins and (self.mixed(self.groups.twins[0]), self.mixed(self.groups.twins[1]))

    def mixed(self, members: Members) -> FloatArray:
        """Return the reconstruction of the union of some sections; a view if it is stored."""
        weights = self.scan.mixing(members)
        used = np.flatnonzero(weights)
        return np.asarray(self.stored[used[0]]) if len(used) == 1 else mix(self.stored, weights)

    def select(self, channel: int | None = None) -> "Evidence":
        """Return the evidence of one channel, or of the mean of all channels, whose noise is also independent."""

        def view(image: FloatArray) -> FloatArray:
            if channel is None and image.shape[-4] > 1:
                return np.asarray(image.mean(axis=-4))
            return np.asarray(image[..., channel or 0, :, :, :])

        chosen = self._each(view)
        return chosen if channel is None else replace(chosen, neighbours=(), apart=(), inputs=None)

    @property
    def finite(self) -> "Evidence":
        """The evidence of the slices in which all images are finite; itself if all slices are."""
        pairs = [*self.neighbours, *self.apart, *filter(None, (self.twins, self.inputs))]
        images = [self.given, self.targets, self.raw, self.predicted, self.opposite, self.denoised]
        images += [image for pair in pairs for image in pair] + ([] if self.truth is None else [self.truth])
        kept = np.all([np.isfinite(image).all(axis=(1, 2)) for image in images], axis=0)
        if kept.all():
            return self
        chosen = self._each(lambda image: image[..., kept, :, :])
        pairs_kept = [tuple((a[kept], b[kept]) for a, b in pairs) for pairs in (self.neighbours, self.apart)]
        inputs = self.inputs and (self.inputs[0][kept], self.inputs[1][kept])
        return replace(chosen, neighbours=pairs_kept[0], apart=pairs_kept[1], inputs=inputs)

    def _each(self, change: Callable[[FloatArray], FloatArray]) -> "Evidence":
        """Apply a function to every image with an axis of channels."""
        return replace(
            self,
            stored=change(self.stored),
            predicted=change(self.predicted),
            opposite=change(self.opposite),
            denoised=change(self.denoised),
            truth=None if self.truth is None else change(self.truth),
        )

    @cached_property
    def noise(self) -> FloatArray:
        """Noise with the strength of that in `raw`, from two parts of the data."""
        noise = residuals.half_difference(self.given, self.targets, self.shares)
        return np.asarray(noise * np.sqrt(sum(self.shares) / self.share(self.groups.whole)), dtype=np.float32)

    @property
    def scale(self) -> float:
        """Range of grey values, R of the PSNR: that of the truth, else from the 0.5 % to the 99.5 % quantile."""
        if self.truth is not None:
            return float(np.ptp(self.truth[:, self.mask])) or 1.0
        low, high = np.quantile(self.denoised[:, self.mask], [0.005, 0.995])
        return float(high - low) or 1.0

    @cached_property
    def agreement(self) -> structure.Agreement:
        """Structure that x_A and x_B have in common."""
        return structure.agreement(self.given, self.targets, self.mask)

    @cached_property
    def coverage(self) -> coverage.Coverage:
        """Angular coverage of the sections."""
        return coverage.cover(self.scan.split, self.stored.shape[-1])

    @property
    def shares(self) -> tuple[float, float]:
        """Shares of the data in x_A and in x_B."""
        return self.share(self.groups.given), self.share(self.groups.targets)

    def share(self, members: Members) -> float:
        """Return the share of the data in some sections."""
        return sum(self.scan.split.sections[number].share for number in members)

    def projections(self, members: Members) -> int:
        """Count the projections of some sections."""
        return sum(len(self.scan.split.sections[number].indices) for number in members)
