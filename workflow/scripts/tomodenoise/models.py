"""A trained network with its normalisation: one safetensors file that says all about itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tomodenoise import networks
from tomodenoise.errors import UserError


@dataclass(frozen=True)
class Normalisation:
    """One affine map for all sections, as deviations of single sections would hold their noise."""

    mean: float
    """Mean of the full reconstruction in the field of view, attenuation per pixel."""
    scale: float
    """Its standard deviation there."""


@dataclass(frozen=True)
class Model:
    """A network that takes and gives slices in attenuation per pixel."""

    network: nn.Module
    spec: networks.Spec
    normalisation: Normalisation
    facts: Mapping[str, Any]
    """Training scans, settings and provenance: plain values."""

    def __call__(self, stack: Tensor) -> Tensor:
        """Denoise the middle slice: (n, slices, y, x) to (n, y, x), both in attenuation per pixel."""
        mean, scale = self.normalisation.mean, self.normalisation.scale
        result: Tensor = self.network((stack - mean) / scale)
        return result[:, 0] * scale + mean


def save(model: Model, path: Path) -> None:
    """Write weights and facts to a safetensors file, under a temporary name first."""
    described = {
        "network": asdict(model.spec),
        "normalisation": asdict(model.normalisation),
        "facts": dict(model.facts),
    }
    metadata = {"tomodenoise": json.dumps(described)}
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    scratch = path.with_name(f"{path.name}.partial")
    save_file(weights, scratch, metadata)
    scratch.replace(path)


def load(path: Path, device: torch.device | str = "cpu") -> Model:
    """Read a model; no code in the file is run.

    Raises
    ------
    UserError
        If the file is no model of tomodenoise.
    """
    try:
        with safe_open(path, framework="pt", device=str(device)) as file:
            described = json.loads((file.metadata() or {})["tomodenoise"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise UserError(f"{path} is no model of tomodenoise ({error}): train it again, or name another file") from None
    spec = networks.Spec(**described["network"])
    network = networks.build(spec).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.load_state_dict(weights)
    network.eval()
    return Model(network, spec, Normalisation(**described["normalisation"]), described["facts"])
