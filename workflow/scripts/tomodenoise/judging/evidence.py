"""The images that a model is judged by: what it makes of some sections, and other sections that it did not see."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tomodenoise import inference, splitting, volumes
from tomodenoise.arrays import BoolArray, FloatArray
from tomodenoise.errors import UserError
from tomodenoise.judging.parts import Members, Parts, parts
from tomodenoise.judging.slices import Slices
from tomodenoise.models import Model
from tomodenoise.sections import Sections, mix
from tomodenoise.splitting import Split


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
    """Apply a model to parts of the data of some slices of a scan of one channel.

    Parameters
    ----------
    mode, ensemble : of the product, as `inference.denoise`.
    truth : (z, y, x) of the whole scan.
    """
    chosen = parts(scan)
    stored = np.concatenate([scan.read(*run)[:, 0] for run in slices.runs], axis=1)

    def raw(members: Members) -> FloatArray:
        return mix(stored, scan.mixing(members))

    def denoised(members: Members) -> FloatArray:
        return denoise_part(scan, model, slices, members, ensemble)

    full, product = denoise(scan, model, slices, mode, ensemble)

    def errors(given: Members, first: Members, second: Members) -> tuple[FloatArray, FloatArray]:
        found = denoised(given)
        return raw(first) - found, raw(second) - found

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
        neighbours=tuple(errors(*each) for each in chosen.neighbours),
        apart=tuple(errors(*each) for each in chosen.apart),
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


def denoise(scan: Sections, model: Model, slices: Slices, mode: str, ensemble: int) -> tuple[FloatArray, FloatArray]:
    """Denoise runs of slices as the product is: before and after, (z, y, x) each."""
    pairs = [pair for run in slices.runs for pair in inference.denoise(model, scan, run, mode=mode, ensemble=ensemble)]
    before, after = zip(*pairs, strict=True)
    return np.concatenate(before), np.concatenate(after)


def denoise_part(scan: Sections, model: Model, slices: Slices, members: Members, ensemble: int) -> FloatArray:
    """Denoise runs of slices that are made of some sections only: (z, y, x)."""
    lent = replace(scan, split=replace(scan.split, roles=(splitting.Role(members, members),)))
    return denoise(lent, model, slices, "section", ensemble)[1]
