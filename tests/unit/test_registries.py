"""The examples of docs/examples: a network, an engine, a reader and an export, each one module and one entry."""

from pathlib import Path

import numpy as np
import phantoms
import pytest
import torch

import add_engine
import add_network
from tomodenoise.denoising import tile_plan, tiling
from tomodenoise.networks import models, specs
from tomodenoise.networks import registry as networks
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.planning import resources
from tomodenoise.reconstruction.engines import registry as engines
from tomodenoise.storage.layout import Layout


def test_an_added_network_is_completed_planned_built_stored_and_applied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(networks.NETWORKS, "plain", add_network.ENTRY["plain"])
    spec = specs.complete({"name": "plain", "depth": 4, "width": 3})
    layout = Layout(angles=64, depth=32, columns=64, size=64, stored=4, slab_bytes=2**30)
    assert resources.training(spec, [layout], {"memory": 1, "batch": 2, "patch": 64}) > 0
    assert resources.denoising_minutes(spec, layout, {"input": "full", "ensemble": 1}) > 0
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
    settings = {"engine": "simple", "filter": "ram-lak", "pad": "zero"}
    engines.check(settings)
    assert engines.capabilities("simple").additive
    angles = np.arange(180) * np.pi / 180
    sinogram = phantoms.sinogram(phantoms.disc(0.5), angles, 64, 30.2)[None]
    plan = engines.plan_as_set(settings, angles, np.full(180, np.pi / 180), 64, "cpu")
    image = plan(sinogram, 30.2)[0]
    assert image[phantoms.within(64, 0.4)].mean() == pytest.approx(1, abs=0.01)
    assert image[phantoms.within(64, 0.9) & ~phantoms.within(64, 0.6)].mean() == pytest.approx(0, abs=0.01)
