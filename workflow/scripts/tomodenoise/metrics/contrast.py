"""Contrast-to-noise ratio between two classes of grey value that are found automatically."""

import numpy as np
from scipy.ndimage import binary_erosion
from skimage.filters import threshold_otsu

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported

EROSION = 2
"""Pixels taken off the rim of each class: blur and doubt are at the edges."""

FEWEST_PIXELS = 200
SEPARABILITY = 0.7
"""Of the variance, the part that lies between the classes. A Gaussian cut in two has 2/π = 0.64: no two classes."""


def classes(image: FloatArray, mask: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Find a dark and a bright class of pixels, away from edges.

    Parameters
    ----------
    image : (z, y, x), best one whose noise is not that of the images to be judged.
    mask : (y, x) or (z, y, x).

    Returns
    -------
    Masks (z, y, x): below and above Otsu's threshold, each eroded by 2 pixels within its slice.

    Raises
    ------
    Unsupported
        If the grey values form no two classes, or if too little is left of one of them.

    Notes
    -----
    Otsu, IEEE Trans. SMC 9, 62 (1979); its eq. 10 is the separability, variance between classes over all variance.
    """
    inside = np.broadcast_to(mask, image.shape)
    values = image[inside].astype(np.float64)
    threshold = float(threshold_otsu(values)) if np.ptp(values) else 0.0  # type: ignore[no-untyped-call]
    bright = values > threshold
    share = bright.mean()
    if not 0 < share < 1:
        raise Unsupported("the denoised image is constant")
    between = share * (1 - share) * (values[bright].mean() - values[~bright].mean()) ** 2
    if between < SEPARABILITY * values.var():
        raise Unsupported(
            f"grey values form no two classes: {between / values.var():.0%} of their variance lies between"
            f" the best two, {SEPARABILITY:.0%} are asked for"
        )
    plane, cross = np.zeros((3, 3, 3), dtype=bool), np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
    plane[1] = cross
    low, high = (binary_erosion(inside & side, plane, EROSION) for side in (image <= threshold, image > threshold))
    fewest = min(int(low.sum()), int(high.sum()))
    if fewest < FEWEST_PIXELS:
        raise Unsupported(f"only {fewest} pixels of a class lie more than {EROSION} pixels from its edge")
    return np.asarray(low), np.asarray(high)


def cnr(image: FloatArray, low: BoolArray, high: BoolArray) -> float:
    """Contrast-to-noise ratio, |m1 - m2| / √((s1² + s2²) / 2) [Flenner et al., J. Synchrotron Rad. 29, 230 (2022)]."""
    first, second = image[low].astype(np.float64), image[high].astype(np.float64)
    return float(abs(second.mean() - first.mean()) / np.sqrt((first.var() + second.var()) / 2))
