"""Counts in the channels of XRD-CT: what they are multiples of, and their split into independent parts."""

import numpy as np
import pytest

from tomodenoise.correction import channel_photons
from tomodenoise.correction.channel_photons import Counted
from tomodenoise.scans.thinning import Part, Thinning

PARTS: tuple[Part, ...] = ("kept", "first", "second")


@pytest.mark.parametrize("gain", [1.0, 4.0, 1 / 0.7, 1e-3])
def test_the_unit_of_a_photon_is_found(gain: float) -> None:
    counts = np.random.default_rng(0).poisson(np.geomspace(0.2, 900, 50)[:, None], (50, 200))
    assert channel_photons.step((counts * gain).astype(np.float32)) == pytest.approx(gain, rel=1e-5)


def test_other_numbers_have_no_unit() -> None:
    smooth = np.random.default_rng(0).normal(100, 10, 5000).astype(np.float32)
    assert channel_photons.step(smooth) is None
    assert channel_photons.step(np.zeros(10, dtype=np.float32)) is None


@pytest.mark.parametrize("level", [0.3, 5.0, 400.0])
def test_photons_have_the_noise_of_photons(level: float) -> None:
    counts = np.random.default_rng(0).poisson(level, (60, 3, 200)).astype(float)
    assert channel_photons.strength(counts) == pytest.approx(1, abs=0.25)
    assert channel_photons.strength(10 * counts) > channel_photons.NOISE[1]
    averaged = np.rint(10 * counts.reshape(15, 4, 3, 200).mean(axis=1)) / 10
    assert channel_photons.strength(averaged) < channel_photons.NOISE[0]


def test_parts_are_independent_and_add_up() -> None:
    counts = np.random.default_rng(0).poisson(20, (30, 4, 2, 64)).astype(np.float32) * 2
    whole = Thinning(fraction=0.7, by="photons", seed=1)
    parts = []
    for name in PARTS:
        part = counts.copy()
        channel_photons.split(part, whole.of(name), 2.0, first=0)
        parts.append(part)
    shares = [whole.of(name).share for name in PARTS]
    total = sum(share * part for share, part in zip(shares, parts, strict=True))
    np.testing.assert_allclose(total, counts, rtol=1e-4)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert abs(np.corrcoef(parts[one].ravel(), parts[other].ravel())[0, 1]) < 0.03
    lower = counts[:, :, 1:].copy()
    channel_photons.split(lower, whole, 2.0, first=1)
    np.testing.assert_array_equal(lower, parts[0][:, :, 1:])  # a slab gets the same bits


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Counted(1.0, 1.0, ()), None),
        (Counted(1.0, 1.0, ("q 1", "q 2", "q 3", "q 4")), "negative numbers in q 1, q 2, q 3 and 1 more"),
        (Counted(None, None, ()), "not whole multiples of one photon"),
        (Counted(1.0, 3.0, ()), "has 3 times the variance of counted photons"),
    ],
)
def test_what_is_no_count_is_refused(found: Counted, reason: str | None) -> None:
    assert str(reason) in str(channel_photons.refusal(found))
