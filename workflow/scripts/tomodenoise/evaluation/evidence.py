"""The images that a model is judged by: what it makes of some sections, and other sections that it did not see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.denoising import inference
from tomodenoise.evaluation.held_out_slices import Slices
from tomodenoise.evaluation.section_groups import Members, Parts, parts
from tomodenoise.metrics import residuals, structure
from tomodenoise.networks.models import Model
from tomodenoise.splitting.model import Role, Split
from tomodenoise.storage.sections import Sections, mix


@dataclass(frozen=True)
class Setting:
    """What of the acquisition counts for a judgement."""

    flats: int | None
    """Flats whose mean all sections share; None where each has its own, or where there are none."""
    window: str
    """On the ramp filter."""
    filtered: bool
    """Whether reconstruction is a filtered backprojection."""
    fewest_photons: float | None = None
    """That a pixel saw behind the sample; None where the file holds no counts."""
    low_photons: float | None = None
    """The 0.1 % quantile of the same."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Images of the judged slices, (z, y, x) float32, attenuation per pixel."""

    parts: Parts
    split: Split
    setting: Setting
    mask: BoolArray
    """(y, x)"""
    given: FloatArray
    """x_A, what the model is given."""
    found: FloatArray
    """f, what it makes of that."""
    targets: FloatArray
    """x_B, the rest of the data."""
    opposite: FloatArray
    """What it makes of x_B."""
    raw: FloatArray
    """All data."""
    denoised: FloatArray
    """What it makes of all data: the product."""
    twins: tuple[FloatArray, FloatArray] | None
    """a and b."""
    neighbours: tuple[tuple[FloatArray, FloatArray], ...]
    """a - f and b - f of sections that are neighbours in time."""
    apart: tuple[tuple[FloatArray, FloatArray], ...]
    """The same of sections that are none."""
    truth: FloatArray | None
    share: float = 1.0
    """Of the data, that of `raw`."""
    told: str = ""
    """What the model was given and compared with, where that is no sections of a scan of one channel."""
    without: Mapping[str, str] = field(default_factory=dict)
    """Figures that it cannot support, and why."""

    @property
    def noise(self) -> FloatArray:
        """Noise as strong as that of `raw`, from two parts of the data."""
        alike = residuals.half_difference(self.given, self.targets, self.shares)
        return np.asarray(alike * np.sqrt(sum(self.shares) / self.share), dtype=np.float32)

    @property
    def scale(self) -> float:
        """Range of grey values, R of the PSNR: that of the truth, else from the 0.5 % to the 99.5 % quantile."""
        if self.truth is not None:
            return float(np.ptp(self.truth[:, self.mask])) or 1.0
        low, high = np.quantile(self.denoised[:, self.mask], [0.005, 0.995])
        return float(high - low) or 1.0

    @property
    def finite(self) -> "Evidence":
        """The slices in which every image holds numbers everywhere; itself where all do."""
        names = [
            "given",
            "found",
            "targets",
            "opposite",
            "raw",
            "denoised",
            *(["truth"] if self.truth is not None else []),
        ]
        single = {name: getattr(self, name) for name in names}
        paired = {"neighbours": self.neighbours, "apart": self.apart, "twins": (self.twins,) if self.twins else ()}
        images = [*single.values(), *(image for pairs in paired.values() for pair in pairs for image in pair)]
        kept = np.all([np.isfinite(image).all(axis=(1, 2)) for image in images], axis=0)
        if kept.all():
            return self
        some: dict[str, Any] = {name: image[kept] for name, image in single.items()}
        some |= {name: tuple((a[kept], b[kept]) for a, b in pairs) for name, pairs in paired.items()}
        return replace(self, **some | {"twins": some["twins"][0] if self.twins else None})

    @cached_property
    def agreement(self) -> structure.Agreement:
        """What x_A and x_B have in common."""
        return structure.agreement(self.given, self.targets, self.mask)

    @property
    def shares(self) -> tuple[float, float]:
        """Of the data in x_A and in x_B."""
        each = [section.share for section in self.split.sections]
        given, targets = (sum(each[i] for i in part) for part in (self.parts.given, self.parts.targets))
        return given, targets


