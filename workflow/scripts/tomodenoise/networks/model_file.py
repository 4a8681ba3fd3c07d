"""The header of a model's file, read without torch: the workflow plans its jobs from it."""

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
"""Key of the file's metadata whose value is the header, as JSON."""

PIXEL_SIZE_LIMIT = 1.25
"""Pixel sizes that differ by more than this factor show structure and noise at another scale."""


@dataclass(frozen=True)
class Description:
    """The header of a model's file."""

    file: Path
    spec: Spec
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    """Normalisation: mean and deviation of each channel of the training scans, attenuation per pixel."""
    facts: Mapping[str, Any]
    """Settings, training scans (`source`), their pixel sizes, versions: see `facts`."""
    held_out: Mapping[str, Any]
    """Name of each training scan to the part that was held out, see `held_out.to_json`; empty in older files."""
    weights: int
    """Number of trained values."""

    @property
    def fingerprint(self) -> str:
        """Hash of its content: a file that was touched or moved keeps it."""
        return fingerprint([self.file])

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Names of the scans that trained it."""
        return tuple(self.facts.get("source", ()))

    @property
    def pixel_sizes(self) -> tuple[float, ...]:
        """Micrometres, of the scans that trained it, if known."""
        return tuple(size for size in self.facts.get("pixel_sizes", {}).values() if size)


def describe(file: Path) -> Description:
    """Read the header of a model's file; no code in it is run and no weight is read.

    Raises
    ------
    UserError
        If the file is missing, is not a model of tomodenoise, or has too few weights for its network.
    """
    missing = f"{file}: there is no such file: correct the path, or leave it out to train a model"
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
            f"{file} is no model of tomodenoise{maker} ({reason}): train one, or name another file"
        ) from None


def seal(header: Mapping[str, Any], weights: Mapping[str, FloatArray]) -> str:
    """Return the SHA-256 of header and weights, by which a damaged file is recognised.

    Parameters
    ----------
    header : plain values; `seal` itself does not count.
    weights : by name.
    """
    sealed = {key: value for key, value in header.items() if key != "seal"}
    digest = hashlib.sha256(json.dumps(sealed, sort_keys=True).encode())
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()


def check_seal(file: Path, weights: Mapping[str, FloatArray]) -> None:
    """Refuse a model's file that changed since it was written; files of versions without a seal pass."""
    with safe_open(file, framework="numpy") as content:
        header = json.loads(content.metadata()[KEY])
    if header.get("seal", expected := seal(header, weights)) != expected:
        raise UserError(f"{file} is damaged: take it from a copy, or train the model again")


def facts(request: Mapping[str, Any], pixel_sizes: Mapping[str, float | None]) -> dict[str, Any]:
    """Describe a training in plain values, to be kept with its model.

    Parameters
    ----------
    request : see `Params.training_request` in `planning.params`.
    pixel_sizes : micrometres, of the training scans, for information only.
    """
    described = provenance.collect(request["config"], request["sources"])
    return described | {"pixel_sizes": dict(pixel_sizes), "origin": request["origin"]}


def origin(model: Description) -> dict[str, Any]:
    """Return the file of a model and what trained it, in plain values for the provenance of its products."""
    return {
        "file": str(model.file),
        "fingerprint": model.fingerprint,
        "network": asdict(model.spec),
        "facts": dict(model.facts),
    }


def check_channels(model: Description, channels: int) -> None:
    """Refuse a model for scans of another number of channels."""
    if model.spec.channels != channels:
        raise UserError(
            f"{model.file} is for {model.spec.channels} channels, but the scans have {channels}: name another model"
        )


def concerns(model: Description, pixel_size: float | None) -> list[str]:
    """Return doubts about a model for a scan with pixels of this size, micrometres; None if it is not known."""
    if pixel_size is None or not model.pixel_sizes:
        return []
    smallest = min(model.pixel_sizes)
    largest = max(model.pixel_sizes)
    if smallest / PIXEL_SIZE_LIMIT <= pixel_size <= largest * PIXEL_SIZE_LIMIT:
        return []
    trained = f"{smallest:g}" if smallest == largest else f"{smallest:g} to {largest:g}"
    return [f"the model was trained at a pixel size of {trained} µm, this scan has {pixel_size:g} µm: look closely"]


def _maker(header: Mapping[str, Any]) -> str:
    """Return the version that wrote a file as a part of a message; empty if it is this one."""
    version = header["facts"].get("versions", {}).get("tomodenoise", tomodenoise.__version__)
    return "" if version == tomodenoise.__version__ else f" {tomodenoise.__version__}, but of {version}"


def _description(file: Path, header: Mapping[str, Any], shapes: Sequence[Sequence[int]]) -> Description:
    if header["network"]["name"] not in NETWORKS or header["network"]["dimensions"] not in {2, 3}:
        raise ValueError(f"there is no network {header['network']}")
    spec = specs.from_json(header["network"])
    facts = dict(header["facts"])
    mean, scale = (tuple(map(float, header["normalisation"][key])) for key in ("mean", "scale"))
    if not (all(map(math.isfinite, mean + scale)) and min(scale, default=0) > 0):
        raise ValueError(f"normalisation by mean {mean} and deviation {scale}")
    if not len(mean) == len(scale) == spec.channels:
        raise ValueError(f"normalisation of {len(mean)} and {len(scale)} channels for a network of {spec.channels}")
    numbers = (spec.slices, spec.steps, spec.width, spec.depth, spec.channels, *spec.dilations)
    if not all(type(number) is int and number > 0 for number in numbers) or spec.slices * spec.steps % 2 == 0:
        raise ValueError(f"there is no {spec}")
    weights = sum(math.prod(shape) for shape in shapes)
    # Otherwise a small forged file could describe a network that takes forever to plan or to build.
    if max(spec.depth, len(spec.dilations)) > len(shapes) or max(spec.width, spec.inputs) > weights:
        raise ValueError(f"its {weights} weights are too few for {spec}")
    described = Description(file, spec, mean, scale, facts, dict(header.get("held_out", {})), weights)
    if not all(isinstance(value, str) for value in described.trained_on):
        raise ValueError("it does not name the scans that trained it")
    if not all(isinstance(size, int | float) for size in described.pixel_sizes):
        raise ValueError("its pixel sizes are not numbers")
    return described
