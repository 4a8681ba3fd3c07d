"""The mixed-scale dense network: each layer sees the input and all earlier layers, with a dilation of its own.

Pelt & Sethian, PNAS 115 (2018) 254. Layer i convolves all channels before it with taps that are ``dilation[i]`` pixels
apart, adds a bias and applies ReLU; a 1x1 convolution of all channels, initially zero, gives the result. Images are
padded by reflection that repeats the edge: pixel -1 is 0, -2 is 1.

All channels are in one buffer, pixels of a channel contiguous, and nothing is concatenated, padded or copied. A layer
is a matrix product, since taps commute with sums over channels: first sum over channels for each tap, then shift by the
tap's distance. Only these few sums need the padding, not all channels. The sums of several layers over the channels
before all of them are one product, which reads these channels once.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from tomodenoise.networks.specs import Spec

SUMS = 90
"""Sums over channels to hold at a time: ten layers of nine taps. With fewer, the buffer is read more often."""


@dataclass(frozen=True)
class Layers:
    """Shape shared by all layers, and their dilations."""

    inputs: int
    width: int
    dimensions: int
    dilations: tuple[int, ...]

    @property
    def taps(self) -> int:
        """Taps of a convolution."""
        return int(3**self.dimensions)

    def before(self, layer: int) -> int:
        """Count the channels that a layer sees; for the number of layers, all channels."""
        return self.inputs + layer * self.width

    def own(self, layer: int) -> slice:
        """Return the channels that a layer computes."""
        return slice(self.before(layer), self.before(layer + 1))

    def by_tap(self, channels: Tensor) -> tuple[int, ...]:
        """Return the shape of a layer's sums: (3, 3, width, n, y, x) or (3, 3, 3, width, n, z, y, x)."""
        return (*(3,) * self.dimensions, self.width, *channels.shape[1:])

    def blocks(self) -> list[range]:
        """Group the layers whose sums over earlier channels are computed together."""
        size = max(1, SUMS // (self.taps * self.width))
        layers = range(len(self.dilations))
        return [layers[first : first + size] for first in layers[::size]]


class MixedScaleDense(nn.Module):
    """A mixed-scale dense network, in two or three dimensions.

    Weights are (taps, width, channels seen) with the taps in the order (z,) y, x.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        dilations = tuple(islice(cycle(spec.dilations), spec.depth))
        self.layers = layers = Layers(spec.inputs, spec.width, spec.dimensions, dilations)
        deviation = math.sqrt(2 / (layers.taps * layers.before(spec.depth - 1) + spec.channels))
        shapes = [(layers.taps, spec.width, layers.before(layer)) for layer in range(spec.depth)]
        self.weights = nn.ParameterList(torch.randn(*shape) * deviation for shape in shapes)
        self.biases = nn.Parameter(torch.zeros(spec.depth, spec.width))
        self.head = nn.Parameter(torch.zeros(spec.channels, layers.before(spec.depth)))
        self.offset = nn.Parameter(torch.zeros(spec.channels))

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, images, y, x) to (n, channels, y, x), or (n, channels, z, y, x) to the same shape."""
        kind = images.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else images.dtype
        with torch.autocast(kind, enabled=False):
            values = (value.to(dtype) for value in (images, self.biases, self.head, self.offset, *self.weights))
            result: Tensor = _Dense.apply(self.layers, *values)  # type: ignore[no-untyped-call]
        return result


class _Dense(torch.autograd.Function):
    """All layers at once: they share one buffer of channels, and in the backward pass one of the channels' gradients.

    Channels are (channel, n, y, x) or (channel, n, z, y, x), and (channel, pixel) for sums over channels.
    """

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - takes any attribute
        layers: Layers,
        images: Tensor,
        *parameters: Tensor,
    ) -> Tensor:
        biases, head, offset, *weights = parameters
        channels = images.new_empty((head.shape[1], len(images), *images.shape[2:]))
        channels[: layers.inputs] = images.transpose(0, 1)
        flat = channels.flatten(1)
        by_tap = layers.by_tap(channels)
        workspace = _workspace(layers, flat)
        for block in layers.blocks():
            known = layers.before(block[0])
            sums = workspace[: len(block)]
            torch.mm(_joined(weights, block, known), flat[:known], out=sums.flatten(0, 1))
            for layer, own_sums in zip(block, sums, strict=True):
                own = layers.own(layer)
                own_sums.addmm_(weights[layer].flatten(0, 1)[:, known:], flat[known : own.start])
                total = _gathered(own_sums.view(by_tap), layers.dilations[layer]).flatten(1)
                torch.add(total, biases[layer][:, None], out=flat[own]).relu_()
        ctx.layers = layers
        ctx.save_for_backward(channels, head, *weights)
        return _result(offset, head, flat).view(-1, *channels.shape[1:]).transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - as above
        layers: Layers = ctx.layers
        channels, head, *weights = ctx.saved_tensors
        flat = channels.flatten(1)
        by_tap = layers.by_tap(channels)
        result = gradient.to(head.dtype).transpose(0, 1).flatten(1)
        by_channels = torch.mm(head.T, result)
        by_biases = head.new_empty(len(weights), layers.width)
        by_weights: list[Tensor] = []
        workspace = _workspace(layers, flat)
        for block in reversed(layers.blocks()):
            known = layers.before(block[0])
            sums = workspace[: len(block)].zero_()
            for layer, by_sums in reversed(list(zip(block, sums, strict=True))):
                own = layers.own(layer)
                by_own = by_channels[own].mul_(flat[own] > 0)
                by_biases[layer] = by_own.sum(1)
                _spread(by_own.view(layers.width, *channels.shape[1:]), by_sums.view(by_tap), layers.dilations[layer])
                by_channels[known : own.start].addmm_(weights[layer].flatten(0, 1)[:, known:].T, by_sums)
            by_channels[:known].addmm_(_joined(weights, block, known).T, sums.flatten(0, 1))
            products = torch.mm(sums.flatten(0, 1), flat[: layers.before(block[-1])].T)
            by_weights[:0] = [
                product[:, : layers.before(layer)].reshape(weights[layer].shape)
                for layer, product in zip(block, products.view(*sums.shape[:2], -1), strict=True)
            ]
        images = by_channels[: layers.inputs].view(-1, *channels.shape[1:]).transpose(0, 1)
        return None, images, by_biases, torch.mm(result, flat.T), result.sum(1), *by_weights


