"""Tiles of any size agree with the whole, up to the border; slabs agree with the volume."""

from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tomodenoise import inference, networks
from tomodenoise.models import Model, Normalisation
from tomodenoise.networks import Spec


def random_model(spec: Spec, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    network = networks.build(spec)
    torch.nn.init.normal_(network.head.weight, std=0.3)
    return Model(network.eval(), spec, Normalisation(0.3, 2.0), {})


@settings(max_examples=25, deadline=None)
@given(shape=st.tuples(st.integers(3, 150), st.integers(3, 150)), tile=st.integers(5, 160), depth=st.integers(1, 3))
def test_tiles_of_any_size_agree_with_the_whole(shape: tuple[int, int], tile: int, depth: int) -> None:
    model = random_model(Spec(slices=3, width=4, depth=depth))
    stack = np.random.default_rng(1).normal(size=(3, *shape)).astype(np.float32)
    whole, tiled = inference.denoise_slice(model, stack, 10_000), inference.denoise_slice(model, stack, tile)
    assert np.abs(whole - tiled).max() <= 1e-5 * np.ptp(whole)


@pytest.mark.parametrize("tile", [32, 50, 1000])
def test_a_constant_volume_stays_constant_up_to_the_border(tile: int) -> None:
    denoised = inference.denoise_slice(random_model(Spec()), np.full((5, 70, 90), 1.7, dtype=np.float32), tile)
    assert np.ptp(denoised) <= 1e-5 * abs(denoised.mean())


def test_slabs_give_the_bits_of_the_whole_volume(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(19, 40))
    model = random_model(Spec(slices=5, width=4, depth=2))
    whole = [after for _, after in inference.denoise(model, scan, (0, 19))]
    slabs = [after for rows in [(0, 6), (6, 7), (7, 19)] for _, after in inference.denoise(model, scan, rows)]
    np.testing.assert_array_equal(whole, slabs)


def test_fewer_slices_than_the_network_sees_repeat_the_outermost(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(1, 40))
    model = random_model(Spec(slices=5, width=4, depth=2))
    ((before, after),) = inference.denoise(model, scan, (0, 1))
    np.testing.assert_array_equal(after, inference.denoise_slice(model, np.stack([before] * 5)))


def test_before_is_the_weighted_mean_of_the_sections(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, 40))
    before = [before for before, _ in inference.denoise(random_model(Spec(slices=1, depth=1)), scan, (0, 3))]
    np.testing.assert_allclose(before, np.tensordot(scan.shares, scan.read(0, 3), 1), rtol=1e-5)


def test_averaging_over_the_inputs_of_training_is_a_mean_of_results(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(1, 40))
    model = random_model(Spec(slices=1, width=4, depth=2))
    ((_, averaged),) = inference.denoise(model, scan, (0, 1), average=True)
    each = [
        inference.denoise_slice(model, np.tensordot(scan.mixing(role.inputs), scan.read(0, 1), 1))
        for role in scan.split.roles
    ]
    np.testing.assert_allclose(averaged, np.mean(each, axis=0), atol=1e-5)
