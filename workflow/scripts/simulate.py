"""Simulate the scan of a foam whose truth is known, with the faults of a real one.

python workflow/scripts/simulate.py demo/raw/foam.h5 --truth demo/raw/foam_truth.npy
"""

from collections.abc import Sequence

import numpy as np

from tomodenoise.simulation import command
from tomodenoise.simulation.acquisition import Scan, acquire
from tomodenoise.simulation.detector import Detector
from tomodenoise.simulation.files import write_scan, write_truth
from tomodenoise.simulation.phantom import CYLINDER, foam
from tomodenoise.simulation.projection import absorb


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the scan and, where asked, its truth."""
    parser = command.parser(__doc__, Scan, Detector)
    parser.add_argument("--layout", choices=["exchange", "nxtomo"], default="exchange", help="[%(default)s]")
    parser.add_argument("--truth-size", type=int, help="edge of the true slices, pixels [columns]")
    parser.add_argument("--absorption", type=float, default=2.0, help="largest line integral [%(default)s]")
    parser.add_argument("--radii", type=_numbers, default=(1.3, 4.5), help="radii of the spheres, pixels [%(default)s]")
    parser.add_argument("--fill", type=float, default=0.3, help="volume fraction of the spheres [%(default)s]")
    parser.add_argument("--cylinder", type=float, default=CYLINDER, help="radius relative to the columns [%(default)s]")
    options = parser.parse_args(arguments)
    scan = command.given(Scan, options)
    foam_rng, scan_rng = np.random.default_rng(options.seed).spawn(2)
    shape = scan.rows, scan.columns
    drawn = foam(shape, options.radii, options.fill, foam_rng, options.cylinder)
    sample = absorb(drawn, options.absorption, scan.axis, shape)
    if options.truth:
        write_truth(options.truth, sample, options.truth_size or scan.columns, scan.rows)
    write_scan(options.output, options.layout, scan, acquire(sample, scan, command.given(Detector, options), scan_rng))


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


if __name__ == "__main__":
    command.run(main)
