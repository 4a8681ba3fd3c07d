"""Simulate an XRD-CT scan whose truth is known: spheres of several materials, photons counted in a few channels.

python workflow/scripts/simulate_xrdct.py raw/xrdct.h5 --truth raw/xrdct_truth.npy --time 0.2
"""

from collections.abc import Sequence

import numpy as np

from tomodenoise.simulation import command, xrdct
from tomodenoise.simulation.files import write_sinograms, write_volume


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sinograms and, where asked, the truth."""
    parser = command.parser(__doc__)
    parser.add_argument("--slices", type=int, default=3, help="[%(default)s]")
    parser.add_argument("--columns", type=int, default=217, help="translations [%(default)s]")
    parser.add_argument("--angles", type=int, default=180, help="over half a turn [%(default)s]")
    parser.add_argument("--channels", type=int, default=11, help="[%(default)s]")
    parser.add_argument("--counts", type=float, nargs=2, default=(1, 50), help="counts of weakest and strongest peak")
    parser.add_argument("--time", type=float, default=1.0, help="relative exposure time [%(default)s]")
    parser.add_argument("--empty", type=float, default=0.0, help="counts of an additional channel of pure noise [none]")
    options = parser.parse_args(arguments)
    draw, lines, noise = np.random.default_rng(options.seed).spawn(3)
    shape = options.slices, options.columns
    sample = xrdct.spheres(shape, draw)
    patterns = xrdct.scaled(xrdct.peaks(options.channels, lines), sample, tuple(options.counts))
    angles = np.arange(options.angles) * np.pi / options.angles
    frames = xrdct.acquire(sample, patterns, angles, options.time, options.empty, noise)
    if options.truth:
        truth = xrdct.volume(sample, patterns, options.empty)
        write_volume(options.truth, truth.shape, [truth])
    write_sinograms(options.output, shape, patterns, angles, frames, empty=options.empty > 0)


if __name__ == "__main__":
    command.run(main)
