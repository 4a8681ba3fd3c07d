"""Scans with one defect each, before and after its remedy: error against the truth, through the whole workflow.

Each scan is simulated from a foam whose projections are exact, worked up with `snakemake reconstruct` and a
configuration, and compared with the truth inside the foam, as far as all projections saw it; PSNR is for its largest
attenuation. The last column is the same foam scanned without the defect. There are 100,000 photons a pixel and the
configuration knows the center, unless a row says otherwise. Prints a markdown table.

    python benchmarks/defects.py --cores 2 [WORD ...]      only defects whose names hold a word
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import defective, runs  # noqa: E402
from benchmarks.defective import QUIET, SCAN, Setup  # noqa: E402

from tomodenoise.simulation.detector import Detector  # noqa: E402

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
STRIPES = ("sorting", "wavelet", "vo")


def detector(name: str, worn: Detector, remedies: Mapping[str, Keys]) -> Case:
    """Make a case of a faulty detector or beam, and of what `correct` has for it."""
    faulty = Setup(detector=worn)
    mended = {label: trial(faulty, PSNR, correct=keys) for label, keys in remedies.items()}
    return Case(name, trial(faulty, PSNR), mended, trial(Setup(), PSNR))


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


def drift() -> Case:
    """Make a case of a beam that loses a fifth over the scan."""
    untimed, timed = (Setup(detector=replace(QUIET, drift=-0.2), layout=name) for name in ("exchange", "nxtomo"))
    remedy = {"NXtomo, which tells when flats were taken": trial(timed, PSNR)}
    return Case("beam drift of 20 %", trial(untimed, PSNR), remedy, trial(Setup(), PSNR))


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
            Detector(photons=2000, drift=0),
            absorption=0.2,
        )
        for distance in (0.05, 0.0)
    )
    figure = defective.within(0.44 * 256, margin=24)
    remedy = {"phase: {delta_beta: 200, …}": trial(shown, figure, correct={"phase": optics})}
    return Case("phase contrast, 2,000 photons", trial(shown, figure), remedy, trial(hidden, figure))


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
    told = {"measured on the flats, and warned of": trial(glowing, defective.measured_afterglow)}
    return Case("afterglow of 5 %", trial(glowing, defective.correlation), told, trial(dark, defective.correlation))


CASES = [
    detector(
        "rings: 20 columns off by 3 %", replace(QUIET, stripes=20), {f"stripes: {s}": {"stripes": s} for s in STRIPES}
    ),
    detector("4 dead columns", replace(QUIET, dead=4), {f"stripes: {s}": {"stripes": s} for s in STRIPES}),
    detector("zingers, 2 a frame", replace(QUIET, zingers=2), {"zingers: 10": {"zingers": 10}}),
    detector("dose flicker and sway of 2 %", replace(QUIET, flicker=0.02, sway=0.02), {"air: 8": {"air": 8}}),
    drift(),
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


def work(folder: Path, trials: Sequence[Trial], cores: int) -> dict[str, Path]:
    """Simulate and reconstruct what differs, in one call of Snakemake for each configuration: results of each job."""
    raw: dict[Setup, Path] = {}
    calls: dict[str, dict[str, Trial]] = {}
    for one in trials:
        raw[one.setup] = folder / f"raw/{[*raw, one.setup].index(one.setup)}.h5"
        calls.setdefault(repr(one.config), {})[one.job] = one
    for setup, file in raw.items():
        defective.write(file, setup)
    results: dict[str, Path] = {}
    for number, jobs in enumerate(calls.values()):
        scans = {f"scan{i}": {"file": str(raw[one.setup]), **one.entry} for i, one in enumerate(jobs.values())}
        results |= {job: folder / f"{number}/results/scan{i}" for i, job in enumerate(jobs)}
        config = next(iter(jobs.values())).config
        runs.run(folder / str(number), {"scans": scans, **config}, "reconstruct", cores)
    return results


def rows(case: Case, results: Mapping[str, Path]) -> list[str]:
    """Give the lines of the table for a case."""

    def told(one: Trial) -> str:
        return one.figure(results[one.job], one.setup)

    before, floor = told(case.before), told(case.floor)
    return [f"| {case.name} | {before} | `{label}` | {told(one)} | {floor} |" for label, one in case.remedies.items()]


def main() -> None:
    """Run all, or what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", default=[""])
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    cases = [case for case in CASES if any(word in case.name for word in options.words)]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        results = work(Path(folder), [one for case in cases for one in case.trials], options.cores)
        print("| defect | before | remedy | after | without the defect |")
        print("|---|---:|---|---:|---:|", *(line for case in cases for line in rows(case, results)), sep="\n")
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
