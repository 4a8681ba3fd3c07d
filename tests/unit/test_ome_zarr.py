"""The OME-Zarr images keep the specification, and open with other programs at their physical scale."""

import json
import pkgutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from image_on_disk import write_image
from jsonschema import Draft202012Validator
from ome_zarr_models.v05 import Image
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tomodenoise.common.errors import UserError
from tomodenoise.storage import ome_zarr, zarr_arrays

SCHEMAS = Path(__file__).parent / "ome_zarr_0.5"
"""Those of the specification, Copyright 2020 the Open Microscopy Environment, BSD-2-Clause."""

SHAPES = [(9, 600, 600), (5, 300, 300), (3, 150, 150)]


def written(path: Path, times: int = 1, channels: int = 1) -> Path:
    """Write an image whose channels hold 3, 6, 9…."""
    values = np.broadcast_to(3.0 * np.arange(1, channels + 1)[:, None, None, None], (times, channels, *SHAPES[0]))
    return write_image(path, values.astype(np.float32))


def test_the_recorded_method_of_downsampling_exists() -> None:
    assert callable(pkgutil.resolve_name(ome_zarr.HALVED["method"]))


@pytest.mark.parametrize(("times", "channels"), [(1, 1), (2, 2)])
def test_an_image_keeps_the_specification(tmp_path: Path, times: int, channels: int) -> None:
    path = written(tmp_path / "denoised.ome.zarr", times, channels)
    resources = [DRAFT202012.create_resource(json.loads(file.read_text())) for file in SCHEMAS.glob("*.schema")]
    registry = Registry().with_resources([(str(resource.id()), resource) for resource in resources])
    schema = json.loads((SCHEMAS / "strict_image.schema").read_text())
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    validator = Draft202012Validator(schema, registry=registry)
    assert list(validator.iter_errors(attributes)) == []
    assert list(validator.iter_errors({"ome": {**attributes["ome"], "version": "0.4"}})) != []
    Image.from_zarr(zarr.open_group(path, mode="r"))


def test_an_image_opens_with_ome_zarr_and_has_its_physical_scale(tmp_path: Path) -> None:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    path = written(tmp_path / "denoised.ome.zarr")
    (node,) = list(Reader(parse_url(path, mode="r"))())
    assert [data.shape[2:] for data in node.data] == SHAPES
    assert [float(data[0, 0, -1, -1, -1]) for data in node.data] == [3, 3, 3]
    (scale, translation) = node.metadata["coordinateTransformations"][1]
    assert scale["scale"] == [1, 1, 2.86, 2.86, 2.86]
    assert translation["translation"] == [0, 0, 0.715, 0.715, 0.715]
    assert [axis.get("unit") for axis in node.metadata["axes"]] == [None, None, *["micrometer"] * 3]
    (limits,) = node.metadata["contrast_limits"]
    assert limits[0] < 3 < limits[1]
    assert node.metadata["channel_names"] == ["tooth"]
    assert zarr.open_group(path, mode="r")["0"].shape == (1, 1, 9, 600, 600)


def test_an_image_is_read_as_it_was_described(tmp_path: Path) -> None:
    image = ome_zarr.read(written(tmp_path / "denoised.ome.zarr", 1, 2))
    assert image.shape == (1, 2, *SHAPES[0])
    assert image.axes == tuple("tczyx")
    assert image.units == (None, None, *["micrometer"] * 3)
    assert image.scale == (1, 1, 1.43, 1.43, 1.43)
    assert image.provenance == {"revision": "abc"}
    assert [w.start < 3 * c < w.end for c, w in enumerate(image.windows, start=1)] == [True] * 2
    (image.folder / "zarr.json").write_text("{")
    with pytest.raises(UserError, match=r"zarr.json is damaged"):
        ome_zarr.read(image.folder)


def test_a_grey_window_fits_the_sample_inside_the_field_of_view(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(5, 1, (1, 1, 4, 64, 64)).astype(np.float32)
    values[..., :8, :8] = 1e6
    zarr_arrays.allocate(tmp_path / "a", values.shape, values.shape, values.shape, names="tczyx", attributes={})
    zarr_arrays.write_shard(tmp_path / "a", (0, 0, 0, 0, 0), values)
    (window,) = ome_zarr.windows(tmp_path / "a", 0.5)
    assert window.low < window.start < 3
    assert 7 < window.end < window.high < 50
