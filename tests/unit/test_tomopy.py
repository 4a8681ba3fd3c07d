"""TomoPy as an engine: on a stand-in that is wrong in TomoPy's ways, and on TomoPy itself where it is installed."""

import importlib
import sys
from collections.abc import Iterator

import numpy as np
import phantoms
import pytest
import standin_tomopy

from data import measured
from tomodenoise.common.arrays import FloatArray
from tomodenoise.reconstruction.engines import registry

A = 120
ANGLES = np.arange(A) * np.pi / A
WEIGHTS = np.full(A, np.pi / A)
ELLIPSES = phantoms.random_ellipses(seed=0)
RECORDED = "tomopy_reference/tomopy_1.15.2.npz"
"""What plain calls of TomoPy 1.15.2 returned."""


@pytest.fixture(params=["standin", pytest.param("real", marks=pytest.mark.tomopy)], autouse=True)
def tomopy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delitem(sys.modules, "tomodenoise.reconstruction.engines.tomopy", raising=False)
    if request.param == "real":
        pytest.importorskip("tomopy")
    else:
        monkeypatch.setitem(sys.modules, "tomopy", standin_tomopy)
        find_spec = importlib.util.find_spec
        monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "tomopy" or find_spec(name))
        standin_tomopy.calls.clear()
    yield str(request.param)
    sys.modules.pop("tomodenoise.reconstruction.engines.tomopy", None)


def reconstruct(
    algorithm: str,
    sinograms: FloatArray,
    center: float | FloatArray,
    angles: FloatArray = ANGLES,
    weights: FloatArray = WEIGHTS,
    *,
    kind: str = "ram-lak",
    pad: str = "zero",
    iterations: int | None = None,
    regularisation: float = 1e-3,
) -> FloatArray:
    plan = registry.plan(
        "tomopy", algorithm, angles, weights, sinograms.shape[-1],
        filter=kind, pad=pad, iterations=iterations, regularisation=regularisation if algorithm == "tv" else None,
    )  # fmt: skip
    return plan(sinograms, center)


def recon(algorithm: str, sinograms: FloatArray, angles: FloatArray, center: float, **options: object) -> FloatArray:
    """Call TomoPy, or its stand-in, without the adapter."""
    plain = importlib.import_module("tomopy").recon
    return np.asarray(
        plain(sinograms, angles, center=center, sinogram_order=True, algorithm=algorithm, ncore=1, **options)
    )


@pytest.mark.parametrize("name", [
    *(f"gridrec_{kind}" for kind in standin_tomopy.FILTERS),
    "fbp_none", "sirt_20", "mlem_10", "mlem_60_floor", "tv_0.1_100", "tv_1.0_100",
])  # fmt: skip
def test_plain_calls_return_what_was_recorded(name: str) -> None:
    recorded = np.load(measured(RECORDED))
    algorithm, setting = name.split("_")[:2]
    sinograms = recorded["sinograms"]
    inside = ...
    options: dict[str, object]
    match algorithm:
        case "gridrec":
            options = {"filter_name": setting}
            inside = ..., slice(1, None), slice(-1)  # the rest it corrects with numbers from beyond a table's end
        case "fbp":
            options = {"filter_name": setting}
        case "sirt":
            options = {"num_iter": int(setting), "init_recon": np.zeros((2, 64, 64), np.float32)}
        case "mlem":
            options = {"num_iter": int(setting)}
            sinograms = np.clip(sinograms, np.float32(1e-6), None)
        case _:
            options = {"num_iter": 100, "reg_par": np.full(10, setting, np.float32)}
    slices = recon(algorithm, sinograms, recorded["angles"], recorded["center"] + 0.5, **options)[inside]
    assert np.abs(slices - recorded[name][inside]).max() < 1e-3 * np.ptp(recorded[name][inside])


def test_plain_gridrec_of_a_disc_returns_what_was_recorded() -> None:
    recorded = np.load(measured(RECORDED))
    padded = np.pad(recorded["disc_sinogram"], ((0, 0), (128, 128)))[None]
    slices = recon("gridrec", padded, recorded["disc_angles"], 256.0, filter_name="hann")[:, 128:384, 128:384]
    assert np.abs(slices - recorded["disc_gridrec_hann_padded"]).max() < 1e-3


