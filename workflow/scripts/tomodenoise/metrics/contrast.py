"""Contrast-to-noise ratio between two classes of grey values that are found automatically."""

import numpy as np
from scipy.ndimage import binary_erosion, generate_binary_structure
from scipy.stats import wasserstein_distance
from skimage.filters import threshold_otsu

from tomodenoise.common.arrays import BoolArray, FloatArray
from tomodenoise.metrics.support import Unsupported

EROSION = 2
"""Pixels removed from the rim of each class, where edges are blurred and classes uncertain."""

FEWEST_PIXELS = 200
SEPARABILITY = 0.7
"""Least fraction of the variance between the classes. A single Gaussian cut in two has 2/π = 0.64."""


def classes(image: FloatArray, mask: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Find a dark and a bright class of pixels, away from edges.

    Parameters
    ----------
    image : (z, y, x), preferably with noise that is independent of the images to be compared.
    mask : (y, x) or (z, y, x).

    Returns
    -------
    Masks (z, y, x) of the pixels below and above Otsu's threshold, each eroded by 2 pixels within its slice.

    Raises
    ------
    Unsupported
        If the grey values do not form two classes, or too few pixels of a class remain.

    Notes
    -----
    Otsu, IEEE Trans. SMC 9, 62 (1979); the separability of its eq. 10 is the variance between the classes over the
    total variance.
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
            f"the grey values do not form two classes: {between / values.var():.0%} of their variance is between"
            f" the best two, {SEPARABILITY:.0%} are needed"
        )
    plane = generate_binary_structure(2, 1)[None]
    low, high = (binary_erosion(inside & side, plane, EROSION) for side in (image <= threshold, image > threshold))
    fewest = min(int(low.sum()), int(high.sum()))
    if fewest < FEWEST_PIXELS:
        raise Unsupported(f"only {fewest} pixels of a class are more than {EROSION} pixels from its edge")
    return np.asarray(low), np.asarray(high)


def histogram_distance(image: FloatArray, other: FloatArray, part: BoolArray) -> float:
    """Return the Wasserstein distance of the grey values of two images in some pixels, in the unit of the images."""
    return float(wasserstein_distance(image[part], other[part]))


def cnr(image: FloatArray, low: BoolArray, high: BoolArray) -> float:
    """Return the contrast-to-noise ratio of two classes of pixels.

    Notes
    -----
    |m1 - m2| / √((s1² + s2²) / 2) [Flenner et al., J. Synchrotron Rad. 29, 230 (2022)].
    """
    dark = image[low].astype(np.float64)
    bright = image[high].astype(np.float64)
    return float(abs(bright.mean() - dark.mean()) / np.sqrt((dark.var() + bright.var()) / 2))
