"""Random simulated scans with the defects of real ones, whose center of rotation is known.

A foam in a cylinder, 16 rows, projected exactly and counted with Poisson noise. A seed draws everything: half or whole
turn, columns, views, photons, the size of the sample and the place of the axis, and each of the defects below with a
probability of its own. Nothing is corrected but the flat field: what a search for the center meets at its worst.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tomodenoise.common.arrays import FloatArray
from tomodenoise.simulation import detector, phantom, projection

ROWS = 16
STANDING = ("mask", "strip", "wire", "dead columns", "shadow")


@dataclass(frozen=True)
class Plan:
    """A scan to simulate."""

    seed: int
    whole: bool
    """A turn of 360 degrees, else 180."""
    columns: int
    views: int
    photons: float
    """Per pixel in the open beam."""
    center: float
    """Column of the axis in the middle of the height."""
    half_acquisition: bool
    radius: float
    """Of the sample, pixels."""
    sparse: bool
    """A few large spheres in place of a foam."""
    absorption: float
    """Largest line integral."""
    rings: float
    """Standard deviation of the columns' gains in a fifth of the columns; 0: none."""
    zingers: bool
    standing: str
    """One of `STANDING`, or nothing."""
    air: int
    """Rows without sample at the top."""
    tilt: float
    """Columns over the height."""
    missing: bool
    """Frames are lost: a block of views and some single ones."""
    jitter: float
    """Standard deviation of the angles' errors, angular steps."""

    @property
    def truncated(self) -> bool:
        """Whether the sample is wider than the field of view on either side."""
        if self.half_acquisition:
            return self.radius > max(self.center, self.columns - 1 - self.center)
        return self.radius > min(self.center, self.columns - 1 - self.center)

    @property
    def defects(self) -> list[str]:
        """What the scan suffers from, in the words of the table."""
        present = {
            "half turn": not self.whole,
            "whole turn": self.whole and not self.half_acquisition,
            "half acquisition": self.half_acquisition,
            "under 100 photons": self.photons < 100,
            "under 150 views": self.views < 150,
            "weak rings": 0 < self.rings < 0.04,
            "strong rings": self.rings >= 0.04,
            "zingers": self.zingers,
            self.standing: bool(self.standing),
            "air rows": self.air > 0,
            "truncated": self.truncated,
            "tilted": self.tilt != 0,
            "missing frames": self.missing,
            "jitter of the angles": self.jitter > 0,
        }
        return [name for name, here in present.items() if here] or ["none"]


def draw(seed: int) -> Plan:
    """Draw a scan."""
    rng = np.random.default_rng((seed, 15))

    def sometimes(chance: float) -> bool:
        return bool(rng.random() < chance)

    columns = int(rng.choice([128, 192, 256, 384, 512]))
    whole = sometimes(0.5)
    half_acquisition = whole and sometimes(0.3)
    middle = (columns - 1) / 2
    offset = rng.uniform(0.3, 0.42) * rng.choice([-1, 1]) if half_acquisition else rng.uniform(-0.12, 0.12)
    center = float(middle + offset * columns)
    reach = max(center, columns - 1 - center) if half_acquisition else min(center, columns - 1 - center)
    return Plan(
        seed=seed,
        whole=whole,
        columns=columns,
        views=int(np.exp(rng.uniform(np.log(60), np.log(720)))),
        photons=float(np.exp(rng.uniform(np.log(20), np.log(5000)))),
        center=center,
        half_acquisition=half_acquisition,
        radius=float(reach * (rng.uniform(1.05, 1.4) if sometimes(0.3) else rng.uniform(0.5, 0.97))),
        sparse=sometimes(0.25),
        absorption=float(rng.uniform(0.5, 2.5)),
        rings=float(rng.choice([rng.uniform(0.005, 0.03), rng.uniform(0.05, 0.2)])) if sometimes(0.6) else 0.0,
        zingers=sometimes(0.5),
        standing=str(rng.choice(STANDING)) if sometimes(0.5) else "",
        air=int(rng.integers(2, 11)) if sometimes(0.25) else 0,
        tilt=float(rng.uniform(-4, 4)) if sometimes(0.2) else 0.0,
        missing=sometimes(0.25),
        jitter=float(rng.uniform(0.05, 0.4)) if sometimes(0.25) else 0.0,
    )


