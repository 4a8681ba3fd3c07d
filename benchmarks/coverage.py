"""How often the center of random scans lies within its stated error: coverage.py [--first 0] [--scans 200].

Prints a line for all scans (see `random_scans`), and one for those with each defect: how many there are; of how many a
center is stated; the median error and the median stated error of these, pixels; and the share whose center is within
one and two stated errors. Then the scans that are off by more than three.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import random_scans

from tomodenoise.centering import finding


@dataclass(frozen=True)
class Result:
    """What was found of a scan."""

    plan: random_scans.Plan
    error: float
    """Pixels, found less true."""
    stated: float
    """Pixels; nan where no center is stated."""


def measure(seed: int) -> Result:
    """Simulate a scan and find its center."""
    plan = random_scans.draw(seed)
    found = finding.lean(finding.find(*random_scans.simulate(plan)), "auto")
    middle = (random_scans.ROWS - 1) / 2
    true = plan.center + plan.tilt / (random_scans.ROWS - 1) * (found.row - middle)
    spread = found.estimates[0].spread
    return Result(plan, found.center - true, np.nan if spread is None else spread)


def line(name: str, results: Sequence[Result]) -> str:
    """Sum up some scans."""
    stated = [each for each in results if np.isfinite(each.stated)]
    errors = np.abs([each.error for each in stated])
    widths = np.array([each.stated for each in stated])
    within = [f"{np.mean(errors <= count * widths):.0%}" if stated else "" for count in (1, 2)]
    medians = [f"{np.median(values):.3f}" if stated else "" for values in (errors, widths)]
    return f"| {name} | {len(results)} | {len(stated)} | {' | '.join([*medians, *within])} |"


def table(results: Sequence[Result]) -> Iterator[str]:
    """Give the lines of the table, and then the scans that are far off."""
    yield "| | scans | stated | median error | median stated | within 1 | within 2 |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    yield line("all", results)
    for defect in sorted({defect for each in results for defect in each.plan.defects}):
        yield line(defect, [each for each in results if defect in each.plan.defects])
    for each in results:
        if abs(each.error) > 3 * each.stated:
            yield f"seed {each.plan.seed}: off by {each.error:+.2f}, stated {each.stated:.2f}: {each.plan.defects}"


def main() -> None:
    """Read the arguments, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--scans", type=int, default=200)
    wanted = parser.parse_args()
    for row in table([measure(seed) for seed in range(wanted.first, wanted.first + wanted.scans)]):
        print(row)


if __name__ == "__main__":
    main()
