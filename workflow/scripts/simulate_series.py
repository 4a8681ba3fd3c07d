"""Simulate a dynamic scan whose truth is known: a channel that fills and a bubble that grows after a quiet time.

python workflow/scripts/simulate_series.py raw/cell.h5 --truth raw/cell_truth.npy
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tomodenoise.common.errors import UserError
from tomodenoise.simulation import cell, command, series


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the scan and, where asked, its truth."""
    parser = command.parser(__doc__, series.Turns)
    parser.add_argument("--layout", choices=["continuous", "numbered", "files"], default="continuous")
    parser.add_argument("--photons", type=float, default=500.0, help="photons per pixel in the open beam [%(default)s]")
    parser.add_argument("--quiet", type=float, default=36.0, help="steps before anything moves [%(default)s]")
    parser.add_argument("--speed", type=float, default=0.9, help="speed of the front, columns per step [%(default)s]")
    parser.add_argument("--guest", type=float, help="the only step that contains an additional sphere")
    options = parser.parse_args(arguments)
    turns = command.given(series.Turns, options)
    if not 0 <= turns.center < turns.columns:
        raise UserError(f"--center {turns.center:g} is not on a detector of {turns.columns} columns: set it")
    object_rng, scan_rng = np.random.default_rng(options.seed).spawn(2)
    shape = turns.columns, turns.rows
    plan = cell.plan(*shape, object_rng, quiet=options.quiet, speed=options.speed, guest=options.guest)
    sample = series.filled(plan, turns)
    if options.truth:
        series.write_truth(options.truth, sample, turns)
    series.write(options.output, sample, turns, replace(series.K11, photons=options.photons), scan_rng, options.layout)


if __name__ == "__main__":
    command.run(main)
