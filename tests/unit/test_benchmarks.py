"""Counts and comparisons of the benchmarks, against values known by hand."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.nn import functional

sys.path.append(str(Path(__file__).parents[2]))

import scans_on_disk
from benchmarks import (
    cases,
    contestants,
    counting,
    defective,
    defects,
    dynamic_roles,
    judging,
    quality,
    runs,
    simulated,
)

from tomodenoise.common.arrays import FloatArray
from tomodenoise.geometry import rotation_axis
from tomodenoise.geometry.rotation_axis import Geometry
from tomodenoise.networks import registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.simulation import phantom
from tomodenoise.splitting import by_angle, model
from tomodenoise.splitting.model import Role
from tomodenoise.storage import sections, zarr_arrays


def test_a_convolution_is_counted_by_its_taps_and_the_data_it_moves() -> None:
    image, kernel = torch.zeros(1, 8, 32, 32), torch.zeros(4, 8, 3, 3)
    cost = counting.count(lambda: functional.conv2d(image, kernel, padding=1).relu())
    assert cost.operations == 2 * 9 * 8 * 4 * 32**2
    assert cost.traffic == 4 * (8 * 32**2 + 4 * 8 * 9 + 4 * 32**2)


def test_an_msd_network_costs_the_operations_of_its_definition() -> None:
    seen = sum(5 + layer for layer in range(100))
    assert contestants.flops(specs.complete(Network(name="msd"))) == pytest.approx(2 * 9 * seen + 2 * 105)


def test_the_network_that_blurs_is_a_gaussian_of_the_middle_slice() -> None:
    images = torch.zeros(1, 3, 41, 41)
    images[0, 1, 20, 20] = 1
    kernel = judging.Blur()(images)[0, 0].detach().numpy()
    y, x = np.mgrid[:41, :41] - 20
    assert kernel.sum() == pytest.approx(1, abs=1e-4)
    assert np.sum(kernel * x**2) == pytest.approx(judging.BLUR**2, rel=0.01)
    assert np.sum(kernel * y**2) == pytest.approx(judging.BLUR**2, rel=0.01)


def test_the_slower_of_operations_and_traffic_limits() -> None:
    rates = counting.Rates(products=10, convolutions=20, bandwidth=5)
    assert rates.seconds(counting.Cost(operations=40, traffic=5)) == 2
    assert rates.seconds(counting.Cost(operations=40, traffic=20)) == 4


@pytest.fixture
def scan() -> simulated.Scan:
    """Make a scan so small that only its bookkeeping can be tested."""
    truth = np.random.default_rng(0).random((4, 16, 16)).astype(np.float32)
    noisy = np.random.default_rng(1).random((32, 4, 16)).astype(np.float32)
    return simulated.Scan("tiny", np.arange(32) * np.pi / 32, noisy, noisy, truth, "cosine")


def test_supervised_training_maps_the_full_reconstruction_to_the_truth(scan: simulated.Scan, tmp_path: Path) -> None:
    written = simulated.write_supervised(tmp_path / "pair", scan, (1, 4))
    (role,), parts = written.split.roles, written.read(0, 3)[:, 0]
    full = simulated.full(scan, (1, 4))
    assert sections.mix(parts, written.shares) == pytest.approx(full, abs=1e-6)
    assert sections.mix(parts, written.mixing(role.inputs)) == pytest.approx(full, abs=1e-6)
    assert sections.mix(parts, written.mixing(role.targets)) == pytest.approx(scan.truth[1:4])


def test_sections_take_the_roles_that_are_asked_for(scan: simulated.Scan, tmp_path: Path) -> None:
    assert simulated.write(tmp_path / "three", scan, (0, 1), 4, 3).split.roles == by_angle.roles(4, 3)
    assert simulated.write(tmp_path / "mixed", scan, (0, 1), 4, "mixed").split.roles == by_angle.roles(4, "mixed")


def test_half_of_the_sections_are_an_input_without_the_other_half(scan: simulated.Scan, tmp_path: Path) -> None:
    four = contestants.halved(simulated.write(tmp_path / "four", scan, (0, 4), 4))
    two = simulated.write(tmp_path / "two", scan, (0, 4), 2)
    half = sections.mix(four.read(0, 4)[:, 0], four.mixing(four.split.roles[0].inputs))
    assert half == pytest.approx(two.read(0, 4)[0, 0], abs=1e-5)


def test_the_table_gives_the_mean_and_spread_of_each_contestant_best_last() -> None:
    same = {"phantom": "foam", "window": "cosine", "budget": "34 Mpx"}
    scores = [("good", 27.0), ("good", 28.0), ("bad", 20.0)]
    text = quality.table([{**same, "name": name, "psnr": psnr} for name, psnr in scores])
    assert "34 Mpx" in text
    assert text.index("| bad | 20.00 |") < text.index("| good | 27.50 ± 0.71 |")


TINY = defective.Setup(
    replace(defective.SCAN, columns=64, rows=4, angles=8, flats=4, darks=2, center=31.5), cylinder=0.3, fill=0.0
)


def test_a_plain_logarithm_is_written_for_the_kept_projections(tmp_path: Path) -> None:
    defective.write(tmp_path / "scan.h5", replace(TINY, plain_log=True, step=4))
    with h5py.File(tmp_path / "scan.h5") as file:
        exchange = file["exchange"]
        assert set(exchange) == {"data", "theta"}
        assert exchange.attrs["kind"] == "attenuation"
        np.testing.assert_allclose(exchange["theta"], [0, 90])
        assert exchange["data"][:].max() == pytest.approx(2, abs=0.1)


def reconstructed(folder: Path, volume: FloatArray, noise: float = 0.0) -> Path:
    """Write what the workflow would: sections that are all the volume and some noise, common to pairs of them."""
    split = by_angle.split(np.arange(8) * np.pi / 8, 4, 3)
    axis = Geometry(volume.shape[2], (volume.shape[2] - 1) / 2)
    (folder / "split.json").write_text(json.dumps(model.to_json(split)))
    (folder / "center.json").write_text(json.dumps(rotation_axis.to_json(axis)))
    drawn = noise * np.random.default_rng(0).standard_normal((2, *volume.shape))
    parts = (volume + drawn[[0, 0, 1, 1]]).astype(np.float32)[:, None]
    zarr_arrays.allocate(folder / "sections.zarr", parts.shape, parts.shape, parts.shape, names="kczyx", attributes={})
    zarr_arrays.write_shard(folder / "sections.zarr", (0, 0, 0, 0, 0), parts)
    return folder


def test_what_is_not_reconstructed_counts_as_air(tmp_path: Path) -> None:
    setup = replace(TINY, fill=0.3)
    true = phantom.truth(defective.foam(setup), 64, range(4))
    results = reconstructed(tmp_path, true)
    for figure in (defective.psnr, defective.within(40.0)):  # beyond the volume there is air indeed
        assert float(figure(results, setup).removesuffix(" dB")) > 120
    (tmp_path / "cut").mkdir()
    cut = reconstructed(tmp_path / "cut", true[:, 20:-20, 20:-20])
    assert float(defective.within(19.2)(cut, setup).removesuffix(" dB")) < 20
    assert defective.bias(results, setup) == "+0.00 % of the mean"


def test_noise_that_halves_share_is_seen(tmp_path: Path) -> None:
    shared = defective.correlation(reconstructed(tmp_path, np.zeros((4, 64, 64), np.float32), noise=1.0), TINY)
    assert shared == "correlation 1.000"


def test_each_scan_is_worked_up_once_for_each_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Mapping[str, object], str]] = []
    monkeypatch.setattr(runs, "run", lambda folder, config, target, cores: calls.append((config, target)))
    plain, zero = (cases.trial(TINY, defective.psnr, reconstruct={"pad": pad}) for pad in ("edge", "zero"))
    off = cases.trial(TINY, defective.bias, {"center": 3.0}, reconstruct={"pad": "edge"})
    results = defects.work(tmp_path, [plain, zero, off, plain], 1)
    assert [sorted(config["scans"]) for config, _ in calls] == [["scan0", "scan1"], ["scan0"]]
    assert [entry["center"] for entry in calls[0][0]["scans"].values()] == [31.5, 3.0]
    assert calls[1][0]["reconstruct"] == {"pad": "zero"}
    assert len(set(results.values())) == 3
    assert len(list(tmp_path.glob("raw/*.h5"))) == 1


def test_opposite_roles_swap_sides_and_steps_weigh_alike(tmp_path: Path) -> None:
    numbered = np.arange(5, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 16, 16), np.float32)
    scan = scans_on_disk.write_series(tmp_path, numbered, group=3, noise=0)
    assert dynamic_roles.opposite(scan.split.roles)[0] == Role((1, 2), (0,))
    spec = specs.complete(Network(name="unet", width=2, depth=2))
    identity = Model(registry.build(spec), spec, Normalisation((0.0,), (1.0,)), {})
    for reach, expected in ((0, [0, 1, 2, 3, 4]), (1, [0.5, 1, 2, 3, 3.5])):
        means = [volume.mean() for volume in dynamic_roles.apply(identity, scan, reach)]
        np.testing.assert_allclose(means, expected, atol=1e-5)