def test_plain_mlem_makes_nan_of_a_sinogram_with_zeros() -> None:
    recorded = np.load(measured(RECORDED))
    angles = np.arange(90, dtype=np.float32) * np.float32(np.pi / 90)
    slices = recon("mlem", recorded["zeros_sinogram"][None], angles, 24.0, num_iter=60)
    assert np.isnan(slices).mean() == recorded["zeros_mlem_60_nan_share"]


@pytest.mark.parametrize("algorithm", ["gridrec", "fbp"])
@pytest.mark.parametrize(("columns", "center"), [(64, 31.5), (64, 27.3), (65, 32.0), (65, 36.6), (48, 23.5)])
def test_a_phantom_is_reconstructed_in_place_and_scale(algorithm: str, columns: int, center: float) -> None:
    sinograms = phantoms.sinogram(ELLIPSES, ANGLES, columns, center)[None]
    ours = registry.plan("torch", "fbp", ANGLES, WEIGHTS, columns, filter="hann", pad="zero")(sinograms, center)[0]
    theirs = reconstruct(algorithm, sinograms, center, kind="hann")[0]
    inside = phantoms.within(columns, 0.94)
    assert np.sqrt(np.mean((theirs - ours)[inside] ** 2)) < 0.02
    assert theirs[inside].mean() == pytest.approx(ours[inside].mean(), abs=5e-3)
    assert theirs.dtype == np.float32


@pytest.mark.parametrize("algorithm", ["gridrec", "fbp", "sirt", "mlem", "tv"])
def test_the_image_lies_as_the_geometry_says(algorithm: str) -> None:
    """One small disc to the upper right, seen over half a turn, where a wrong center moves it, in any order."""
    columns = 48
    dot = [phantoms.Ellipse(0.5, 0.25, 0.1, 0.1, 0, 1)]
    angles = np.random.default_rng(0).permutation(90) * np.pi / 90 - 2 * np.pi
    sinograms = phantoms.sinogram(dot, angles, columns, 21.2)[None]
    rounds = 60 if registry.capabilities("tomopy", algorithm).iterative else None
    image = reconstruct(algorithm, sinograms, 21.2, angles, np.full(90, np.pi / 90), iterations=rounds)[0]
    mass = np.clip(image, 0.1, None) - 0.1
    row, column = np.average(np.indices(image.shape).reshape(2, -1), axis=1, weights=mass.ravel())
    assert (row, column) == pytest.approx((23.5 - 0.25 * 24, 23.5 + 0.5 * 24), abs=0.07)


@pytest.mark.parametrize("algorithm", ["gridrec", "fbp"])
@pytest.mark.parametrize(("kind", "pad"), [("ram-lak", "edge"), ("parzen", "zero"), ("none", "edge")])
def test_the_weighted_mean_of_sections_is_the_reconstruction_of_all(algorithm: str, kind: str, pad: str) -> None:
    sinograms = np.random.default_rng(1).standard_normal((2, A, 32), np.float32)
    weights = np.random.default_rng(2).uniform(0.5, 1.5, A) * np.pi / A
    full = reconstruct(algorithm, sinograms, 14.2, ANGLES, weights, kind=kind, pad=pad)
    mean = np.zeros_like(full)
    for some in (np.arange(start, A, 4) for start in range(4)):
        share = weights[some].sum() / weights.sum()
        part = reconstruct(algorithm, sinograms[:, some], 14.2, ANGLES[some], weights[some] / share, kind=kind, pad=pad)
        mean += share * part
    assert np.abs(mean - full).max() < 1e-5 * np.ptp(full)


@pytest.mark.parametrize("algorithm", ["gridrec", "fbp", "sirt"])
def test_it_is_linear_and_every_slice_may_have_a_center_of_its_own(algorithm: str) -> None:
    sinograms = np.random.default_rng(0).standard_normal((3, A, 32), np.float32)
    centers = np.array([14.2, 16.1, 13.0])
    rounds = 3 if algorithm == "sirt" else None
    together = reconstruct(algorithm, sinograms, centers, iterations=rounds)
    alone = reconstruct(algorithm, 1e-3 * sinograms[1:2], 16.1, iterations=rounds)[0]
    assert np.abs(1e3 * alone - together[1]).max() < 1e-4 * np.ptp(together)


