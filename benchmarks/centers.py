"""Find the center of simulated scans, over seeds: centers.py [--seeds 20] [--only WORD].

A foam of 32 rows is projected without a grid onto a detector that sees all of it; each case cuts 512 columns out of it,
whole pixels apart, so that the axis lies where the case wants it, plus a fraction that the seed draws. Counts have
Poisson noise, 20 stripes (3 % at most, which the flats do not show) and zingers of 5 to 20 open beams in 1 pixel of
2000. Nothing is done about stripes and zingers before the search. The `small` foam stays inside the detector at every
offset, the `large` one leaves it on one side beyond 30 columns.

Prints a line for each case: worst and rms error in columns, rms error of the tilt in columns over the height, who was
chosen how often, and how many scans were warned of; then the wrong ones, over a quarter of a column, of which nobody
was warned.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from tomodenoise.centering import finding
from tomodenoise.centering.finding import Center
from tomodenoise.common.arrays import FloatArray
from tomodenoise.simulation import detector, phantom, projection

COLUMNS, ROWS, VIEWS = 512, 32, 720
WIDE = 960
SMALL, LARGE = 180 / phantom.CYLINDER, 225 / phantom.CYLINDER
"""Columns that a foam of radius 180 or 225 is drawn for."""


@dataclass(frozen=True)
class Case:
    """What is scanned, and how."""

    turn: int
    """Degrees."""
    offset: int
    """Whole columns from the middle of the detector to the axis."""
    photons: float
    size: float
    tilt: float = 0.0
    """Columns over the height."""

    @property
    def name(self) -> str:
        """What the table calls it."""
        size = {SMALL: "small", LARGE: "large"}[self.size]
        return f"{self.turn} degrees, {size}, {self.photons:g} photons, axis {self.offset:+d}" + (
            f", tilted {self.tilt:g}" if self.tilt else ""
        )


CASES = [
    *(Case(180, o, p, s) for s in (SMALL, LARGE) for p in (450, 30) for o in (-60, -25, 0, 25, 60)),
    *(Case(360, o, p, LARGE) for p in (450, 30) for o in (-60, 0, 60)),
    *(Case(360, o, p, LARGE) for p in (450, 30) for o in (-215, -150, 150, 215)),
    *(Case(turn, 25, p, LARGE, tilt=t) for turn in (180, 360) for p in (450, 30) for t in (2.0, 8.0)),
]


def exact(size: float, seed: int) -> tuple[FloatArray, float]:
    """Project a foam over a whole turn, (view, row, column) with a largest line integral of 2, and its axis."""
    rng = np.random.default_rng(seed)
    axis = (WIDE - 1) / 2 + rng.uniform(-0.5, 0.5)
    foam = projection.absorb(phantom.foam((ROWS, int(size)), (4, 14), 0.2, rng), 2.0, axis, (ROWS, WIDE))
    return np.stack([projection.project(foam, a, axis, (ROWS, WIDE)) for a in turn()]), axis


def turn() -> FloatArray:
    """Angles of a whole turn, radians."""
    return np.arange(VIEWS) * 2 * np.pi / VIEWS


def scan(case: Case, integrals: FloatArray, axis: float, seed: int) -> tuple[FloatArray, FloatArray, float]:
    """Cut, expose and correct: sinograms (row, view, column) float32, angles, and the true center."""
    first = WIDE // 2 - COLUMNS // 2 - case.offset
    views = slice(VIEWS // 2) if case.turn == 180 else slice(None, None, 2)
    seen = _tilted(integrals[views], case.tilt)[:, :, first : first + COLUMNS]
    rng = np.random.default_rng((seed, int(case.photons), case.offset % 1000, case.turn))
    plan = detector.Detector(photons=case.photons, stripes=20, zingers=seen.size / 2000)
    gain = detector.stripe_gain(plan, COLUMNS, rng)
    counts, _ = detector.expose(plan, case.photons * np.exp(-seen), np.zeros(1), gain, rng)
    sinograms = -np.log(np.maximum(counts - plan.offset + 0.5, 0.5) / case.photons)
    return sinograms.swapaxes(0, 1).astype(np.float32), turn()[views], axis - first


def _tilted(integrals: FloatArray, tilt: float) -> FloatArray:
    """Shift each row so that the axis moves by `tilt` columns over the height, its middle at rest."""
    if not tilt:
        return integrals
    shift = tilt * np.linspace(-0.5, 0.5, ROWS)[:, None]
    phase = np.exp(-2j * np.pi * np.fft.rfftfreq(WIDE) * shift)
    return np.asarray(np.fft.irfft(np.fft.rfft(integrals) * phase, WIDE))


def study(cases: list[Case], seeds: int) -> Iterator[str]:
    """Give the lines of the table, and then the silent mistakes."""
    tilt_of = {case.name: case.tilt for case in cases}
    found: dict[str, list[tuple[float, Center]]] = {case.name: [] for case in cases}
    for seed in range(seeds):
        foams = {size: exact(size, seed) for size in {case.size for case in cases}}
        for case in cases:
            sinograms, angles, center = scan(case, *foams[case.size], seed)
            answer = finding.find(sinograms, angles)
            answer = finding.lean(answer, "auto" if case.tilt else 0.0)
            found[case.name].append((answer.center - center, answer))
    for name, answers in found.items():
        errors = np.array([error for error, _ in answers])
        tilts = np.array([(answer.tilt_found or 0.0) * answer.height for _, answer in answers])
        tilt = np.sqrt(np.mean((tilts - tilt_of[name]) ** 2))
        chosen = ", ".join(f"{who} {n}" for who, n in Counter(answer.method for _, answer in answers).most_common())
        warned = sum(answer.warning is not None for _, answer in answers)
        figures = f"{abs(errors).max():8.2f} {np.sqrt(np.mean(errors**2)):8.3f} {tilt:8.2f}"
        yield f"{name:<52} {figures}  {chosen:<24} {warned}"
    for name, answers in found.items():
        for seed, (error, answer) in enumerate(answers):
            if abs(error) > 0.25 and answer.warning is None:
                yield f"silently wrong: {name}, seed {seed}: {error:+.2f}, {answer.estimates}"


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    wanted = parser.parse_args()
    print(f"{'case':<52} {'worst':>8} {'rms':>8} {'tilt':>8}  {'chosen':<24} warned")
    for line in study([case for case in CASES if wanted.only in case.name], wanted.seeds):
        print(line)


if __name__ == "__main__":
    main()
