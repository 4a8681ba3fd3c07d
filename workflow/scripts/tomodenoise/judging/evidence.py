"""The images that a model is judged by: what it makes of some sections, and other sections that it did not see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tomodenoise import inference, splitting, volumes
from tomodenoise.arrays import BoolArray, FloatArray
from tomodenoise.errors import UserError
from tomodenoise.judging.slices import Slices
from tomodenoise.models import Model
from tomodenoise.sections import Sections, mix
from tomodenoise.splitting import Split

Members = tuple[int, ...]


@dataclass(frozen=True)
class Parts:
    """Sections that the model is given, and others to compare the result with."""

    given: Members
    targets: Members
    """All others."""
    twins: tuple[Members, Members] | None
    """Two parts of the targets."""
    neighbours: tuple[tuple[Members, Members, Members], ...]
    """Sections to be given, and two of the others whose views are neighbours."""


@dataclass(frozen=True)
class Setting:
    """What of the acquisition counts for a judgement."""

    flats: int | None
    """Flats whose mean all sections share; None where each has its own, or where there are none."""
    window: str
    """On the ramp filter."""
    filtered: bool
    """Whether reconstruction is a filtered backprojection."""


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
    """a - f and b - f of neighbouring sections."""
    truth: FloatArray | None

    @property
    def scale(self) -> float:
        """Range of grey values, R of the PSNR: that of the truth, else from the 0.5 % to the 99.5 % quantile."""
        if self.truth is not None:
            return float(np.ptp(self.truth[:, self.mask]))
        low, high = np.quantile(self.denoised[:, self.mask], [0.005, 0.995])
        return float(high - low) or 1.0

    @property
    def shares(self) -> tuple[float, float]:
        """Of the data in x_A and in x_B."""
        each = [section.share for section in self.split.sections]
        given, targets = (sum(each[i] for i in part) for part in (self.parts.given, self.parts.targets))
        return given, targets


def parts(scan: Sections) -> Parts:
    """Choose what to give the model.

    Every other section where there are three at least and their reconstructions add up, so that two disjoint parts are
    left that see the whole circle evenly; else the first role of the training, which leaves one part.
    """
    count = len(scan.split.sections)
    if not scan.additive or count == 2:
        role = scan.split.roles[0]
        return Parts(role.inputs, role.targets, None, ())
    even, odd = tuple(range(0, count, 2)), tuple(range(1, count, 2))
    given, targets = (odd, even) if count == 3 else (even, odd)
    near = [(first, first + 1) for first in range(0, count - 1, 2)]
    neighbours = tuple((tuple(i for i in range(count) if i not in pair), pair[:1], pair[1:]) for pair in near)
    return Parts(given, targets, (targets[::2], targets[1::2]), neighbours)


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
    """Apply a model to parts of the data of some slices.

    Parameters
    ----------
    mode, ensemble : of the product, as `inference.denoise`.
    truth : (z, y, x) of the whole scan.
    """
    chosen = parts(scan)
    stored = np.concatenate([scan.read(*run) for run in slices.runs], axis=1)

    def raw(members: Members) -> FloatArray:
        return mix(stored, scan.mixing(members))

    def denoised(members: Members) -> FloatArray:
        role = splitting.Role(members, members)
        lent = replace(scan, split=replace(scan.split, roles=(role,)))
        return _denoise(model, lent, slices, "section", ensemble)[1]

    full, product = _denoise(model, scan, slices, mode, ensemble)
    errors = []
    for given, *pair in chosen.neighbours:
        found = denoised(given)
        errors.append((raw(pair[0]) - found, raw(pair[1]) - found))
    return Evidence(
        parts=chosen,
        split=scan.split,
        setting=setting,
        mask=slices.mask,
        given=raw(chosen.given),
        found=denoised(chosen.given),
        targets=raw(chosen.targets),
        opposite=denoised(chosen.targets),
        raw=full,
        denoised=product,
        twins=(raw(chosen.twins[0]), raw(chosen.twins[1])) if chosen.twins else None,
        neighbours=tuple(errors),
        truth=None if truth is None else np.asarray(truth[slices.rows], dtype=np.float32),
    )


def read_truth(file: Path, scan: Sections, rows: tuple[int, int]) -> FloatArray:
    """Open a true volume.

    Parameters
    ----------
    file : .npy, or a Zarr array or image (…, z, y, x) whose leading axes have one entry.
    scan : whose reconstruction it is for.
    rows : of the detector that are in use.

    Returns
    -------
    (z, y, x) of the rows in use.

    Raises
    ------
    UserError
        If it cannot be read or has another shape: that of the reconstruction, or of all rows of the detector.
    """
    try:
        volume = np.load(file, mmap_mode="r") if file.suffix == ".npy" else _open_zarr(file)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"truth: {file} cannot be read ({error}): name a .npy file or a Zarr volume") from None
    shape = (scan.depth, scan.size, scan.size)
    if volume.shape[1:] == shape[1:] and volume.shape[0] >= rows[1] and volume.shape[0] != shape[0]:
        volume = volume[rows[0] : rows[1]]
    if volume.shape != shape:
        raise UserError(
            f"truth: {file} has the shape {volume.shape}, but the reconstruction is {shape}: cut it to that"
        )
    return np.asarray(volume)


def _open_zarr(file: Path) -> FloatArray:
    level = file / "0" if (file / "0" / "zarr.json").is_file() else file
    array = volumes.open_array(level)
    return np.asarray(array[(0,) * (array.ndim - 3)])


def _denoise(model: Model, scan: Sections, slices: Slices, mode: str, ensemble: int) -> tuple[FloatArray, FloatArray]:
    """Denoise runs of slices: before and after, (z, y, x)."""
    pairs = [pair for run in slices.runs for pair in inference.denoise(model, scan, run, mode=mode, ensemble=ensemble)]
    before, after = zip(*pairs, strict=True)
    return np.stack(before), np.stack(after)


def union(split: Split, members: Sequence[int]) -> int:
    """Count the projections of some sections."""
    return sum(len(split.sections[number].indices) for number in members)
