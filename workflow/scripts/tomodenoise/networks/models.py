"""A trained network with its normalisation, in one self-contained safetensors file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as serialised
from torch import Tensor, nn

from tomodenoise.common import devices, files
from tomodenoise.common.errors import UserError
from tomodenoise.networks import model_file, registry
from tomodenoise.networks.specs import Spec


@dataclass(frozen=True)
class Normalisation:
    """One affine map per channel, the same for all sections: the deviation of single ones would include their noise."""

    mean: tuple[float, ...]
    """(channel,) mean of the full reconstruction in the field of view, attenuation per pixel."""
    scale: tuple[float, ...]
    """(channel,) standard deviation of the same."""

    def apply(self, images: Tensor, axis: int) -> Tensor:
        """Normalise images whose channels are along this axis."""
        return (images - _along(self.mean, images, axis)).div_(_along(self.scale, images, axis))

    def undo(self, images: Tensor, axis: int, out: Tensor | None = None) -> Tensor:
        """Convert normalised images back to attenuation per pixel, in ``out`` if given, which may be the images."""
        return torch.mul(images, _along(self.scale, images, axis), out=out).add_(_along(self.mean, images, axis))


@dataclass(frozen=True)
class Model:
    """A network whose input and output are normalised slices or volumes, with that normalisation."""

    network: nn.Module
    spec: Spec
    normalisation: Normalisation
    facts: Mapping[str, Any]
    """Training scans, their pixel sizes, settings and provenance: plain values, see `model_file.facts`."""
    held_out: Mapping[str, Any] = field(default_factory=dict)
    """Part held out of each training scan, by name: plain values, see `held_out.to_json`."""

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.network.parameters()).device


def save(model: Model, path: Path) -> None:
    """Write weights and facts to a safetensors file, atomically."""
    described = {
        "network": asdict(model.spec),
        "normalisation": asdict(model.normalisation),
        "facts": dict(model.facts),
        "held_out": dict(model.held_out),
    }
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.network.state_dict().items()}
    plain: dict[str, Any] = json.loads(json.dumps(described))
    sealed = plain | {"seal": model_file.seal(plain, {name: tensor.numpy() for name, tensor in weights.items()})}
    metadata = {model_file.KEY: json.dumps(sealed)}
    # With the permissions of the umask; save_file of safetensors makes files readable by the owner alone.
    with files.replacing(path) as partial:
        partial.write_bytes(serialised(weights, metadata))


def load(path: Path, device: torch.device | str = "cpu") -> Model:
    """Read a model without running code from the file or allocating more memory than the file fills.

    Raises
    ------
    UserError
        If the file is missing, is not a model of tomodenoise, is damaged, or has weights that do not fit its network.
    """
    described = model_file.describe(path)
    try:
        with torch.device("meta"):
            network = registry.build(described.spec)
        weights = load_file(path)
        network.load_state_dict(weights, assign=True)
    except (RuntimeError, TypeError, ValueError, OverflowError, SafetensorError):
        raise UserError(
            f"{path}: its weights do not fit the {described.spec.name} that its header describes:"
            " train the model again, or name another file"
        ) from None
    model_file.check_seal(path, {name: tensor.numpy() for name, tensor in weights.items()})
    order = devices.memory_format(volumetric=described.spec.volumetric)
    network = network.float().eval().to(device, memory_format=order)  # type: ignore[call-overload]
    norm = Normalisation(described.mean, described.scale)
    return Model(network, described.spec, norm, described.facts, described.held_out)


def _along(values: tuple[float, ...], images: Tensor, axis: int) -> Tensor:
    shape = [1] * images.ndim
    shape[axis] = len(values)
    return images.new_tensor(values).reshape(shape)
