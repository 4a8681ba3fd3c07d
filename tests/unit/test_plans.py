"""Plans of passes keep within memory, whatever the network and the volume."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from tomodenoise.denoising import tile_plan
from tomodenoise.denoising.options import Denoise
from tomodenoise.denoising.tile_plan import CACHED, CUBE_BYTES
from tomodenoise.networks import registry, specs
from tomodenoise.networks.options import Network
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.planning import resources
from tomodenoise.storage.layout import Layout
from tomodenoise.training.options import Train

PLANAR = [specs.complete(Network(name=name)) for name in ("unet", "msd")]
VOLUMETRIC = [specs.complete(Network(name="unet3d", depth=depth, width=width)) for depth, width in [(1, 4), (5, 56)]]


def largest(spec: Spec, shape: tuple[int, int], size: int) -> int:
    return max(math.prod(b - a for a, b in tile.window) for tile in tile_plan.windows(spec, shape, size))


@pytest.mark.parametrize("spec", PLANAR[:2], ids=lambda spec: spec.name)
@given(shape=st.tuples(st.integers(1, 5000), st.integers(1, 5000)), memory=st.integers(2**28, 2**38))
def test_a_window_keeps_within_the_memory_of_a_graphics_card(spec: Spec, shape: tuple[int, int], memory: int) -> None:
    halo = NETWORKS[spec.name].reach(spec) or 0
    size = tile_plan.core(spec, shape, memory)
    assert 1 <= size <= max(shape)
    # A core smaller than its halo would compute each pixel nine times and more: there the memory must do.
    least = tile_plan.pixel_bytes(spec) * (3 * halo + 2 * NETWORKS[spec.name].multiple(spec)) ** 2
    assert largest(spec, shape, size) * tile_plan.pixel_bytes(spec) <= max(memory, least)


@pytest.mark.parametrize("spec", PLANAR, ids=lambda spec: spec.name)
def test_a_slice_that_fits_is_not_cut(spec: Spec) -> None:
    assert len(tile_plan.windows(spec, (2048, 2048), tile_plan.core(spec, (2048, 2048), 60 << 30))) == 1


def test_a_processor_gets_tiles_that_its_caches_hold() -> None:
    assert tile_plan.core(PLANAR[0], (2048, 2048), None) == CACHED
    assert tile_plan.core(PLANAR[1], (2048, 2048), None) == 2048


@pytest.mark.parametrize("spec", VOLUMETRIC)
def test_cubes_lie_on_the_pooling_grid_and_keep_within_memory(spec: Spec) -> None:
    edge, overlap = tile_plan.cube(spec)
    assert edge % NETWORKS[spec.name].multiple(spec) == 0
    assert 0 < overlap <= edge // 4
    assert edge**3 * tile_plan.pixel_bytes(spec) <= 1.1 * CUBE_BYTES


@pytest.mark.parametrize("spec", PLANAR + VOLUMETRIC, ids=str)
@given(depth=st.integers(1, 3000), data=st.data())
def test_the_rows_to_read_hold_the_slab_and_are_bounded(spec: Spec, depth: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, depth - 1))
    stop = data.draw(st.integers(start + 1, depth))
    first, last = tile_plan.rows_read(spec, start, stop, depth)
    assert 0 <= first <= start < stop <= last <= depth
    most = tile_plan.cube(spec)[0] if spec.volumetric else spec.slices // 2
    assert last - first <= stop - start + 2 * most


@pytest.mark.parametrize("spec", PLANAR + VOLUMETRIC, ids=str)
def test_memory_grows_with_the_slab_and_not_with_the_volume(spec: Spec) -> None:
    def floats(depth: int, megabytes: int = 1024) -> float:
        layout = Layout(angles=2000, depth=depth, columns=1024, size=1024, stored=4, slab_bytes=megabytes * 2**20)
        return resources.denoising(spec, layout, Denoise(input="sections"))

    assert floats(1024) == floats(100_000)
    assert floats(1024, 64) < floats(1024)


@pytest.mark.parametrize("additive", [True, False])
def test_memory_to_reconstruct_grows_with_the_slab_not_the_volume(*, additive: bool) -> None:
    def floats(depth: int, megabytes: int = 1024) -> float:
        layout = Layout(1500, depth, columns=2048, size=2048, stored=4, slab_bytes=megabytes * 2**20)
        return resources.reconstructing(layout, additive=additive)

    assert floats(1024) == floats(100_000)
    assert floats(1024, 64) < floats(1024)
    assert 4 * floats(16) > 2**30 + 8 * 2**20  # no less than the slab and what it takes to write it


@pytest.mark.parametrize("spec", [*PLANAR, *VOLUMETRIC], ids=lambda spec: spec.name)
def test_a_step_takes_the_memory_of_its_pixels(spec: Spec) -> None:
    assert tile_plan.step_bytes(spec, 4, 64) == pytest.approx(2 * tile_plan.step_bytes(spec, 2, 64), abs=2)
    assert tile_plan.step_bytes(spec, 2, 64) == pytest.approx(
        2**spec.dimensions * tile_plan.step_bytes(spec, 2, 32), abs=8
    )
    assert tile_plan.step_bytes(spec, 1, 32) > 3 * tile_plan.pixel_bytes(spec) * 32**spec.dimensions


@pytest.mark.parametrize("name", ["unet", "unet3d"])
def test_operations_are_those_that_torch_counts(name: str) -> None:
    spec = specs.complete(Network(name=name, depth=2, width=4))
    shape = (1, 1, 8, 8, 8) if spec.volumetric else (1, spec.inputs, 16, 16)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        registry.build(spec)(torch.zeros(shape))
    head = 2 * spec.width
    assert counter.get_total_flops() / math.prod(shape[2:]) - head == pytest.approx(
        NETWORKS[spec.name].operations(spec)
    )


def test_training_asks_for_memory_for_its_sections_up_to_its_limit() -> None:
    train = Train(memory=1)
    asked = [
        4 * resources.training(PLANAR[0], [Layout(64, depth, 512, 512, 4, 2**30)], train) for depth in (100, 200, 9999)
    ]
    sections = 4 * 512**2 * 2
    assert asked[1] - asked[0] == pytest.approx(1.1 * 100 * sections)
    assert asked[2] - asked[0] == pytest.approx(1.1 * (2**30 - 100 * sections))


def test_judging_costs_more_with_rivals_and_not_with_depth() -> None:
    denoise = Denoise()
    low, high = (Layout(900, depth, 1024, 1024, 4, 2**30) for depth in (100, 1000))
    for spec in PLANAR:
        alone = resources.judging_minutes([spec], low, denoise)
        assert resources.judging_minutes([spec], high, denoise) == alone
        assert resources.judging_minutes([spec, spec], low, denoise) > alone
        assert resources.judging_minutes([spec], low, denoise, 2) > alone
        assert resources.judging([spec], low, denoise, 3) > resources.judging([spec], low, denoise)


def test_the_time_of_a_slab_grows_with_passes() -> None:
    shape = Layout(64, 100, 512, 512, 4, 2**30)
    once = resources.denoising_minutes(PLANAR[0], shape, Denoise())
    many = resources.denoising_minutes(PLANAR[0], shape, Denoise(input="sections", ensemble=8))
    assert many == pytest.approx(32 * once)
