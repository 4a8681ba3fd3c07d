"""Phase retrieval agrees with its formula, with wave optics and with another implementation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from corrections import only
from hdf5_files import write_exchange

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import frames as correction_frames
from tomodenoise.correction import options as correction_options
from tomodenoise.correction import phase, slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.correction.options import Phase
from tomodenoise.scans.description import Scan
from tomodenoise.scans.opening import open_scan

PHASE = Phase(delta_beta=300, energy=25, distance=0.03)
PIXEL = 0.7  # micrometre
SHAPE = (160, 192)


def squared_frequency(shape: tuple[int, int]) -> FloatArray:
    """Cycles per metre, squared."""
    rows, columns = (np.fft.fftfreq(count, PIXEL * 1e-6) for count in shape)
    return rows[:, None] ** 2 + columns**2


def wavelength() -> float:
    return 1.239841984e-9 / PHASE.energy


def projected() -> FloatArray:
    """Line integrals of blobs of a few pixels, up to 0.3, air around."""
    y, x = np.indices(SHAPE)
    blobs = [(80, 96, 15, 0.2), (70, 80, 5, 0.1), (95, 120, 4, 0.08), (60, 110, 7, -0.05)]
    return sum(h * np.exp(-((y - r) ** 2 + (x - c) ** 2) / (2 * w**2)) for r, c, w, h in blobs)


def retrieved(intensity: FloatArray, settings: Phase = PHASE) -> FloatArray:
    plan = phase.plan(settings, PIXEL, intensity.shape, slice(0, len(intensity)))
    return phase.retrieve(intensity.astype(np.float32), plan)


def test_the_filter_undoes_the_transport_of_intensity() -> None:
    """In the near field I = (1 + pi lambda z (delta / beta) f²) T: the formula itself, read backwards."""
    transmission = np.exp(-projected())
    forward = 1 + np.pi * wavelength() * PHASE.distance * PHASE.delta_beta * squared_frequency(SHAPE)
    intensity = np.fft.ifft2(np.fft.fft2(transmission) * forward).real
    assert np.ptp(intensity) > 1.5 * np.ptp(transmission)
    np.testing.assert_allclose(retrieved(intensity), transmission, atol=2e-5)


def test_a_propagated_wave_gives_back_its_thickness() -> None:
    """Exit wave exp(-i k (delta - i beta) t), Fresnel propagator exp(-i pi lambda z f²), n = 1 - delta + i beta."""
    integrals = projected()  # mu t = 2 k beta t
    wave = np.exp(-integrals / 2 * (1 + 1j * PHASE.delta_beta))
    propagator = np.exp(-1j * np.pi * wavelength() * PHASE.distance * squared_frequency(SHAPE))
    intensity = np.abs(np.fft.ifft2(np.fft.fft2(wave) * propagator)) ** 2
    before, after = (np.abs(-np.log(seen) - integrals).max() for seen in (intensity, retrieved(intensity)))
    assert before > 0.5
    assert after < before / 50


def test_the_length_is_in_si_units() -> None:
    """20 keV is 0.62 Å: sqrt(0.62e-10 * 0.1 * 200 / 4 pi) is 9.93 µm."""
    assert phase.length(Phase(delta_beta=200, energy=20, distance=0.1), pixel_size=1) == pytest.approx(9.93, abs=0.005)
    assert phase.length(Phase(delta_beta=200, energy=20, distance=0.1), pixel_size=2) == pytest.approx(4.97, abs=0.005)


def test_a_constant_stays() -> None:
    np.testing.assert_allclose(retrieved(np.full(SHAPE, 0.3)), 0.3, rtol=1e-5)


def test_agrees_with_nabu() -> None:
    nabu = pytest.importorskip("nabu.preproc.phase")
    intensity = (1 + 0.1 * np.random.default_rng(0).standard_normal(SHAPE)) * np.exp(-projected())
    other = nabu.PaganinPhaseRetrieval(
        SHAPE,
        distance=PHASE.distance,
        energy=PHASE.energy,
        delta_beta=PHASE.delta_beta,
        pixel_size=PIXEL * 1e-6,
        padding="edge",
    )
    np.testing.assert_allclose(retrieved(intensity), other.retrieve_phase(intensity), atol=1e-4)


# Scans


def scan_of(file: Path, intensity: FloatArray) -> Scan:
    frames = np.repeat(intensity[None], 3, axis=0).astype(np.float32)
    return replace(open_scan(write_exchange(file, frames), input="intensity"), pixel_size=PIXEL)


def test_a_slab_differs_by_less_than_1e4_from_the_whole(tmp_path: Path) -> None:
    intensity = np.random.default_rng(1).uniform(0.2, 1.2, SHAPE)
    intensity[60:] *= 0.3
    scan = scan_of(tmp_path / "a.h5", intensity)
    options = only(phase=PHASE)
    assert correction_frames.halo(scan, options) == np.ceil(9.2103 * phase.length(PHASE, PIXEL))
    whole, _ = slabs.correct_slab(scan, (0, 160), None, options, Measures())
    for rows in ((0, 8), (50, 70), (152, 160)):
        slab, _ = slabs.correct_slab(scan, rows, None, options, Measures())
        assert np.abs(np.exp(-slab) - np.exp(-whole[:, slice(*rows)])).max() < 1e-4


def test_dead_and_invalid_pixels_do_not_spread(tmp_path: Path) -> None:
    intensity = np.full((30, 40), 0.5)
    intensity[12, 20], intensity[28] = np.nan, np.nan
    scan = scan_of(tmp_path / "a.h5", intensity)
    integrals, statistics = slabs.correct_slab(scan, (10, 14), None, only(phase=PHASE), Measures())
    assert (statistics.repaired, statistics.empty_rows) == (3, 0)
    assert np.isfinite(integrals).all()
    np.testing.assert_allclose(integrals[:, :, :], np.log(2), atol=0.02)


@pytest.mark.parametrize(
    ("kind", "pixel_size", "message"),
    [("attenuation", 1.0, "holds line integrals"), ("intensity", None, "set pixel_size")],
)
def test_phase_without_intensities_or_pixel_size_is_refused(
    tmp_path: Path, kind: str, pixel_size: float | None, message: str
) -> None:
    scan = replace(scan_of(tmp_path / "a.h5", np.ones((4, 5))), kind=kind, pixel_size=pixel_size)
    with pytest.raises(UserError, match=message):
        correction_options.check(scan, only(phase=PHASE))
