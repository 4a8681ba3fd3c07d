"""The header of a model's file, read without torch to plan the workflow's jobs."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

import tomodenoise
from tomodenoise.common import paths, provenance
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.networks import specs
from tomodenoise.networks.registry import NETWORKS
from tomodenoise.networks.specs import Spec
from tomodenoise.scans.identity import fingerprint

KEY = "tomodenoise"
"""Key of the file's metadata that holds the header as JSON text."""

PIXEL_SIZE_LIMIT = 1.25
"""At pixel sizes that differ by more than this factor, structure and noise have another scale."""


@dataclass(frozen=True)
class Description:
    """The header of a model's file."""

    file: Path
    spec: Spec
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    """Normalisation: mean and standard deviation of each channel of the training scans, attenuation per pixel."""
    facts: Mapping[str, Any]
    """Settings, training scans (`source`), their pixel sizes, versions: see `facts`."""
    held_out: Mapping[str, Any]
    """Part held out of each training scan, by name; see `held_out.to_json`. Empty in older files."""
    weights: int
    """Number of parameters."""

    @property
    def fingerprint(self) -> str:
        """Hash of the content: it survives touching and moving the file, and changes with the weights."""
        return fingerprint([self.file])

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Names of the training scans."""
        return tuple(self.facts.get("source", ()))

    @property
    def pixel_sizes(self) -> tuple[float, ...]:
        """Known pixel sizes of the training scans, micrometres."""
        return tuple(size for size in self.facts.get("pixel_sizes", {}).values() if size)


def describe(file: Path) -> Description:
    """Read the header of a model's file without running code from it or reading weights.

    Raises
    ------
    UserError
        If the file is missing, is not a model of tomodenoise, or has too few weights for the network it describes.
    """
    missing = f"{file}: no such file: correct the path, or leave it out to train a model"
    paths.check(file, missing)
    if not file.is_file():
        raise UserError(missing)
    maker = ""
    try:
        with safe_open(file, framework="numpy") as content:
            header = json.loads((content.metadata() or {})[KEY])
            shapes = [content.get_slice(name).get_shape() for name in content.keys()]  # noqa: SIM118 - no mapping
        maker = _maker(header)
        return _description(file, header, shapes)
    except (AttributeError, KeyError, OSError, TypeError, ValueError, SafetensorError, UserError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{file} is not a model of tomodenoise{maker} ({reason}): train one, or name another file"
        ) from None


def seal(header: Mapping[str, Any], weights: Mapping[str, FloatArray]) -> str:
    """Return the SHA-256 checksum of a model's header and weights, by which damage is detected.

    Parameters
    ----------
    header : plain values; the key `seal` is ignored.
    weights : by name.
    """
    sealed = {key: value for key, value in header.items() if key != "seal"}
    digest = hashlib.sha256(json.dumps(sealed, sort_keys=True).encode())
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()


def check_seal(file: Path, weights: Mapping[str, FloatArray]) -> None:
    """Refuse a damaged model file; a file from a version that wrote no seal passes."""
    with safe_open(file, framework="numpy") as content:
        header = json.loads(content.metadata()[KEY])
    if header.get("seal", expected := seal(header, weights)) != expected:
        raise UserError(f"{file} is damaged: restore it from a copy, or train the model again")


def facts(request: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Describe a training in plain values, to be stored with its model.

    Parameters
    ----------
    request : see `Params.training_request`.
    known : conditions of the training scans by name and key, see `Params.conditions`; recorded only, without effect on
        the training.
    """
    described = provenance.collect(request["config"], request["sources"])
    sizes = {name: each.get("pixel_size", {}).get("value") for name, each in known.items()}
    return described | {"pixel_sizes": sizes, "conditions": known, "origin": request["origin"]}


def origin(model: Description) -> dict[str, Any]:
    """Describe a model's file and training in plain values, for the provenance of its products."""
    return {
        "file": str(model.file),
        "fingerprint": model.fingerprint,
        "network": asdict(model.spec),
        "facts": dict(model.facts),
    }


def check_channels(model: Description, channels: int) -> None:
    """Refuse a model that was trained for another number of channels."""
    if model.spec.channels != channels:
        raise UserError(
            f"{model.file} is for {model.spec.channels} channels, but the scans have {channels}: name another model"
        )


def concerns(model: Description, pixel_size: float | None) -> list[str]:
    """List reasons to doubt a model on a scan with this pixel size, micrometres; None if it is unknown."""
    doubts = [str(doubt) for doubt in model.facts.get("shelf", {}).get("doubts", ())]
    if pixel_size is None or not model.pixel_sizes:
        return doubts
    smallest = min(model.pixel_sizes)
    largest = max(model.pixel_sizes)
    if smallest / PIXEL_SIZE_LIMIT <= pixel_size <= largest * PIXEL_SIZE_LIMIT:
        return doubts
    trained = f"{smallest:g}" if smallest == largest else f"{smallest:g} to {largest:g}"
    size = f"the model was trained at a pixel size of {trained} µm, this scan has {pixel_size:g} µm: check the result"
    return [*doubts, size]


def _maker(header: Mapping[str, Any]) -> str:
    """Name the version that wrote a file, for a message; empty if it is this one."""
    version = header["facts"].get("versions", {}).get("tomodenoise", tomodenoise.__version__)
    return "" if version == tomodenoise.__version__ else f" {tomodenoise.__version__}, but of {version}"


def _description(file: Path, header: Mapping[str, Any], shapes: Sequence[Sequence[int]]) -> Description:
    if header["network"]["name"] not in NETWORKS or header["network"]["dimensions"] not in {2, 3}:
        raise ValueError(f"there is no network {header['network']}")
    spec = specs.from_json(header["network"])
    facts = dict(header["facts"])
    mean, scale = (tuple(map(float, header["normalisation"][key])) for key in ("mean", "scale"))
    if not (all(map(math.isfinite, mean + scale)) and min(scale, default=0) > 0):
        raise ValueError(f"its normalisation is invalid: mean {mean}, standard deviation {scale}")
    if not len(mean) == len(scale) == spec.channels:
        raise ValueError(
            f"its normalisation has {len(mean)} and {len(scale)} channels, but its network has {spec.channels}"
        )
    numbers = (spec.slices, spec.steps, spec.width, spec.depth, spec.channels, *spec.dilations)
    if not all(type(number) is int and number > 0 for number in numbers) or spec.slices * spec.steps % 2 == 0:
        raise ValueError(f"its network is invalid: {spec}")
    weights = sum(math.prod(shape) for shape in shapes)
    # Guards against headers of networks that would take forever to plan or to build.
    if max(spec.depth, len(spec.dilations)) > len(shapes) or max(spec.width, spec.inputs) > weights:
        raise ValueError(f"{weights} weights are too few for {spec}")
    described = Description(file, spec, mean, scale, facts, dict(header.get("held_out", {})), weights)
    if not all(isinstance(name, str) for name in described.trained_on):
        raise ValueError("it does not name its training scans")
    if not all(isinstance(size, int | float) for size in described.pixel_sizes):
        raise ValueError("its pixel sizes are not numbers")
    return described