def _result(offset: Tensor, head: Tensor, flat: Tensor) -> Tensor:
    """Mix all channels; half precision is summed in float32, as steps of eight bits would show in a volume."""
    if flat.dtype.itemsize >= 4:
        return torch.addmm(offset[:, None], head, flat)
    result = offset[:, None].float().repeat(1, flat.shape[1])
    for channels, weights in zip(torch.split(flat, 16), torch.split(head, 16, dim=1), strict=True):
        result.addmm_(weights.float(), channels.float())
    return result


def _workspace(layers: Layers, flat: Tensor) -> Tensor:
    """Allocate the sums of a block, (layer, tap x width, pixel)."""
    return flat.new_empty((len(layers.blocks()[0]), layers.taps * layers.width, flat.shape[1]))


def _joined(weights: Sequence[Tensor], block: range, known: int) -> Tensor:
    """Join the weights of several layers for the channels before them, (layer x tap x width, channel)."""
    return torch.cat([weights[layer][..., :known] for layer in block]).flatten(0, 1)


def _gathered(sums: Tensor, dilation: int) -> Tensor:
    """Add up the sums of all taps, each shifted to its tap, in place.

    Parameters
    ----------
    sums : (3, 3, width, n, y, x) or (3, 3, 3, width, n, z, y, x)
    """
    for axis in range(1 - sums.ndim // 2, 0):
        for tap, shift in ((0, -dilation), (2, dilation)):
            for here, there, length, mirrored in _pieces(sums.shape[axis], shift):
                part = sums[tap].narrow(axis, there, length)
                sums[1].narrow(axis, here, length).add_(part.flip(axis) if mirrored else part)
        sums = sums[1]
    return sums


def _spread(gradient: Tensor, sums: Tensor, dilation: int) -> None:
    """Write the gradient with respect to the sums of each tap over zeros: the adjoint of `_gathered`."""
    dimensions = sums.ndim // 2 - 1
    sums[(1,) * dimensions] = gradient
    for axis in range(-1, -dimensions - 1, -1):
        line = sums[(1,) * (dimensions + axis)]
        for tap, shift in ((0, -dilation), (2, dilation)):
            for here, there, length, mirrored in _pieces(line.shape[axis], shift):
                part = line[1].narrow(axis, here, length)
                line[tap].narrow(axis, there, length).add_(part.flip(axis) if mirrored else part)


def _pieces(length: int, shift: int) -> Iterator[tuple[int, int, int, bool]]:
    """Map each pixel of a line to the one ``shift`` further on, the line being continued by mirror images.

    Yields
    ------
    Two runs of pixels: first pixel, first pixel of the mapped run, length, and whether that run is reversed. The
    continued line has a period of twice its length, so a shift may be longer than the line.
    """
    shift %= 2 * length
    beyond = shift - length
    if beyond <= 0:
        yield 0, shift, length - shift, False
        yield length - shift, length - shift, shift, True
    else:
        yield 0, 0, length - beyond, True
        yield length - beyond, 0, beyond, False
