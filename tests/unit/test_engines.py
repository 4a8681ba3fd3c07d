"""The interface of the engines: the guarantees of every engine, tested on each."""

from typing import Any

import numpy as np
import phantoms
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.reconstruction import slices
from tomodenoise.reconstruction.engines import registry
from tomodenoise.reconstruction.engines.filters import FILTERS
from tomodenoise.reconstruction.engines.registry import ENGINES, PADS
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.splitting.model import Section

N, A = 64, 100
ANGLES = np.arange(A) * np.pi / A
WEIGHTS = np.full(A, np.pi / A)
MIDDLE = (N - 1) / 2
ELLIPSES = phantoms.random_ellipses(seed=0)
ROUNDING = 1e-3  # an angle rounded otherwise moves a sample across the rim of its kernel, worth exp(-8)


ALL = [pytest.param("torch"), *(pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("tomopy", "astra"))]


@pytest.fixture(params=ALL)
def engine(request: pytest.FixtureRequest) -> str:
    if request.param != "torch":
        pytest.importorskip(request.param)
    return str(request.param)


def reconstruct(
    angles: FloatArray,
    weights: FloatArray,
    sinograms: FloatArray,
    center: float = MIDDLE,
    *,
    engine: str = "torch",
    kind: str = "ram-lak",
    pad: str = "zero",
) -> FloatArray:
    plan = registry.plan(engine, None, angles, weights, sinograms.shape[-1], filter=kind, pad=pad)
    return plan(sinograms, center)


def noise(slices: int, angles: int = A) -> FloatArray:
    return np.random.default_rng(1).standard_normal((slices, angles, N), np.float32)


@pytest.mark.parametrize("pad", PADS)
@pytest.mark.parametrize("kind", FILTERS)
def test_the_weighted_mean_of_sections_is_the_reconstruction_of_all(engine: str, kind: str, pad: str) -> None:
    sinograms = noise(2, 101)  # the sections differ in size
    weights = np.random.default_rng(2).uniform(0.5, 1.5, 101) * np.pi / 101
    angles = np.arange(101) * np.pi / 101
    full = reconstruct(angles, weights, sinograms, 30.2, engine=engine, kind=kind, pad=pad)
    mean = np.zeros_like(full)
    for some in (np.arange(start, 101, 4) for start in range(4)):
        share = weights[some].sum() / weights.sum()
        scaled = weights[some] / share
        mean += share * reconstruct(angles[some], scaled, sinograms[:, some], 30.2, engine=engine, kind=kind, pad=pad)
    assert np.abs(mean - full).max() < 1e-5 * np.ptp(full)


@pytest.mark.parametrize("pad", PADS)
@pytest.mark.parametrize("kind", [name for name in FILTERS if name != "none"])
@pytest.mark.parametrize("radius", [0.3, 0.9])
def test_a_disc_has_its_attenuation_inside_and_none_outside(engine: str, kind: str, pad: str, radius: float) -> None:
    sinograms = phantoms.sinogram(phantoms.disc(radius), ANGLES, 128, 63.5)[None]
    image = reconstruct(ANGLES, WEIGHTS, sinograms, 63.5, engine=engine, kind=kind, pad=pad)[0]
    inside = phantoms.within(128, radius - 0.06)
    outside = phantoms.within(128, 1) & ~phantoms.within(128, radius + 0.06)
    assert image[inside].mean() == pytest.approx(1, abs=0.005)
    assert image[outside].mean() == pytest.approx(0, abs=0.005)


def test_backprojection_without_a_filter_sums_the_rays_through_a_pixel(engine: str) -> None:
    image = reconstruct(ANGLES, WEIGHTS, np.full((1, A, N), 2, np.float32), engine=engine, kind="none", pad="edge")[0]
    rays = image[phantoms.within(N, 0.9)]
    assert rays.mean() == pytest.approx(2 * np.pi, rel=1e-3)
    # Joseph's rays, ASTRA's on a processor, beat with the pixels; TomoPy's lengths within a pixel do.
    np.testing.assert_allclose(rays, 2 * np.pi, rtol=5e-3 if engine == "torch" else 0.05)


def test_the_image_lies_as_the_geometry_says(engine: str) -> None:
    """One small disc to the upper right: x to the right, y up, the axis in the middle of the slice."""
    dot = [phantoms.Ellipse(0.5, 0.25, 0.05, 0.05, 0, 1)]
    image = reconstruct(ANGLES, WEIGHTS, phantoms.sinogram(dot, ANGLES, N, MIDDLE)[None], engine=engine)[0]
    mass = np.clip(image, 0.05, None) - 0.05
    row, column = np.average(np.indices(image.shape).reshape(2, -1), axis=1, weights=mass.ravel())
    assert (row, column) == pytest.approx((MIDDLE - 0.25 * N / 2, MIDDLE + 0.5 * N / 2), abs=0.05)


