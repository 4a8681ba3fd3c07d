"""A model from a file denoises without training, says where it comes from, and counts by its content."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import zarr
from projects import NETWORK, TRAIN, Project

from tomodenoise.common import provenance
from tomodenoise.networks import models, registry, specs
from tomodenoise.networks.models import Model, Normalisation
from tomodenoise.networks.options import Network

pytestmark = pytest.mark.slow
FILE = "models/old one.safetensors"


def write_model(file: Path, seed: int = 0) -> None:
    """Write a model as training would; slices and width are not those of the project's configuration."""
    torch.manual_seed(seed)
    spec = specs.complete(Network(name="unet", slices=7, width=2, depth=2))
    facts = provenance.collect({"split": {"sections": 4, "input": 3}}, {"basalt": "abc"})
    network = registry.build(spec)
    torch.nn.init.normal_(network.head.weight, std=0.1)  # type: ignore[union-attr, arg-type]
    file.parent.mkdir(exist_ok=True)
    models.save(Model(network, spec, Normalisation((0.01,), (0.02,)), facts | {"pixel_sizes": {"basalt": 9.0}}), file)


def project_in(folder: Path, raw: Path) -> Project:
    shutil.copy(raw, folder / "raw.h5")
    write_model(folder / FILE)
    project = Project(folder)
    configure(project)
    return project


def configure(project: Project, **model: object) -> None:
    project.configure(
        scans={"foam": {"file": "raw.h5", "model": "old", "pixel_size": 1.5}},
        models={"old": {"file": FILE} | model},
        network=NETWORK,
        train=TRAIN,
        slab_megabytes=1,
    )


@pytest.fixture(scope="module")
def denoised(tmp_path_factory: pytest.TempPathFactory, raw_scan: Callable[..., Path]) -> Project:
    """Denoise a scan with a model from a file."""
    project = project_in(tmp_path_factory.mktemp("denoised"), raw_scan("foam64.h5"))
    run = project.snakemake()
    assert run.status == 0, run.text
    assert "train_model" not in run.jobs
    return project


def jobs(project: Project) -> set[str]:
    run = project.snakemake("--dry-run")
    assert run.status == 0, run.text
    return set(run.jobs)


def test_a_model_from_a_file_denoises_without_training(denoised: Project) -> None:
    project, folder = denoised, denoised.folder
    assert not (folder / "results/models").exists()
    origin = zarr.open_group(folder / "results/foam/denoised.ome.zarr", mode="r").attrs["provenance"]["origin"]
    assert origin["file"] == FILE
    assert list(origin["facts"]["source"]) == ["basalt"]
    page = (folder / "results/report.html").read_text()
    assert FILE in page
    assert "trained on basalt" in page
    assert "trained at a pixel size of 9" in page
    assert "trained at a pixel size of 9" in (folder / "logs/foam/denoise/0-0.log").read_text()

    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(
        config.replace("width: 4", "width: 5").replace("pixels: 20000", "pixels: 90000")
    )
    os.utime(folder / FILE)
    assert jobs(project) == {"render_report"}  # which shows the configuration
    (folder / "config.yaml").write_text(config)
    assert jobs(project) == set()
    write_model(folder / FILE, seed=1)
    assert jobs(project) == {"describe_image", "denoise_slab", "judge_scan", "render_report"}


def test_a_model_from_a_file_that_names_scans_trains_on(denoised: Project) -> None:
    configure(denoised, scans=["foam"])
    write_model(denoised.folder / FILE, seed=1)
    run = denoised.snakemake("train")
    assert run.status == 0, run.text
    assert run.jobs == {"train_model": 1}
    trained = models.load(denoised.folder / "results/models/old/model.safetensors")
    assert trained.spec.slices == 7
    assert trained.normalisation == Normalisation((0.01,), (0.02,))
    assert "train_model" not in jobs(denoised)
    write_model(denoised.folder / FILE, seed=2)
    assert "train_model" in jobs(denoised)
