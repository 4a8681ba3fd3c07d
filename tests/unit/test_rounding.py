"""Rounded sections take half the disk and differ by little from what was reconstructed."""

from pathlib import Path

import numpy as np

from tomodenoise.storage import sections, zarr_arrays


def test_rounding_keeps_eleven_significant_bits() -> None:
    rng = np.random.default_rng(0)
    sizes = 10.0 ** rng.uniform(-44, 38, 100_000)
    values = (rng.choice([-1, 1], sizes.size) * sizes).astype(np.float32)
    rounded = sections.rounded(values)
    error = np.abs(rounded.astype(float) - values)
    assert (error <= np.maximum(2.0**-11 * np.abs(values.astype(float)), 2.0**-137)).all()
    assert error.any()
    assert not (rounded.view(np.uint32) & 0x1FFF).any()
    np.testing.assert_array_equal(sections.rounded(rounded), rounded)


def test_ties_go_to_even() -> None:
    values = np.array([2049, 2051, -2049, 2049.001], np.float32)
    np.testing.assert_array_equal(sections.rounded(values), [2048, 2052, -2048, 2050])


def test_zeros_infinities_and_what_is_no_number_stay() -> None:
    no_number = np.array([0x7F800001, 0x7FFFFFFF, 0xFFFFFFFF], np.uint32).view(np.float32)
    values = np.concatenate([np.array([0, -0.0, np.inf, -np.inf], np.float32), no_number])
    np.testing.assert_array_equal(sections.rounded(values).view(np.uint32), values.view(np.uint32))


def test_rounded_noise_takes_less_than_half_the_disk_and_reads_back(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0.02, 0.01, (2, 1, 8, 128, 128)).astype(np.float32)
    sizes = {}
    for bits, data in ((32, noise), (16, sections.rounded(noise))):
        path = tmp_path / f"{bits}.zarr"
        shape = data.shape
        zarr_arrays.allocate(
            path, shape, shape, zarr_arrays.chunk(shape), names=tuple("kczyx"), attributes={}, compressed=bits == 16
        )
        zarr_arrays.write_shard(path, (0, 0, 0, 0, 0), data)
        np.testing.assert_array_equal(zarr_arrays.read(path, (slice(0, 2),)), data)
        sizes[bits] = zarr_arrays.shard_file(path, (0, 0, 0, 0, 0)).stat().st_size
    assert sizes[16] < 0.5 * sizes[32]