@pytest.mark.parametrize("columns", [63, 64, 65, 96])
@pytest.mark.parametrize("shift", [0, 1, -7, 9.37, -0.5])
def test_an_off_axis_center_changes_nothing_within_the_field(engine: str, columns: int, shift: float) -> None:
    small = [phantoms.Ellipse(e.x / 2, e.y / 2, e.a / 2, e.b / 2, e.turn, e.value) for e in ELLIPSES]
    weights = np.full(300, np.pi / 300)
    angles = np.arange(300) * np.pi / 300
    expected = phantoms.truth(small, columns)
    middle = (columns - 1) / 2
    for center in (middle, middle + shift):
        sinograms = phantoms.sinogram(small, angles, columns, center)[None]
        smooth = reconstruct(angles, weights, sinograms, center, engine=engine, kind="ram-lak")[0]
        assert phantoms.psnr(smooth, expected) > 33.5


def test_a_far_off_axis_center_gives_the_same_slice(engine: str) -> None:
    columns, angles = 256, np.arange(256) * np.pi / 256
    small = [phantoms.Ellipse(e.x / 2, e.y / 2, e.a / 2, e.b / 2, e.turn, e.value) for e in ELLIPSES]
    images = [
        reconstruct(
            angles, np.full(256, np.pi / 256), phantoms.sinogram(small, angles, columns, center)[None], center,
            engine=engine,
        )[0]
        for center in (127.5, 127.5 + 48, 127.5 - 48)
    ]  # fmt: skip
    inside = phantoms.within(columns, 0.95)
    assert max(np.abs((image - images[0])[inside]).max() for image in images[1:]) < 2e-3


@settings(max_examples=5)
@given(st.permutations(range(24)), st.lists(st.integers(-2, 2), min_size=24, max_size=24))
def test_neither_the_order_nor_whole_turns_of_the_angles_matter(order: list[int], turns: list[int]) -> None:
    sinograms, angles = noise(1, 24), np.arange(24) * np.pi / 24
    weights = np.full(24, np.pi / 24)
    plain = reconstruct(angles, weights, sinograms)
    turned = reconstruct((angles + 2 * np.pi * np.array(turns))[order], weights, sinograms[:, order])
    np.testing.assert_allclose(turned, plain, atol=ROUNDING * float(np.ptp(plain)))


def test_a_projection_from_behind_is_the_mirrored_one(engine: str) -> None:
    sinograms = noise(1)
    behind = reconstruct(ANGLES + np.pi, WEIGHTS, sinograms[..., ::-1], N - 1 - 20.3, engine=engine)
    plain = reconstruct(ANGLES, WEIGHTS, sinograms, 20.3, engine=engine)
    np.testing.assert_allclose(behind, plain, atol=ROUNDING * float(np.ptp(plain)))


def test_golden_angles_reconstruct_with_the_angle_each_stands_for(engine: str) -> None:
    angles = np.arange(233) * np.pi * (np.sqrt(5) - 1) / 2
    order = np.argsort(angles % np.pi)
    gaps = np.diff(angles[order] % np.pi, append=np.pi + angles[order][0] % np.pi)
    weights = np.empty(233)
    weights[order] = (gaps + np.roll(gaps, 1)) / 2
    assert weights.sum() == pytest.approx(np.pi)
    image = reconstruct(angles, weights, phantoms.sinogram(ELLIPSES, angles, 128, 63.5)[None], 63.5, engine=engine)[0]
    assert phantoms.psnr(image, phantoms.truth(ELLIPSES, 128)) > 32


def test_edge_padding_beats_zero_padding_of_a_truncated_sample(engine: str) -> None:
    sinograms = phantoms.sinogram(phantoms.disc(1.5), ANGLES, N, MIDDLE)[None]
    inside = phantoms.within(N, 0.94)
    zero, edge = (reconstruct(ANGLES, WEIGHTS, sinograms, engine=engine, pad=pad)[0][inside] for pad in PADS)
    assert 1.5 * np.sqrt(np.mean((edge - 1) ** 2)) < np.sqrt(np.mean((zero - 1) ** 2))
    assert 3 * edge.std() < zero.std()


@pytest.mark.parametrize(
    ("algorithm", "iterations", "regularisation"), [("fbp", None, None), ("sirt", 3, None), ("tv", 3, 0.1)]
)
def test_a_slice_has_the_same_bits_in_any_batch_with_any_threads(
    algorithm: str, iterations: int | None, regularisation: float | None
) -> None:
    import torch

    sinograms, centers = noise(7), np.linspace(28, 35, 7)
    plan = registry.plan("torch", algorithm, ANGLES, WEIGHTS, N, iterations=iterations, regularisation=regularisation)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        together = plan(sinograms, centers)
        torch.set_num_threads(2)
        alone = np.concatenate([plan(sinograms[some], centers[some]) for some in (slice(3), slice(3, 4), slice(4, 7))])
    finally:
        torch.set_num_threads(threads)
    assert together.dtype == np.float32
    assert np.array_equal(together, alone)
    assert np.array_equal(together, plan(sinograms, centers))
    assert np.array_equal(together[3:4], plan(sinograms[3:4], centers[3]))