def simulate(plan: Plan) -> tuple[FloatArray, FloatArray]:
    """Simulate a scan: sinograms (row, view, column) float32, line integrals, and the nominal angles in radians."""
    rng = np.random.default_rng((plan.seed, 16))
    turn = 2 * np.pi if plan.whole else np.pi
    step = turn / plan.views
    start = rng.uniform(-np.pi, np.pi)
    direction = rng.choice([-1, 1])
    angles = start + direction * step * np.arange(plan.views)
    true_angles = angles + plan.jitter * step * rng.standard_normal(plan.views)
    shape = ROWS, plan.columns
    drawn_for = ROWS, int(plan.radius / phantom.CYLINDER)
    small, large, fill = (1 / 12, 1 / 6, 0.06) if plan.sparse else (1 / 40, 1 / 14, 0.2)
    foam = phantom.foam(drawn_for, (max(2.0, plan.radius * small), plan.radius * large), fill, rng)
    foam = projection.absorb(foam, plan.absorption, plan.center, shape)
    exact = _exact(plan, foam, true_angles)
    exact[:, : plan.air] = 0
    counts = _expose(plan, exact + _standing(plan, rng), rng)
    kept = _kept(plan, rng)
    sinograms = -np.log(np.maximum(counts + 0.5, 0.5) / plan.photons)
    if plan.standing == "dead columns":
        width, first = _place(plan, rng, 2, 12)
        sinograms[:, :, first : first + width] = rng.uniform(0, 1, width)
    return sinograms[kept].swapaxes(0, 1).astype(np.float32), angles[kept]


def _exact(plan: Plan, foam: phantom.Foam, angles: FloatArray) -> FloatArray:
    """Line integrals (view, row, column); a tilt moves each row sideways, as if the rows lay far apart."""
    margin = 8 if plan.tilt else 0
    shape = ROWS, plan.columns + 2 * margin
    exact = np.stack([projection.project(foam, angle, plan.center + margin, shape) for angle in angles])
    if not plan.tilt:
        return exact
    for row, shift in enumerate(plan.tilt * np.linspace(-0.5, 0.5, ROWS)):
        exact[:, row] = ndimage.shift(exact[:, row], (0, shift), mode="nearest")
    return exact[..., margin:-margin]


def _place(plan: Plan, rng: np.random.Generator, narrow: int, wide: int) -> tuple[int, int]:
    """Draw width and first column of something that stands still."""
    width = int(rng.integers(narrow, wide + 1))
    return width, int(rng.integers(0, plan.columns - width))


def _standing(plan: Plan, rng: np.random.Generator) -> FloatArray:
    """Line integrals (column,) of what stands still in front of the detector and is not in the flats."""
    columns = np.arange(plan.columns)
    strength = rng.uniform(0.2, 1.5)
    if plan.standing == "mask":  # on either side or on both
        left, right = rng.uniform(0.03, 0.15, 2) * plan.columns * rng.permuted(np.array([1, rng.integers(0, 2)]))
        return np.asarray(strength * ((columns < left) | (columns >= plan.columns - right)))
    if plan.standing == "strip":
        width, first = _place(plan, rng, 6, plan.columns // 8)
        return np.asarray(strength * ((columns >= first) & (columns < first + width)))
    if plan.standing == "wire":
        width, first = _place(plan, rng, 3, 10)
        along = (columns - first - width / 2) / (width / 2)
        return np.asarray(strength * np.sqrt(np.clip(1 - along**2, 0, None)))
    if plan.standing == "shadow":  # smooth, as of a holder or of a beam that changed
        width, first = _place(plan, rng, plan.columns // 16, plan.columns // 4)
        return np.asarray(0.5 * strength * np.exp(-(((columns - first) / width) ** 2)))
    return np.zeros(plan.columns)


def _expose(plan: Plan, integrals: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Photons counted behind line integrals (view, row, column): noise, gains that the flats do not show, zingers."""
    gain = np.ones(plan.columns)
    faulty = rng.random(plan.columns) < 0.2
    gain[faulty] += plan.rings * rng.uniform(-1.7, 1.7, faulty.sum())
    size = integrals[0].size
    faults = detector.Detector(photons=plan.photons, offset=100.0, zingers=size / 2000 if plan.zingers else 0.0)
    dose = np.exp(0.005 * rng.standard_normal(len(integrals)))[:, None, None]
    expected = plan.photons * dose * np.exp(-integrals)
    counts, _ = zip(*(detector.expose(faults, frame, np.zeros(1), gain, rng) for frame in expected), strict=True)
    return np.asarray(np.stack(counts) - faults.offset)


def _kept(plan: Plan, rng: np.random.Generator) -> FloatArray:
    """Tell which views (view,) are not lost."""
    kept = np.ones(plan.views, bool)
    if plan.missing:
        first = rng.integers(0, plan.views)
        kept[first : first + max(2, plan.views // 40)] = False
        kept[rng.random(plan.views) < 0.02] = False
    return kept
