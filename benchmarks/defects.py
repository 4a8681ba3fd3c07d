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
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "workflow/scripts")]

from benchmarks import defective, runs
from benchmarks.cases import CASES, Case, Trial
from benchmarks.defective import Setup


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

    def summary(trial: Trial) -> str:
        return trial.figure(results[trial.job], trial.setup)

    before = summary(case.before)
    floor = summary(case.floor)
    return [
        f"| {case.name} | {before} | `{label}` | {summary(trial)} | {floor} |" for label, trial in case.remedies.items()
    ]


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
