"""Each method removes the stripes that it is for, whatever the order of the projections."""

import numpy as np
import pytest
from phantoms import random_ellipses, sinogram

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import stripes

ANGLES, COLUMNS = 240, 480
TURN = np.linspace(0, np.pi, ANGLES, endpoint=False)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def noisy(rng: np.random.Generator, photons: float = 5000) -> tuple[FloatArray, FloatArray]:
    """Make a sinogram of random ellipses, and the same without noise."""
    clean = sinogram(random_ellipses(4, count=12), TURN, COLUMNS, (COLUMNS - 1) / 2)
    clean *= 1.5 / clean.max()
    return -np.log(rng.poisson(photons * np.exp(-clean)) / photons).astype(np.float32), clean


def striped(rng: np.random.Generator, sino: FloatArray, height: float = 0.05) -> FloatArray:
    offsets = np.where(rng.random(COLUMNS) < 0.15, rng.choice([-height, height], COLUMNS), 0)
    return (sino + offsets).astype(np.float32)


def rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values[:, 15:-15] ** 2)))


@pytest.mark.parametrize(("method", "share"), [("sorting", 0.6), ("wavelet", 0.8), ("vo", 0.6)])
def test_each_method_removes_stripes(rng: np.random.Generator, method: str, share: float) -> None:
    sino, clean = noisy(rng)
    bad = striped(rng, sino)
    repaired = stripes.remove(bad, method)
    assert repaired.dtype == np.float32
    means = [rms((values - clean).mean(axis=0, keepdims=True)) for values in (bad, repaired)]
    assert means[1] < share * means[0]


def test_sorting_is_that_of_algotom(rng: np.random.Generator) -> None:
    removal = pytest.importorskip("algotom.prep.removal")
    bad = striped(rng, noisy(rng)[1] + rng.normal(0, 0.01, (ANGLES, COLUMNS)))
    np.testing.assert_array_equal(
        stripes.remove(bad, "sorting"), np.float32(removal.remove_stripe_based_sorting(bad, 21))
    )
    np.testing.assert_allclose(stripes.remove(bad, "vo"), removal.remove_all_stripe(bad), atol=1e-6)


def test_vo_repairs_a_column_that_does_not_respond(rng: np.random.Generator) -> None:
    sino, clean = noisy(rng)
    sino[:, 200] = rng.uniform(0, 2, ANGLES)
    near = slice(198, 203)
    kept, repaired = (np.std((stripes.remove(sino, method) - clean)[:, near]) for method in ("sorting", "vo"))
    assert kept > 0.07
    assert repaired < kept / 3


def test_the_order_of_projections_changes_nothing_but_their_order(rng: np.random.Generator) -> None:
    slab = striped(rng, noisy(rng)[0])[:, None].repeat(2, axis=1)
    shuffled = rng.permutation(ANGLES)
    for method in ("sorting", "wavelet", "vo"):
        inorder, mixed = slab.copy(), slab[shuffled]
        stripes.remove_all(inorder, TURN, method)
        stripes.remove_all(mixed, TURN[shuffled], method)
        np.testing.assert_array_equal(mixed, inorder[shuffled])
        np.testing.assert_array_equal(inorder[:, 0], inorder[:, 1])


def test_what_a_method_cannot_do_is_refused_in_one_line() -> None:
    for method in ("sorting", "wavelet", "vo"):
        with pytest.raises(UserError, match=rf"correct.stripes: {method} needs \d+ projections and columns"):
            stripes.check(method, 3001, 26)
    stripes.check("none", 3001, 26)


def test_vo_without_noise_is_refused_in_one_line() -> None:
    sino = np.tile(np.linspace(1, 1 + 1e-7, COLUMNS), (ANGLES, 1)).astype(np.float32)
    with pytest.raises(UserError, match=r"correct.stripes: vo fails here .*: set correct.stripes: sorting"):
        stripes.remove(sino, "vo")


@pytest.mark.parametrize("method", ["sorting", "wavelet", "vo"])
def test_the_smallest_sinogram_that_is_not_refused_works(rng: np.random.Generator, method: str) -> None:
    size = stripes.NARROWEST[method]
    sino = rng.normal(1, 0.1, (size, size)).astype(np.float32)
    assert np.isfinite(stripes.remove(sino, method)).all()
    assert np.isfinite(stripes.remove(np.zeros_like(sino), method)).all()
