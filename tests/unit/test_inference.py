"""Tiles agree with the whole, slabs with the volume; cubes blend up to the border; nothing is read twice."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scans_on_disk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tomodenoise.common.errors import UserError
from tomodenoise.denoising import inference, tile_plan, tiling
from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.splitting import by_angle
from tomodenoise.storage.sections import Sections, mix

SMALL = specs.complete(Network(name="unet", slices=3, width=4, depth=2))
FLAT = specs.complete(Network(name="unet", slices=1, width=4, depth=1))
MSD = specs.complete(Network(name="msd", slices=3, depth=6, dilations=[1, 2, 3]))
CUBES = specs.complete(Network(name="unet3d", width=2, depth=2))


def random_model(spec: Spec, seed: int = 0) -> Model:
    torch.manual_seed(seed)
    network = registry.build(spec)
    for name, parameter in network.named_parameters():
        if not parameter.any() and name.endswith("weight"):
            torch.nn.init.normal_(parameter, std=0.3)
    return Model(network.eval(), spec, Normalisation((0.3,), (2.0,)), {})


def slices(model: Model, rows: np.ndarray, tile: int) -> np.ndarray:
    return np.asarray(tiling.denoise_slices(model.network, model.spec, torch.from_numpy(rows)[:, None], tile))[:, 0]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def after(model: Model, scan: Sections, rows: tuple[int, int], **options: object) -> np.ndarray:
    denoised = [image for _, image in inference.denoise(model, scan, rows, **options)]  # type: ignore[arg-type]
    return np.concatenate(denoised)


@pytest.mark.parametrize("spec", [SMALL, specs.complete(Network(name="unet", width=3, depth=3)), MSD])
@settings(max_examples=6)
@given(shape=st.tuples(st.integers(3, 130), st.integers(3, 130)), tile=st.integers(5, 140))
def test_tiles_of_any_size_agree_with_the_whole(spec: Spec, shape: tuple[int, int], tile: int) -> None:
    model, rows = random_model(spec), noise(spec.slices, *shape)
    whole, tiled = slices(model, rows, 10_000), slices(model, rows, tile)
    assert np.abs(whole - tiled).max() <= 1e-5 * np.ptp(whole)


@pytest.mark.parametrize("tile", [32, 50, 1000])
def test_a_constant_slice_stays_constant_up_to_the_border(tile: int) -> None:
    denoised = slices(random_model(SMALL), np.full((5, 70, 90), 1.7, dtype=np.float32), tile)
    assert np.ptp(denoised) <= 1e-5 * abs(denoised.mean())


def test_a_network_that_looks_at_the_whole_slice_gets_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "unet", replace(NETWORKS["unet"], reach=lambda spec: None))
    spec = specs.complete(Network(name="unet", slices=1))
    seen: list[tuple[int, ...]] = []

    def network(images: Tensor) -> Tensor:
        seen.append(tuple(images.shape))
        return images

    rows = torch.from_numpy(noise(1, 1, 37, 50))
    denoised = tiling.denoise_slices(network, spec, rows, tile_plan.core(spec, (37, 50), None))
    step = NETWORKS[spec.name].multiple(spec)
    assert [images[2:] for images in seen] == [(-(-37 // step) * step, -(-50 // step) * step)]
    torch.testing.assert_close(denoised, rows)


@pytest.mark.parametrize("spec", [SMALL, CUBES])
def test_slabs_give_the_bits_of_the_whole_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: Spec) -> None:
    monkeypatch.setattr(tile_plan, "cube", lambda _: (16, 6))
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(45, 40))
    model = random_model(spec)
    whole = after(model, scan, (0, 45))
    slabs = [after(model, scan, rows) for rows in [(0, 8), (8, 9), (9, 30), (30, 45)]]
    np.testing.assert_array_equal(whole, np.concatenate(slabs))


def test_blended_cubes_leave_a_constant_volume_constant_up_to_every_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_plan, "cube", lambda _: (16, 5))
    scan = scans_on_disk.write(tmp_path, np.full((37, 30, 30), 1.7, np.float32), noise=0)
    model = random_model(CUBES)
    model.network.forward = lambda volume: volume  # type: ignore[method-assign]
    np.testing.assert_allclose(after(model, scan, (0, 37)), 1.7, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3, 10, 10), (20, 7, 7), (50, 9, 9)])
def test_axes_shorter_than_a_cube_are_continued(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(*shape[:2]))
    denoised = after(random_model(CUBES), scan, (0, shape[0]))
    assert denoised.shape == shape
    assert np.isfinite(denoised).all()


@pytest.mark.parametrize("spec", [SMALL, CUBES])
def test_a_slab_reads_the_rows_it_is_said_to_need_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: Spec
) -> None:
    monkeypatch.setattr(tile_plan, "cube", lambda _: (8, 2))
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(40, 16))
    seen: list[int] = []
    read = Sections.read
    monkeypatch.setattr(Sections, "read", lambda self, a, b, **c: (seen.extend(range(a, b)), read(self, a, b, **c))[1])
    after(random_model(spec), scan, (17, 23))
    assert seen == list(range(*tile_plan.rows_read(spec, 17, 23, 40)))
    assert len(seen) <= 6 + 2 * 8


def test_fewer_slices_than_the_network_sees_repeat_the_outermost(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(1, 40))
    model = random_model(SMALL)
    model.network.forward = lambda stack: stack.std(dim=1, keepdim=True)  # type: ignore[method-assign]
    np.testing.assert_allclose(after(model, scan, (0, 1)), model.normalisation.mean[0], atol=1e-6)


def test_before_is_the_weighted_mean_of_the_sections(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(3, 40))
    for mode in ("full", "sections", "section"):
        before = [before[0] for before, _ in inference.denoise(random_model(FLAT), scan, (0, 3), mode=mode)]
        np.testing.assert_allclose(before, np.tensordot(scan.shares, scan.read(0, 3)[:, 0], 1), rtol=1e-5)


def test_the_mode_says_what_the_network_sees(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(1, 40))
    model, (mean, scale) = random_model(FLAT), (0.3, 2.0)
    results = [
        slices(model, (np.tensordot(scan.mixing(role.inputs), scan.read(0, 1)[:, 0], 1) - mean) / scale, 512) * scale
        + mean
        for role in scan.split.roles
    ]
    np.testing.assert_allclose(after(model, scan, (0, 1), mode="sections"), np.mean(results, axis=0), atol=1e-5)
    np.testing.assert_allclose(after(model, scan, (0, 1), mode="section"), results[0], atol=1e-5)


def test_sections_are_averaged_over_the_largest_inputs_only(tmp_path: Path) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(1, 40))
    mixed = replace(scan, split=replace(scan.split, roles=by_angle.roles(4, "mixed")))
    model = random_model(FLAT)
    for mode in ("sections", "section"):
        expected = after(model, scan, (0, 1), mode=mode)
        np.testing.assert_allclose(after(model, mixed, (0, 1), mode=mode), expected, atol=1e-5)


@pytest.mark.parametrize("name", ["unet", "unet3d"])
def test_a_network_of_three_steps_repeats_the_outermost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(tile_plan, "cube", lambda _: (8, 2))
    numbered = np.arange(4, dtype=np.float32)[:, None, None, None] ** 2 * np.ones((1, 9, 16, 16), np.float32)
    scan = scans_on_disk.write_series(tmp_path, numbered, group=4, noise=0)
    spec = specs.complete(Network(name=name, width=2, depth=2, steps=3))
    model, untrained = random_model(spec), Model(registry.build(spec), spec, Normalisation((0.3,), (2.0,)), {})
    model.network.forward = lambda images: images.mean(dim=1, keepdim=True)  # type: ignore[method-assign]
    for time, expected in enumerate([1 / 3, 5 / 3, 14 / 3, 22 / 3]):
        pairs = list(inference.denoise(model, scan, (2, 7), time=time))
        np.testing.assert_allclose([before for before, _ in pairs], time**2, atol=1e-5)
        np.testing.assert_allclose([after for _, after in pairs], expected, rtol=1e-5)
        np.testing.assert_allclose(after(untrained, scan, (0, 2), time=time), time**2, atol=1e-5)


@pytest.mark.parametrize("spec", [SMALL, CUBES])
def test_an_ensemble_turns_with_the_scan(spec: Spec) -> None:
    predict = inference.predictor(random_model(spec), 8)
    shape = (1, 1, 8, 8, 8) if spec.volumetric else (1, 3, 8, 8)
    images = torch.from_numpy(noise(*shape))
    with torch.no_grad():
        torch.testing.assert_close(predict(images.rot90(1, (-2, -1))), predict(images).rot90(1, (-2, -1)))
        torch.testing.assert_close(predict(images.flip(-1)), predict(images).flip(-1))
        single = inference.predictor(random_model(spec), 1)
        assert not torch.allclose(single(images.flip(-1)), single(images).flip(-1), atol=1e-3)


def test_tiles_of_an_ensemble_agree_with_the_whole() -> None:
    model, rows = random_model(SMALL), torch.from_numpy(noise(3, 1, 61, 44))
    predict = inference.predictor(model, 8)
    whole, tiled = (tiling.denoise_slices(predict, SMALL, rows, tile) for tile in (1000, 19))
    torch.testing.assert_close(whole, tiled, rtol=0, atol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_what_breaks_while_reading_is_reported_where_it_is_awaited(tmp_path: Path, threads: int) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(9, 16))
    file = scan.array / "c/0/0/1/0/0"
    content = file.read_bytes()
    file.write_bytes(content[:9] + b"?" + content[10:])
    with pytest.raises(UserError, match=f"{file} is damaged"):
        after(random_model(FLAT), scan, (0, 9), threads=threads)
    file.unlink()
    with pytest.raises(UserError, match="is missing"):
        after(random_model(FLAT), scan, (0, 9), threads=threads)


@pytest.mark.parametrize("mode", ["full", "sections"])
def test_the_number_of_threads_changes_no_bit(tmp_path: Path, mode: str) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(20, 40))
    results = [after(random_model(SMALL), scan, (0, 20), mode=mode, threads=threads) for threads in (1, 3)]
    np.testing.assert_array_equal(*results)


def test_a_mean_on_the_device_has_the_bits_of_one_in_main_memory() -> None:
    sections = noise(4, 2, 3, 5, 7)
    for weights in ([0.3, 0.2, 0.4, 0.1], [0, 1, 0, 0], [1 / 3, 0, 1 / 3, 1 / 3]):
        shares = np.array(weights, np.float32)
        np.testing.assert_array_equal(inference.mean(torch.from_numpy(sections), shares), mix(sections, shares))


def test_reading_is_at_most_three_blocks_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = scans_on_disk.write(tmp_path, scans_on_disk.blobs(80, 16))
    ends: list[int] = []
    read = Sections.read
    monkeypatch.setattr(Sections, "read", lambda self, a, b, **c: (ends.append(b), read(self, a, b, **c))[1])
    for number, _ in enumerate(inference.denoise(random_model(FLAT), scan, (0, 80))):
        assert ends[-1] <= number // 8 * 8 + 8 * 4