def test_gridrec_of_a_disc_is_flat_and_in_place() -> None:
    """It is to be 1 at every radius, and what the gridding of torch makes of the same projections."""
    columns, angles = 256, np.arange(402) * np.pi / 402
    weights = np.full(402, np.pi / 402)
    sinograms = phantoms.sinogram(phantoms.disc(0.9), angles, columns, 127.5)[None]
    image = reconstruct("gridrec", sinograms, 127.5, angles, weights, kind="hann")[0]
    place = np.arange(columns) - 127.5
    ring = (np.hypot(place[:, None], place) / 8).astype(int)
    np.testing.assert_allclose([image[ring == number].mean() for number in range(13)], 1, atol=3e-3)
    mass = np.clip(image, 0.3, None) - 0.3
    row, column = np.average(np.indices(image.shape).reshape(2, -1), axis=1, weights=mass.ravel())
    assert (row, column) == pytest.approx((127.5, 127.5), abs=2e-3)
    ours = registry.plan("torch", "fbp", angles, weights, columns, filter="hann", pad="zero")(sinograms, 127.5)[0]
    assert phantoms.psnr(image, ours) > 55


def test_the_gain_of_gridrec_flattens_the_recorded_disc() -> None:
    from tomodenoise.reconstruction.engines.tomopy import gridrec_gain

    image = np.load(measured(RECORDED))["disc_gridrec_hann_padded"][0]
    place = np.arange(256) - 128
    ring = (np.hypot(place[::-1, None] - 1, place) / 8).astype(int)
    gain = gridrec_gain(place, 512)
    flat = image / (gain[::-1, None] * gain)
    means = np.array([[some[ring == number].mean() for number in range(13)] for some in (image, flat)])
    bare, divided = np.ptp(means, axis=1) / means[:, 0]
    assert bare > 0.1
    assert divided < 3e-3


@pytest.mark.parametrize("strength", [0.1, 1.0])
def test_total_variation_agrees_with_torch_and_with_what_was_recorded(strength: float) -> None:
    """TomoPy was given ``strength``, of which ours is that over the scale of its projector."""
    recorded = np.load(measured(RECORDED))
    weight = strength * np.sqrt(64 * 90 / 2)
    sinograms, angles, center = recorded["sinograms"], recorded["angles"], float(recorded["center"])
    expected = recorded[f"tv_{strength}_100"]
    weights = np.full(90, np.pi / 90)
    plan = registry.plan("torch", "tv", angles, weights, 64, iterations=200, regularisation=weight)
    theirs = reconstruct("tv", sinograms, center, angles, weights, iterations=100, regularisation=weight)
    inside = phantoms.within(64, 0.94)
    size = np.sqrt(np.mean(expected[:, inside] ** 2))
    assert np.sqrt(np.mean((plan(sinograms, center) - expected)[:, inside] ** 2)) < 0.05 * size
    assert np.abs(theirs - expected).max() < 1e-3 * np.ptp(expected)


@pytest.mark.parametrize("algorithm", ["gridrec", "fbp", "sirt", "mlem", "tv"])
def test_awkward_sinograms_give_finite_numbers(algorithm: str) -> None:
    angles, weights = ANGLES[::4], 4 * WEIGHTS[::4]
    rounds = 100 if registry.capabilities("tomopy", algorithm).iterative else None
    sinograms = phantoms.awkward_sinograms(angles, 24)
    assert np.isfinite(reconstruct(algorithm, sinograms, 11.5, angles, weights, iterations=rounds)).all()


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_mlem_follows_the_unit(unit: float) -> None:
    dot = phantoms.awkward_sinograms(ANGLES, 24)[3:4]
    image = reconstruct("mlem", dot, 11.5, iterations=20)
    np.testing.assert_allclose(
        reconstruct("mlem", np.float32(unit) * dot, 11.5, iterations=20) / unit, image, atol=1e-4
    )


def test_mlem_of_zeros_and_of_negative_numbers_is_zero() -> None:
    negative = -np.ones((1, A, 24), np.float32)
    assert not reconstruct("mlem", np.concatenate([negative, 0 * negative]), 11.5, iterations=3).any()


def test_mlem_gets_nothing_negative_and_the_iterations_asked_for(tomopy: str) -> None:
    sinograms = np.random.default_rng(0).standard_normal((1, A, 32), np.float32)
    image = reconstruct("mlem", sinograms, 15.5, iterations=7)
    assert np.isfinite(image).all()
    assert tomopy == "real" or standin_tomopy.calls[-1]["num_iter"] == 7
