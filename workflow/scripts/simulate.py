"""Simulate the scan of a foam whose truth is known, with the faults of a real one.

python workflow/scripts/simulate.py demo/raw/foam.h5 --truth demo/raw/foam_truth.npy
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.simulation.acquisition import Scan, acquire
from tomodenoise.simulation.detector import Detector
from tomodenoise.simulation.files import write_scan, write_truth
from tomodenoise.simulation.phantom import CYLINDER, foam
from tomodenoise.simulation.projection import absorb


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the scan and, where asked, its truth."""
    options = _parser().parse_args(arguments)
    scan = Scan(**{spec.name: getattr(options, spec.name) for spec in fields(Scan)})
    detector = Detector(**{spec.name: getattr(options, spec.name) for spec in fields(Detector)})
    foam_rng, scan_rng = np.random.default_rng(options.seed).spawn(2)
    shape = scan.rows, scan.columns
    drawn = foam(shape, options.radii, options.fill, foam_rng, options.cylinder)
    sample = absorb(drawn, options.absorption, scan.axis, shape)
    if options.truth:
        write_truth(options.truth, sample, options.truth_size or scan.columns, scan.rows)
    frames = acquire(sample, scan, detector, scan_rng)
    write_scan(options.output, options.layout, scan, frames)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="HDF5 file to write")
    parser.add_argument("--truth", type=Path, help="also write the true volume, (z, y, x) float32, as .npy")
    parser.add_argument("--layout", choices=["exchange", "nxtomo"], default="exchange", help="[%(default)s]")
    parser.add_argument("--truth-size", type=int, help="edge of the true slices, pixels [columns]")
    parser.add_argument("--absorption", type=float, default=2.0, help="largest line integral [%(default)s]")
    parser.add_argument("--radii", type=_numbers, default=(1.3, 4.5), help="of the spheres, pixels [%(default)s]")
    parser.add_argument("--fill", type=float, default=0.3, help="volume of the spheres, relative [%(default)s]")
    parser.add_argument("--cylinder", type=float, default=CYLINDER, help="radius, of the columns [%(default)s]")
    parser.add_argument("--seed", type=int, default=0, help="of foam and noise [%(default)s]")
    for spec in (*fields(Scan), *fields(Detector)):
        kind = float if spec.default is None else type(spec.default)
        option = "--" + spec.name.replace("_", "-")
        parser.add_argument(option, type=kind, default=spec.default, help=f"{spec.metadata['help']} [%(default)s]")
    return parser


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"simulate.py: {error}")
