"""Phase retrieval from one distance, for a sample of one material [Paganin et al. 2002]."""

import importlib
from dataclasses import dataclass

import numpy as np

from tomodenoise.common import optics
from tomodenoise.common.arrays import FloatArray
from tomodenoise.correction.options import Phase

ACCURACY = 1e-4


@dataclass(frozen=True)
class Retrieval:
    """Phase retrieval for frames of one shape, made by `plan`."""

    padding: tuple[tuple[int, int], tuple[int, int]]  # pixels that are added before and after the rows and the columns
    core: tuple[slice, slice]  # part of the padded frame that is kept
    response: FloatArray  # filter, (padded rows, half of the padded columns) float32, 1 at frequency 0


def length(phase: Phase, pixel_size: float) -> float:
    """Return the decay length of the filter in pixels, sqrt(lambda z (delta / beta) / (4 pi)); pixel size in um."""
    wavelength = optics.KEV_METRE / phase.energy
    return float(np.sqrt(wavelength * phase.distance * phase.delta_beta / (4 * np.pi)) / (pixel_size * 1e-6))


def reach(phase: Phase, pixel_size: float) -> int:
    """Return the distance in pixels beyond which a change of the transmission by 1 changes the result by < 1e-4.

    Notes
    -----
    Summed along the row the kernel of the filter is exp(-|y| / l) / (2 l): exp(-d / l) of it lies further away than d.
    """
    return int(np.ceil(-np.log(ACCURACY) * length(phase, pixel_size)))


def plan(phase: Phase, pixel_size: float, shape: tuple[int, int], rows: slice) -> Retrieval:
    """Prepare the retrieval of some rows from frames that also hold the rows around them, where there are any.

    Parameters
    ----------
    pixel_size : micrometre.
    shape : (rows, columns) of a frame.
    rows : rows to retrieve. Beyond the frame its first and last rows and columns are repeated.

    Notes
    -----
    The transmission is divided by 1 + pi lambda z (delta / beta) f², f in cycles per length: eq. 12 of Paganin et al.
    (2002) before its logarithm, with mu = 4 pi beta / lambda and k = 2 pi f.
    """
    margin = reach(phase, pixel_size)
    above = max(0, margin - rows.start)
    below = max(0, margin - (shape[0] - rows.stop))
    fft = importlib.import_module("scipy.fft")  # not installed where only the configuration is checked
    height = fft.next_fast_len(above + shape[0] + below, real=True)
    width = fft.next_fast_len(shape[1] + 2 * margin, real=True)
    response = 1 / optics.paganin((height, width), length(phase, pixel_size))
    return Retrieval(
        padding=((above, height - above - shape[0]), (margin, width - margin - shape[1])),
        core=(slice(above + rows.start, above + rows.stop), slice(margin, margin + shape[1])),
        response=response.astype(np.float32),
    )


def retrieve(transmission: FloatArray, retrieval: Retrieval) -> FloatArray:
    """Return the transmission directly behind the sample, exp(-mu thickness).

    Parameters
    ----------
    transmission : (rows, columns) float32, flat and dark corrected, finite.
    retrieval : from `plan`, for this shape.

    Returns
    -------
    (rows to retrieve, columns) float32.
    """
    fft = importlib.import_module("scipy.fft")  # faster than numpy's
    wide = np.pad(transmission, retrieval.padding, mode="edge")
    spectrum = fft.rfft2(wide)
    spectrum *= retrieval.response
    return np.asarray(fft.irfft2(spectrum, s=wide.shape)[retrieval.core])
