"""The ramp filter of filtered backprojection and its windows, as frequency responses."""

from collections.abc import Callable

import numpy as np

from tomodenoise.common.arrays import FloatArray


def _parzen(f: FloatArray) -> FloatArray:
    """Return de la Vallée Poussin's window, piecewise cubic in f over the Nyquist frequency [Parzen 1961]."""
    q = 2 * f
    return np.where(q <= 0.5, 1 - 6 * q**2 * (1 - q), 2 * (1 - q) ** 3)


_WINDOWS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "ram-lak": np.ones_like,
    "shepp": np.sinc,
    "hann": lambda f: 0.5 + 0.5 * np.cos(2 * np.pi * f),
    "cosine": lambda f: np.cos(np.pi * f),
    "parzen": _parzen,
}
FILTERS = (*_WINDOWS, "none")


def response(name: str, length: int) -> FloatArray:
    """Return the frequency response of a reconstruction filter on the bins of a real FFT.

    Parameters
    ----------
    name : one of ``FILTERS``; "none" is 1 everywhere: backprojection without the ramp.
    length : length of the FFT in pixels, even.

    Returns
    -------
    (length // 2 + 1,) float64, per pixel; bin k is k / length cycles per pixel.

    Notes
    -----
    The ramp is the transform of the band-limited kernel h(0) = 1/4, h(n) = -1/(πn)² for odd n and 0 for even n
    [Kak & Slaney 1988, eq. 3.61]. Sampling |f| on the bins instead gives zero at f = 0, which offsets every slice.
    """
    if name == "none":
        return np.ones(length // 2 + 1)
    distance = np.minimum(np.arange(length), length - np.arange(length))
    kernel = np.where(distance % 2 == 1, -1 / (np.pi * np.maximum(distance, 1)) ** 2, 0.0)
    kernel[0] = 0.25
    return np.asarray(np.fft.rfft(kernel).real * _WINDOWS[name](np.fft.rfftfreq(length)))