@dataclass(frozen=True, eq=False)
class Applied:
    """What a model makes of parts of the data of some slices, (channel, z, y, x) each."""

    scan: Sections
    parts: Parts
    stored: FloatArray
    """(S, channel, z, y, x)"""
    found: FloatArray
    opposite: FloatArray
    denoised: FloatArray
    neighbours: tuple[tuple[FloatArray, FloatArray], ...]
    """Of the mean of the channels, (z, y, x); as `Evidence` has them."""
    apart: tuple[tuple[FloatArray, FloatArray], ...]


def apply(
    scan: Sections, model: Model, slices: Slices, *, mode: str = "full", ensemble: int = 1, pairs: bool = True
) -> Applied:
    """Apply a model to parts of the data of some slices.

    Parameters
    ----------
    mode, ensemble : of the product, as `inference.denoise`.
    pairs : whether to look for noise that sections share, which takes up to four passes more.
    """
    chosen = parts(scan)
    stored = read(scan, slices)

    def errors(given: Members, first: Members, second: Members) -> tuple[FloatArray, FloatArray]:
        found = denoise_part(scan, model, slices, given, ensemble).mean(axis=0)
        raw = stored.mean(axis=1)
        return mix(raw, scan.mixing(first)) - found, mix(raw, scan.mixing(second)) - found

    return Applied(
        scan,
        chosen,
        stored,
        found=denoise_part(scan, model, slices, chosen.given, ensemble),
        opposite=denoise_part(scan, model, slices, chosen.targets, ensemble),
        denoised=denoise(scan, model, slices, mode, ensemble),
        neighbours=tuple(errors(*each) for each in chosen.neighbours) if pairs else (),
        apart=tuple(errors(*each) for each in chosen.apart) if pairs else (),
    )


def view(
    applied: Applied, slices: Slices, setting: Setting, channel: int | None = None, truth: FloatArray | None = None
) -> Evidence:
    """Look at one channel of what a model was applied to, or at the mean of all, whose noise is independent as well.

    Parameters
    ----------
    truth : (channel, z, y, x) of the slices.
    """

    def seen(image: FloatArray) -> FloatArray:
        return np.asarray(image.mean(axis=-4) if channel is None else image[..., channel, :, :, :])

    stored, chosen = seen(applied.stored), applied.parts

    def raw(members: Members) -> FloatArray:
        return mix(stored, applied.scan.mixing(members))

    return Evidence(
        parts=chosen,
        split=applied.scan.split,
        setting=setting,
        mask=slices.mask,
        given=raw(chosen.given),
        found=seen(applied.found),
        targets=raw(chosen.targets),
        opposite=seen(applied.opposite),
        raw=mix(stored, applied.scan.shares),
        denoised=seen(applied.denoised),
        twins=(raw(chosen.twins[0]), raw(chosen.twins[1])) if chosen.twins else None,
        neighbours=applied.neighbours if channel is None else (),
        apart=applied.apart if channel is None else (),
        truth=None if truth is None else seen(truth),
    )


def collect(
    scan: Sections,
    model: Model,
    slices: Slices,
    setting: Setting,
    *,
    mode: str = "full",
    ensemble: int = 1,
    truth: FloatArray | None = None,
) -> Evidence:
    """Apply a model to parts of the data of some slices of a static scan: `apply` and `view`, of the mean channel."""
    return view(apply(scan, model, slices, mode=mode, ensemble=ensemble), slices, setting, truth=truth)


def read(scan: Sections, slices: Slices) -> FloatArray:
    """Read what is stored of runs of slices: (S, channel, z, y, x)."""
    return np.concatenate([scan.read(*run) for run in slices.runs], axis=2)


def denoise(scan: Sections, model: Model, slices: Slices, mode: str, ensemble: int, *, time: int = 0) -> FloatArray:
    """Denoise runs of slices of a time step as the product is: (channel, z, y, x)."""
    each = (inference.denoise(model, scan, run, time=time, mode=mode, ensemble=ensemble) for run in slices.runs)
    pairs = (pair for run in each for pair in run)
    return np.stack([after for _, after in pairs], axis=1)


def denoise_part(scan: Sections, model: Model, slices: Slices, members: Members, ensemble: int) -> FloatArray:
    """Denoise runs of slices that are made of some sections only: (channel, z, y, x)."""
    lent = replace(scan, split=replace(scan.split, roles=(Role(members, members),)))
    return denoise(lent, model, slices, "section", ensemble)
