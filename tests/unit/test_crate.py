"""The description of results as an RO-Crate, for what a whole run does not show: many raw files, models from a file."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from image_on_disk import write_image

from tomodenoise.config import settings

pytest.importorskip("rocrate")

from tomodenoise.report import crate

VERSIONS = {"tomodenoise": "1.0", "torch": "2.12.0+cpu"}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the results of a series in two raw files, denoised by a model from a file."""
    monkeypatch.chdir(tmp_path)
    volume = Path("results/series/denoised.ome.zarr")
    write_image(volume, np.zeros((1, 1, 4, 32, 32), np.float32))
    described = json.loads((volume / "zarr.json").read_text())
    source = {"files": ["raw/a b.h5", "raw/c.h5"], "fingerprint": "f00d"}
    described["attributes"]["provenance"] = {"revision": None, "versions": VERSIONS, "source": source}
    (volume / "zarr.json").write_text(json.dumps(described))
    os.utime(volume / "zarr.json", (0, 1_700_000_000))
    for name in ("config.json", "report.html", "series/denoised.h5"):
        Path("results", name).write_text("{}")
    monkeypatch.setattr(crate.model_file, "describe", lambda _: SimpleNamespace(fingerprint="beef"))
    return Path("results")


def described(results: Path, **asked: object) -> dict[str, dict[str, Any]]:
    scans = {"series": {"file": "raw/*.h5", "mode": "dynamic", "model": "old"}}
    config = settings.load({"scans": scans, "models": {"old": {"file": "old.safetensors"}}, "crate": asked})
    content = crate.describe(config, results, ["results/series/denoised.h5"])
    return {entity["@id"]: entity for entity in content["@graph"]}


def test_many_raw_files_share_a_fingerprint(results: Path) -> None:
    graph = described(results)
    files = [{"@id": Path(name).absolute().as_uri()} for name in ("raw/a b.h5", "raw/c.h5")]
    assert graph["#raw-series"]["hasPart"] == files
    assert graph[graph["#raw-series"]["identifier"]["@id"]]["value"] == "f00d"
    assert {"@id": "#raw-series"} in graph["#denoise-series"]["object"]


def test_raw_files_are_tiff_or_hdf5_by_their_content(results: Path) -> None:
    Path("raw").mkdir()
    Path("raw/c.h5").write_bytes(b"II*\0" + bytes(8))
    graph = described(results)
    types = [graph[Path(name).absolute().as_uri()]["encodingFormat"] for name in ("raw/a b.h5", "raw/c.h5")]
    assert types == ["application/x-hdf5", "image/tiff"]


def test_a_model_from_a_file_was_not_trained_here(results: Path) -> None:
    graph = described(results)
    model = Path("old.safetensors").absolute().as_uri()
    assert {"@id": model} in graph["#denoise-series"]["object"]
    assert graph[graph[model]["identifier"]["@id"]]["value"] == "beef"
    assert not [name for name in graph if name.startswith("#train")]


def test_it_makes_up_neither_licence_nor_author_and_the_same_results_give_the_same_crate(results: Path) -> None:
    graph = described(results)
    assert not {"license", "author"} & graph["./"].keys()
    assert graph["./"]["datePublished"] == graph["#denoise-series"]["endTime"] == "2023-11-14T22:13:20+00:00"
    assert graph["./"]["name"] == "Denoised tomograms: series"
    assert described(results, name="Foam")["./"]["name"] == "Foam"
    assert described(results) == graph


def test_software_has_its_version(results: Path) -> None:
    graph = described(results)
    assert graph["#tomodenoise"]["version"] == "1.0"
    (torch,) = graph["#tomodenoise"]["softwareRequirements"]
    assert graph[torch["@id"]]["version"] == "2.12.0+cpu"
    assert torch["@id"] == "https://pypi.org/project/torch/2.12.0/"
