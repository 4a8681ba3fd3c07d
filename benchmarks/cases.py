"""The defects of `defects.py`: what is scanned, how it is worked up before and after, and what is read off."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import defective
from benchmarks.defective import QUIET, SCAN, Setup

from tomodenoise.simulation.detector import Detector

Keys = Mapping[str, object]


@dataclass(frozen=True)
class Trial:
    """A scan and how it is worked up."""

    setup: Setup
    config: Mapping[str, Keys]
    """Sections of the configuration."""
    entry: Keys
    """Of the scan, in the configuration."""
    figure: defective.Figure

    @property
    def job(self) -> str:
        """All that its results depend on."""
        return repr((self.setup, self.config, self.entry))


@dataclass(frozen=True)
class Case:
    """A defect."""

    name: str
    before: Trial
    remedies: Mapping[str, Trial]
    floor: Trial

    @property
    def trials(self) -> list[Trial]:
        """All that there is to run."""
        return [self.before, *self.remedies.values(), self.floor]


def trial(setup: Setup, figure: defective.Figure, entry: Keys | None = None, **config: Keys) -> Trial:
    """Work a scan up with nothing but what is given, and the true center unless another one is."""
    plain: dict[str, Keys] = {"correct": {"zingers": "none"}, "split": {"sections": 4, "input": 3}}
    sections = plain | {name: {**plain.get(name, {}), **keys} for name, keys in config.items()}
    return Trial(setup, sections, {"center": setup.scan.axis, **(entry or {})}, figure)


PSNR = defective.psnr


def detector(name: str, worn: Detector, remedies: Mapping[str, Keys]) -> Case:
    """Make a case of a faulty detector, and of what `correct` has for it."""
    faulty = Setup(detector=worn)
    mended = {label: trial(faulty, PSNR, correct=keys) for label, keys in remedies.items()}
    return Case(name, trial(faulty, PSNR), mended, trial(Setup(), PSNR))


def beam(name: str, worn: Detector, remedy: str, better: Setup, keys: Keys) -> Case:
    """Make a case of a beam that changes: seen with zero padding, as what is common to a view has no ramp."""
    before, zero = Setup(detector=worn), {"pad": "zero"}
    mended = {
        f"{remedy}, pad: zero": trial(better, PSNR, correct=keys, reconstruct=zero),
        "pad: edge": trial(before, PSNR),
        f"{remedy}, pad: edge": trial(better, PSNR, correct=keys),
    }
    return Case(name, trial(before, PSNR, reconstruct=zero), mended, trial(Setup(), PSNR))


def off_center(offset: int) -> Case:
    """Make a case of an axis so many columns away from the middle of 384."""
    columns, cylinder = 384, 0.33
    middle = (columns - 1) / 2
    away, near = (
        Setup(replace(SCAN, columns=columns, angles=600, center=middle + o + 0.3), cylinder=cylinder)
        for o in (offset, 0)
    )
    figure = defective.within(0.33 * columns)
    before = trial(away, figure, {"center": middle})
    return Case(
        f"axis off by {offset:+d}",
        before,
        {"center: auto": trial(away, figure, {"center": "auto"})},
        trial(near, figure),
    )


def tilted() -> Case:
    """Make a case of an axis that moves by 2.5 columns from the first row to the last."""
    tall = replace(SCAN, columns=192, rows=128, angles=300, center=97.2)
    leaning, upright = Setup(replace(tall, tilt=0.02)), Setup(tall)
    wanted: dict[str, Keys] = {"tilt: auto": {"center": "auto", "tilt": "auto"}, "tilt: 0.02": {"tilt": 0.02}}
    remedies = {label: trial(leaning, PSNR, entry) for label, entry in wanted.items()}
    return Case("axis tilted by 0.02", trial(leaning, PSNR, {"center": "auto"}), remedies, trial(upright, PSNR))


def half_acquisition() -> Case:
    """Make a case of a turn of 360 degrees with the axis near the left edge."""
    half = Setup(replace(SCAN, angles=1200, span=360, center=40.3), cylinder=0.8)
    wide = Setup(replace(SCAN, columns=432, angles=1200, span=360, center=215.8), cylinder=0.8 * 256 / 432)
    figure = defective.within(0.8 * 256)
    wanted: dict[str, Keys] = {
        "field: extended": {"field": "extended"},
        "field: auto, center: auto": {"field": "auto", "center": "auto"},
    }
    remedies = {label: trial(half, figure, entry) for label, entry in wanted.items()}
    return Case("half acquisition", trial(half, figure, {"field": "full"}), remedies, trial(wide, figure))


def truncated() -> Case:
    """Make a case of an object wider than the detector."""
    region = Setup(cylinder=0.7)
    whole = Setup(replace(SCAN, columns=384, center=191.8), cylinder=0.7 * 256 / 384)
    figure = defective.within(126)
    before, after = (trial(region, figure, reconstruct={"pad": pad}) for pad in ("zero", "edge"))
    return Case("truncated object", before, {"pad: edge": after}, trial(whole, figure))


def golden() -> Case:
    """Make a case of golden angles: a section of every fourth projection in time, or of every fourth direction."""
    timed, early = (Setup(replace(SCAN, order="golden"), step=step) for step in (1, 4))
    even = Setup()
    figure = defective.section_psnr
    return Case(
        "golden angles, one section of 4",
        trial(early, PSNR),
        {"dealt by angle (always)": trial(timed, figure)},
        trial(even, figure),
    )


def few_counts() -> Case:
    """Make a case of so few counts that the plain logarithm of them is biased."""
    dim = Detector(photons=20, drift=0, read_noise=0.1)
    plain, counted = (Setup(replace(SCAN, flats=400), dim, absorption=0.7, plain_log=plain) for plain in (True, False))
    many = Setup(replace(SCAN, flats=400), absorption=0.7)
    remedy = {"log(n + 1/2) (always)": trial(counted, defective.bias)}
    return Case("10 counts", trial(plain, defective.bias), remedy, trial(many, defective.bias))


def phase() -> Case:
    """Make a case of phase contrast; the rows above and below are unknown to the filter, so the middle is judged."""
    optics = {"delta_beta": 200.0, "energy": 20.0, "distance": 0.05}
    shown, hidden = (
        Setup(
            replace(SCAN, rows=64, delta_beta=200, energy=20, distance=distance),
            absorption=0.2,
        )
        for distance in (0.05, 0.0)
    )
    figure = defective.within(0.44 * 256, margin=24)
    remedy = {"phase: {delta_beta: 200, …}": trial(shown, figure, correct={"phase": optics})}
    return Case("phase contrast", trial(shown, figure), remedy, trial(hidden, figure))


def few_flats() -> Case:
    """Make a case of 10 flats, whose noise all sections may share, on a cylinder without spheres."""
    few, many = (
        Setup(replace(SCAN, rows=32, flats=flats), Detector(photons=450, drift=0), fill=0.0) for flats in (10, 800)
    )
    figure = defective.correlation
    shared, divided = (trial(few, figure, correct={"flats": word}) for word in ("shared", "divided"))
    return Case(
        "10 flats, 450 photons", shared, {"flats: divided": divided}, trial(many, figure, correct={"flats": "shared"})
    )


def afterglow() -> Case:
    """Make a case of light that appears a frame later: no remedy, but a measured share."""
    glowing, dark = (
        Setup(replace(SCAN, rows=32, flats=100), Detector(photons=450, drift=0, afterglow=share), fill=0.0)
        for share in (0.05, 0)
    )
    reported = {"measured on the flats, and warned of": trial(glowing, defective.measured_afterglow)}
    return Case("afterglow of 5 %", trial(glowing, defective.correlation), reported, trial(dark, defective.correlation))


RINGS = {f"stripes: {method}": {"stripes": method} for method in ("sorting", "wavelet", "vo")}
UNSTEADY = replace(QUIET, flicker=0.05, sway=0.05)
FADING = replace(QUIET, drift=-0.2)
CASES = [
    detector("no rings", QUIET, RINGS),
    detector("rings: 60 columns off by up to 3 %", replace(QUIET, stripes=60), RINGS),
    detector("4 dead columns", replace(QUIET, dead=4), RINGS),
    detector("zingers, 2 a frame", replace(QUIET, zingers=2), {"zingers: 10": {"zingers": 10}}),
    beam("dose flicker and sway of 5 %", UNSTEADY, "air: 8", Setup(detector=UNSTEADY), {"air": 8}),
    beam("beam drift of 20 %", FADING, "NXtomo with the flats' times", Setup(detector=FADING, layout="nxtomo"), {}),
    *map(off_center, (-60, -20, 20, 60)),
    tilted(),
    half_acquisition(),
    truncated(),
    golden(),
    few_counts(),
    phase(),
    few_flats(),
    afterglow(),
]
