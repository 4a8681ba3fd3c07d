"""Several channels through one network: each with its own scale, none mixed up, and noise stays noise."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scans_on_disk
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import halve_slab
from tomodenoise.common.arrays import FloatArray
from tomodenoise.denoising import inference, spectra, tiling
from tomodenoise.denoising.options import Denoise
from tomodenoise.networks import registry, specs, symmetries
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import resources
from tomodenoise.storage import zarr_arrays
from tomodenoise.storage.layout import Layout
from tomodenoise.storage.sections import Sections, mix
from tomodenoise.training import cutting, dataset, distributed, patches, sampling, store, tasks
from tomodenoise.training.loop import train
from tomodenoise.training.options import Train
from tomodenoise.training.patches import Draw, Shape

CPU = torch.device("cpu")


def channels(depth: int, size: int) -> FloatArray:
    """Make three channels of different structure and scale, and an empty one."""
    first = scans_on_disk.blobs(depth, size)
    return np.stack([first, 100 * first[:, ::-1], 0.01 * first.swapaxes(1, 2) + 5, 0 * first])


def write(folder: Path, depth: int = 3, size: int = 64, noise: float = 0.5) -> Sections:
    """Write noise as strong in each channel as its structure; the last one is only noise."""
    clean = channels(depth, size)
    scales = np.array([1, 100, 0.01, 1], dtype=np.float32)[:, None, None, None]
    scan = scans_on_disk.write(folder, clean / scales, noise=noise)
    stored = scan.read(0, depth)
    zarr_arrays.allocate(
        scan.array, stored.shape, stored.shape, zarr_arrays.chunk(stored.shape), names=tuple("kczyx"), attributes={}
    )
    zarr_arrays.write_shard(scan.array, (0, 0, 0, 0, 0), stored * scales)
    return scan


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Sections:
    return write(tmp_path_factory.mktemp("scan"))


def task(scan: Sections, spec: Spec, pixels: float = 4e5) -> tasks.Task:
    settings = Train(pixels=pixels, evaluations=2, patch=32, learning_rate=3e-3, held_out=0.2, memory=1, seed=1)
    return tasks.Task([scan], spec, settings, {})


def random_model(spec: Spec, norm: Normalisation) -> Model:
    torch.manual_seed(0)
    network = registry.build(spec)
    for name, parameter in network.named_parameters():
        if not parameter.any() and name.endswith("weight"):
            torch.nn.init.normal_(parameter, std=0.3)
    return Model(network.eval(), spec, norm, {})


def test_each_channel_is_normalised_by_its_own_full_mean(scan: Sections) -> None:
    norm = sampling.normalisation([scan])
    full = mix(scan.read(0, 3), scan.shares)[..., scan.visible].astype(np.float64)
    assert norm.mean == pytest.approx(full.mean(axis=(1, 2)), rel=1e-4)
    assert norm.scale == pytest.approx(full.std(axis=(1, 2)), rel=1e-4)
    images = torch.from_numpy(scan.read(0, 3))
    torch.testing.assert_close(norm.undo(norm.apply(images, axis=1), axis=1), images, rtol=1e-3, atol=1e-4)


def test_a_channel_that_is_constant_among_others_keeps_its_scale(tmp_path: Path) -> None:
    clean = np.stack([scans_on_disk.blobs(3, 64), np.full((3, 64, 64), 7, np.float32)])
    norm = sampling.normalisation([scans_on_disk.write(tmp_path, clean, noise=0)])
    assert norm.mean[1] == pytest.approx(7)
    assert norm.scale[1] == 1


@settings(max_examples=15)
@given(data=st.data(), slices=st.sampled_from([1, 3]))
def test_patches_hold_all_channels_of_one_slice_after_those_of_the_other(
    scan: Sections, data: st.DataObject, slices: int
) -> None:
    norm, shape = sampling.normalisation([scan]), Shape(8, slices, volumetric=False, channels=4)
    source = store.Source(scan, sampling.divide(scan, scan.visible, 0, 0.2)[0])
    z, y, x = data.draw(st.integers(0, 2)), data.draw(st.integers(0, 56)), data.draw(st.integers(0, 56))
    turn, role = data.draw(st.integers(0, 7)), data.draw(st.integers(0, 3))
    held = store.load([source], [store.Run(0, 0, 3)], shape.halo, norm, CPU)
    pairs = patches.pairs([source], scan.split.roles)
    drawn = Draw(*(np.array([[value]]) for value in (0, [z, y, x], role, turn)))
    field = patches.field([source], CPU)
    batch = cutting.cut(held, field, pairs, shape, cutting.locate(held, field, pairs, shape, drawn)[0])
    normal = np.asarray(norm.apply(torch.from_numpy(scan.read(0, 3)), axis=1))[..., y : y + 8, x : x + 8]
    chosen, around = scan.split.roles[role], np.clip(np.arange(slices) - slices // 2 + z, 0, 2)
    inputs, target = mix(normal, scan.mixing(chosen.inputs)), mix(normal, scan.mixing(chosen.targets))[:, z]
    stack = np.concatenate([inputs[:, row] for row in around])
    turned = [symmetries.apply(torch.from_numpy(images), symmetries.square()[turn]) for images in (stack, target)]
    torch.testing.assert_close(batch.inputs[0], turned[0], atol=1e-2, rtol=0)
    torch.testing.assert_close(batch.targets[0], turned[1], atol=1e-2, rtol=0)
    assert batch.masks.shape == batch.targets.shape


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("slices", [1, 3])
def test_few_slices_are_held_out_as_a_band_that_no_loss_counts(tmp_path: Path, depth: int, slices: int) -> None:
    scan = write(tmp_path, depth)
    spec = specs.complete(Network(name="unet", slices=slices, width=4, depth=2), 4)
    data = dataset.prepare(task(scan, spec), distributed.alone())
    ((trained,), field, pairs) = data.sources, data.field, data.pairs
    _, held_out = sampling.divide(scan, scan.visible, slices // 2, 0.2)
    lines = [np.flatnonzero(part.mask.any(axis=1)) for part in (trained.part, held_out)]
    assert np.abs(lines[0][:, None] - lines[1]).min() > 2
    held = store.load([trained], [store.Run(0, 0, depth)], data.shape.halo, data.norm, CPU)
    drawn = patches.draw(held, field, pairs, data.shape, 200, [np.random.default_rng(0)], first=0)
    upright = replace(drawn, turn=0 * drawn.turn)
    batch = cutting.cut(held, field, pairs, data.shape, cutting.locate(held, field, pairs, data.shape, upright)[0])
    counted = np.zeros((scan.size, scan.size))
    for (_, y, x), mask in zip(drawn.corner[0], batch.masks[:, 0].numpy(), strict=True):
        counted[y : y + len(mask), x : x + len(mask)] += mask
    assert counted[held_out.mask].sum() == 0
    assert (counted[trained.part.mask] > 0).mean() > 0.95


@pytest.mark.parametrize("name", ["unet", "msd"])
@pytest.mark.parametrize("slices", [1, 3])
def test_tiles_of_many_channels_agree_with_the_whole(name: str, slices: int) -> None:
    spec = specs.complete(Network(name=name, slices=slices, depth=3), 4)
    model = random_model(spec, Normalisation((0.0,) * 4, (1.0,) * 4))
    rows = torch.from_numpy(np.random.default_rng(0).normal(size=(slices + 1, 4, 50, 37)).astype(np.float32))
    whole, tiled = (tiling.denoise_slices(model.network, spec, rows, tile) for tile in (1000, 19))
    assert whole.shape == (2, 4, 50, 37)
    torch.testing.assert_close(whole, tiled, rtol=0, atol=1e-4)


@pytest.mark.parametrize("network", [{"name": "unet", "depth": 2}, {"name": "unet3d", "depth": 2, "width": 2}])
def test_every_channel_comes_out_where_it_went_in(tmp_path: Path, network: dict[str, object]) -> None:
    scan = write(tmp_path, 5)
    spec = specs.complete(Network.model_validate(network), 4)
    model = Model(registry.build(spec).eval(), spec, sampling.normalisation([scan]), {})
    model.network.forward = lambda images: images  # type: ignore[method-assign]
    full = mix(scan.read(0, 5), scan.shares)
    for number, (before, after) in enumerate(inference.denoise(model, scan, (0, 5))):
        np.testing.assert_array_equal(before, full[:, number])
        for image, same in zip(after, before, strict=True):
            np.testing.assert_allclose(image, same, atol=1e-3 * np.ptp(same))


@pytest.mark.slow
def test_a_channel_of_noise_receives_no_structure_of_the_others(tmp_path: Path) -> None:
    """After a training that halves the errors of the others: of theirs no more than 3 % of what its noise was."""
    torch.set_num_threads(1)
    scan = write(tmp_path)
    model = train(
        task(scan, specs.complete(Network(name="unet", depth=2), 4), 8e5), distributed.alone(), lambda *_: None
    )
    pairs = list(inference.denoise(model, scan, (0, 3)))
    before, after = (np.stack(images, axis=1)[..., scan.visible] for images in zip(*pairs, strict=True))
    clean = channels(3, 64)[..., scan.visible]
    noise = after[3].ravel()
    assert noise.std() < 0.1 * before[3].std()
    for image, raw, structure in zip(after[:3], before[:3], clean[:3], strict=True):
        assert np.std(image - structure) < 0.5 * np.std(raw - structure)
        received = np.mean(noise * (structure - structure.mean()).ravel()) / structure.std()
        assert abs(received) < 0.03 * before[3].std()


def test_coarser_resolutions_average_every_channel(tmp_path: Path) -> None:
    fine = np.random.default_rng(0).normal(size=(1, 3, 5, 8, 8)).astype(np.float32)
    for level, shape in enumerate([fine.shape, (1, 3, 3, 4, 4)]):
        zarr_arrays.allocate(tmp_path / str(level), shape, shape, shape, names=tuple("tczyx"), attributes={})
    zarr_arrays.write_shard(tmp_path / "0", (0, 0, 0, 0, 0), fine)
    files = SimpleNamespace(allocated=tmp_path / "0/zarr.json", array=tmp_path / "1/zarr.json")
    halve_slab.main(SimpleNamespace(input=files, params=SimpleNamespace(rows=(0, 3), times=(0, 1))))
    coarse = zarr_arrays.read(tmp_path / "1", (0,))
    for channel in range(3):
        np.testing.assert_allclose(coarse[channel, 1, 2, 3], fine[0, channel, 2:4, 4:6, 6:8].mean(), rtol=1e-5)


def test_voxels_and_channels_to_show_are_of_the_slice_and_differ() -> None:
    clean = channels(1, 40)[:, 0]
    noisy = clean + np.random.default_rng(0).normal(0, 0.1, clean.shape)
    chosen = spectra.choose(noisy, clean)
    assert chosen["channels"].tolist() == [0, 1, 2, 3]
    assert chosen["images"].shape == (2, 4, 40, 40)
    voxels = chosen["voxels"]
    assert len(np.unique(voxels, axis=0)) == len(voxels) == 4
    for number, (y, x) in enumerate(voxels):
        np.testing.assert_array_equal(chosen["curves"][1, number], clean[:, y, x])
    many = np.arange(40.0)[:, None, None] * clean[:1]
    shown = spectra.choose(many + noisy[:1] - clean[:1], many)["channels"]
    assert len(shown) == 6
    assert {0, 39} <= set(shown.tolist())


def test_memory_grows_with_the_channels() -> None:
    one, many = (Layout(180, 3, 200, 200, 3, 2**30, channels=count) for count in (1, 11))
    assert resources.reconstructing(many, additive=True) > resources.reconstructing(one, additive=True)
    narrow, wide = (specs.complete(Network(name="unet", slices=1), count) for count in (1, 11))
    assert resources.denoising(wide, many, Denoise()) > resources.denoising(narrow, one, Denoise())
    train_ = Train()
    assert resources.training(wide, [many], train_) > resources.training(narrow, [one], train_)
