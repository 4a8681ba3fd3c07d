"""The examples of docs/examples: a network, an engine, a reader and an export, each one module and one entry."""

from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import phantoms
import pytest
import torch
from image_on_disk import write_image

import add_engine
import add_export
import add_network
import add_reader
import export_file
from tomodenoise.common.errors import UserError
from tomodenoise.denoising import tile_plan, tiling
from tomodenoise.denoising.options import Denoise
from tomodenoise.exports import registry as exports
from tomodenoise.networks import models, specs
from tomodenoise.networks import registry as networks
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network
from tomodenoise.planning import paths, resources
from tomodenoise.reconstruction.engines import registry as engines
from tomodenoise.reconstruction.options import Reconstruct
from tomodenoise.scans import opening, reading
from tomodenoise.storage.layout import Layout
from tomodenoise.training.options import Train


def test_an_added_network_is_completed_planned_built_stored_and_applied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(networks.NETWORKS, "plain", add_network.ENTRY["plain"])
    spec = specs.complete(Network(name="plain", depth=4, width=3))
    layout = Layout(angles=64, depth=32, columns=64, size=64, stored=4, slab_bytes=2**30)
    assert resources.training(spec, [layout], Train(memory=1)) > 0
    assert resources.denoising_minutes(spec, layout, Denoise()) > 0
    assert len(tile_plan.windows(spec, (64, 64), 16)) == 16
    torch.manual_seed(0)
    models.save(Model(networks.build(spec), spec, Normalisation((0.0,), (1.0,)), {}), tmp_path / "model.safetensors")
    network = models.load(tmp_path / "model.safetensors").network
    rows = torch.randn(7, 1, 64, 64)
    whole = tiling.denoise_slices(network, spec, rows, 64)
    tiles = tiling.denoise_slices(network, spec, rows, 16)
    assert whole.shape == (3, 1, 64, 64)
    torch.testing.assert_close(tiles, whole)


def test_an_added_engine_is_checked_and_reconstructs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "simple", add_engine.ENTRY["simple"])
    options = Reconstruct(engine="simple", pad="zero")
    engines.check(options.engine)
    assert options.capabilities.additive
    angles = np.arange(180) * np.pi / 180
    sinogram = phantoms.sinogram(phantoms.disc(0.5), angles, 64, 30.2)[None]
    plan = engines.plan(options.engine, None, angles, np.full(180, np.pi / 180), 64, pad=options.pad)
    image = plan(sinogram, 30.2)[0]
    assert image[phantoms.within(64, 0.4)].mean() == pytest.approx(1, abs=0.01)
    assert image[phantoms.within(64, 0.9) & ~phantoms.within(64, 0.6)].mean() == pytest.approx(0, abs=0.01)


def test_an_added_reader_recognises_its_files_and_opens_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counts = np.arange(6 * 4 * 5, dtype=np.uint16).reshape(6, 4, 5)
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file["run/frames"] = counts
        file["run/angles"] = np.arange(6) * 30.0
        file["run/flats"] = counts[:2]
    with pytest.raises(UserError, match="no known layout"):
        opening.open_scan(tmp_path / "scan.h5")
    monkeypatch.setattr(opening, "READERS", [*opening.READERS, add_reader.READER])
    scan = opening.open_scan(tmp_path / "scan.h5")
    assert (scan.layout, scan.kind, scan.depth, scan.columns) == ("simple", "counts", 4, 5)
    np.testing.assert_allclose(scan.angles, np.radians(np.arange(6) * 30.0))
    np.testing.assert_array_equal(reading.read(scan.projections, scan.rows), counts)
    np.testing.assert_array_equal(reading.read(scan.flats, scan.rows), counts[:2])


def test_an_added_export_is_asked_for_and_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(exports.EXPORTS, "npy", add_export.ENTRY["npy"])
    assert paths.exports("npy", "foam", "denoised") == "results/foam/denoised.npy"
    values = np.random.default_rng(0).random((2, 1, 9, 20, 20), np.float32)
    folder = write_image(tmp_path / "a.ome.zarr", values, rows=4)
    files = SimpleNamespace(image=folder / "zarr.json")
    export_file.main(SimpleNamespace(input=files, output=[tmp_path / "denoised.npy"]))
    np.testing.assert_array_equal(np.load(tmp_path / "denoised.npy", mmap_mode="r"), values)
