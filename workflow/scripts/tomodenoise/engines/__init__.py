"""The reconstruction engines behind one interface: a plan for a set of angles, applied to any number of slices."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tomodenoise.arrays import FloatArray
from tomodenoise.engines.filters import FILTERS
from tomodenoise.errors import UserError

__all__ = ["ENGINES", "FILTERS", "PADS", "Capabilities", "Plan", "capabilities", "plan"]


@dataclass(frozen=True)
class Capabilities:
    """What an engine may be asked for."""

    additive: bool  # reconstructions of sections sum to the reconstruction of their union
    arbitrary_angles: bool  # any angles in any order, not only an even half turn
    off_axis: bool  # the rotation axis anywhere on the detector, also between pixels
    full_turn: bool  # angles beyond 180 degrees
    gpu: bool  # runs on device "cuda"


class Plan(Protocol):
    """A reconstruction made ready for one set of angles, one center and one filter."""

    def __call__(self, sinograms: FloatArray) -> FloatArray:
        """Turn (slice, angle, column) float32 line integrals into (slice, y, x) float32 attenuation per pixel."""
        ...


_CAPABILITIES = {
    "torch": Capabilities(additive=True, arbitrary_angles=True, off_axis=True, full_turn=True, gpu=True),
}
ENGINES = tuple(_CAPABILITIES)
PADS = ("zero", "edge")


def capabilities(engine: str) -> Capabilities:
    """Say what ``engine``, one of ``ENGINES``, may be asked for; UserError for any other name."""
    _check("engine", engine, ENGINES)
    return _CAPABILITIES[engine]


def plan(
    engine: str,
    angles: FloatArray,
    weights: FloatArray,
    columns: int,
    center: float,
    *,
    filter: str,  # noqa: A002 - the field's word, and the config's key
    pad: str,
    device: str = "cpu",
) -> Plan:
    """Prepare the filtered backprojection of a set of projections, once for all slices.

    Parameters
    ----------
    engine : one of ``ENGINES``.
    angles : (A,) radians, in the order of the sinograms' rows; any range, any order.
    weights : (A,) radians, the angle that each projection stands for; they sum to π when the set covers a half turn.
    columns : detector columns N; slices have N by N pixels.
    center : column of the rotation axis in pixels, 0 in the middle of the first column.
    filter : one of ``FILTERS``, a window on the band-limited ramp; "none" is backprojection without any ramp.
    pad : what the ramp meets beyond the detector: "zero" nothing, right for a sample that it covers; "edge" each
        border's value on and on, for a sample that reaches beyond.
    device : "cpu" or "cuda".

    Returns
    -------
    A function of sinograms. A slice does not depend on the slices around it or on the number of threads, to the bit.

    Raises
    ------
    UserError
        For an unknown engine, filter or pad.
    """
    _check("engine", engine, ENGINES)
    _check("filter", filter, FILTERS)
    _check("pad", pad, PADS)
    if len(angles) != len(weights):
        raise ValueError(f"{len(angles)} angles but {len(weights)} weights")
    # Here, for torch takes seconds to import and whoever checks a config needs only the names above.
    from tomodenoise.engines.gridding import gridding_plan  # noqa: PLC0415

    return gridding_plan(angles, weights, columns, center, filter, pad, device)


def _check(key: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UserError(f"reconstruct.{key}: unknown {key} '{name}'; write one of {', '.join(known)}")