def test_every_algorithm_returns_finite_numbers_for_awkward_sinograms(engine: str) -> None:
    angles, weights = ANGLES[::4], 4 * WEIGHTS[::4]
    sinograms = phantoms.awkward_sinograms(angles, 24)
    for algorithm in registry.algorithms(engine):
        able = registry.capabilities(engine, algorithm)
        plan = registry.plan(
            engine, algorithm, angles, weights, 24,
            iterations=100 if able.iterative else None, regularisation=0.1 if able.regularised else None,
        )  # fmt: skip
        assert np.isfinite(plan(sinograms, 11.5)).all(), algorithm


def test_what_does_not_fit_is_refused(engine: str) -> None:
    for algorithm in registry.algorithms(engine):
        regularisation = 1.0 if registry.capabilities(engine, algorithm).regularised else None
        plan = registry.plan(engine, algorithm, ANGLES, WEIGHTS, N, regularisation=regularisation)
        assert plan(noise(0), MIDDLE).shape == (0, N, N)
        with pytest.raises(ValueError, match="do not fit"):
            plan(noise(1)[:, :-1], MIDDLE)
    with pytest.raises(ValueError, match="100 angles but 99 weights"):
        registry.plan(engine, None, ANGLES, WEIGHTS[1:], N)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"engine": "nabu"}, "reconstruct.engine: unknown engine 'nabu'; write one of torch, tomopy, astra"),
        ({"filter": "ramlak"}, "reconstruct.filter: unknown filter 'ramlak'; write one of ram-lak, shepp"),
        ({"pad": "wrap"}, "reconstruct.pad: unknown pad 'wrap'; write one of zero, edge"),
        (
            {"algorithm": "gridrec"},
            "reconstruct.algorithm: engine 'torch' has no 'gridrec'; write one of fbp, sirt, tv",
        ),
        ({"iterations": 10}, "reconstruct.iterations: algorithm 'fbp' has none; leave it out"),
        ({"algorithm": "sirt", "regularisation": 1}, "reconstruct.regularisation: algorithm 'sirt' has none; leave it"),
        ({"algorithm": "tv"}, "reconstruct.regularisation: algorithm 'tv' needs it; write a number such as 0.1"),
    ],
)
def test_what_an_engine_cannot_do_is_refused_when_the_config_is_checked(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        registry.plan(**{"engine": "torch", "algorithm": None, **given}, angles=ANGLES, weights=WEIGHTS, columns=N)


@pytest.mark.parametrize(
    ("engine", "advice"),
    [
        ("tomopy", "it is on conda-forge, not PyPI; run with --sdm conda, or set reconstruct.engine: torch"),
        ("astra", "pip install astra-toolbox, or set reconstruct.engine: torch"),
    ],
)
def test_a_missing_engine_is_refused_with_advice_unless_the_jobs_bring_it(
    monkeypatch: pytest.MonkeyPatch, engine: str, advice: str
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=f"engine '{engine}' is not installed: {advice}"):
        registry.check(engine)
    registry.check(engine, installed_elsewhere=True)


def test_capabilities_are_declared_for_every_algorithm() -> None:
    assert registry.capabilities("torch") == registry.capabilities("torch", "fbp")
    declared = {(name, algorithm) for name in ENGINES for algorithm in registry.algorithms(name)}
    additive = {pair for pair in declared if registry.capabilities(*pair).additive}
    assert additive == {("torch", "fbp"), ("tomopy", "gridrec"), ("tomopy", "fbp"), ("astra", "fbp")}
    regularised = {pair for pair in declared if registry.capabilities(*pair).regularised}
    assert regularised == {("torch", "tv"), ("tomopy", "tv")}


def test_the_plan_of_a_configuration_is_what_it_says() -> None:
    sinograms = noise(1)
    section, geometry = Section(np.arange(len(ANGLES)), ANGLES, WEIGHTS, 1.0), Geometry(N, 30.0)
    chosen = slices.prepare(section, geometry, Reconstruct(algorithm="sirt", iterations=2), "cpu")
    plan = registry.plan("torch", "sirt", ANGLES, WEIGHTS, N, iterations=2)
    assert np.array_equal(chosen(sinograms, 30.0), plan(sinograms, 30.0))
    chosen = slices.prepare(section, geometry, Reconstruct(filter="hann", pad="zero"), "cpu")
    assert np.array_equal(chosen(sinograms, 30.0), reconstruct(ANGLES, WEIGHTS, sinograms, 30.0, kind="hann"))


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("algorithm", "iterations", "regularisation"), [("fbp", None, None), ("sirt", 5, None), ("tv", 5, 0.1)]
)
def test_cuda_gives_what_the_cpu_gives(algorithm: str, iterations: int | None, regularisation: float | None) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    sinograms = noise(5)
    plans = [
        registry.plan(
            "torch", algorithm, ANGLES, WEIGHTS, N,
            iterations=iterations, regularisation=regularisation, device=device,
        )
        for device in ("cpu", "cuda")
    ]  # fmt: skip
    cpu, cuda = (plan(sinograms, 29.3) for plan in plans)
    for result in (cuda, plans[1](sinograms, 29.3)):
        np.testing.assert_allclose(result, cpu, rtol=0, atol=1e-5 * float(np.ptp(cpu)))
