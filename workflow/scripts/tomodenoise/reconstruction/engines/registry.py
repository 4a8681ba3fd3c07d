"""The reconstruction engines by name, behind one interface: a plan for a set of angles, applied to any slices.

To add one, write a module with a function from `Request` to `Plan`, and its entry in `ENGINES`. An engine is imported
when it is used.
"""

import importlib.util
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.reconstruction.engines.filters import FILTERS

PADS = ("zero", "edge")
ITERATIONS = 100
"""Default number of iterations of an iterative algorithm."""


@dataclass(frozen=True)
class Capabilities:
    """Properties of an algorithm, and the configuration keys that it takes."""

    additive: bool  # the weighted mean of the reconstructions of sections is the reconstruction of their union
    filtered: bool = False  # takes ``filter`` and ``pad``
    iterative: bool = False  # takes ``iterations``
    regularised: bool = False  # requires ``regularisation``


@dataclass(frozen=True)
class Request:
    """A reconstruction for an engine to prepare; see `plan` for the fields."""

    algorithm: str
    angles: FloatArray
    weights: FloatArray
    columns: int
    filter: str
    pad: str
    iterations: int
    regularisation: float | None
    device: str


@dataclass(frozen=True)
class Engine:
    """An engine, known without importing it."""

    plan: str
    """Import path of its function from `Request` to `Plan`, ``package.module:function``."""
    algorithms: Mapping[str, Capabilities]
    """By name; the first is the default."""
    package: str | None = None
    """Python package that it requires."""
    install: str = ""
    """Advice if that package is missing."""


class Plan(Protocol):
    """A reconstruction prepared for one set of angles and any center."""

    def __call__(self, sinograms: FloatArray, center: float | FloatArray) -> FloatArray:
        """Reconstruct slices from sinograms.

        Parameters
        ----------
        sinograms : (slice, angle, column) line integrals.
        center : column of the rotation axis in pixels, 0 at the middle of the first column; one for all slices, or
            (slice,).

        Returns
        -------
        (slice, y, x) float32, attenuation per pixel; x to the right, y up, the axis at (N - 1) / 2.
        """
        ...


_FILTERED = Capabilities(additive=True, filtered=True)
_ITERATIVE = Capabilities(additive=False, iterative=True)
_REGULARISED = Capabilities(additive=False, iterative=True, regularised=True)

ENGINES: dict[str, Engine] = {
    "torch": Engine(
        "tomodenoise.reconstruction.engines.native:plan",
        {"fbp": _FILTERED, "sirt": _ITERATIVE, "tv": _REGULARISED},
    ),
    "tomopy": Engine(
        "tomodenoise.reconstruction.engines.tomopy:plan",
        {"gridrec": _FILTERED, "fbp": _FILTERED, "sirt": _ITERATIVE, "mlem": _ITERATIVE, "tv": _REGULARISED},
        package="tomopy",
        install="it is on conda-forge, not PyPI; run with --sdm conda, or set reconstruct.engine: torch",
    ),
    "astra": Engine(
        "tomodenoise.reconstruction.engines.astra:plan",
        {"fbp": _FILTERED, "sirt": _ITERATIVE},
        package="astra",
        install="pip install astra-toolbox, or set reconstruct.engine: torch",
    ),
}


def algorithms(engine: str) -> tuple[str, ...]:
    """Return the names of an engine's algorithms, its default first; UserError for an unknown engine."""
    _check("engine", engine, ENGINES)
    return tuple(ENGINES[engine].algorithms)


def capabilities(engine: str, algorithm: str | None = None) -> Capabilities:
    """Return the properties of an algorithm, by default the engine's first; UserError for an unknown name."""
    known = algorithms(engine)
    if algorithm is not None and algorithm not in known:
        raise UserError(
            f"reconstruct.algorithm: engine '{engine}' has no '{algorithm}'; write one of {', '.join(known)}"
        )
    return ENGINES[engine].algorithms[algorithm or known[0]]


def check(
    engine: str,
    algorithm: str | None = None,
    iterations: int | None = None,
    regularisation: float | None = None,
    *,
    installed_elsewhere: bool = False,
) -> None:
    """Refuse settings that the chosen engine cannot follow; imports neither torch nor an engine.

    Parameters
    ----------
    engine, algorithm, iterations, regularisation : as for `plan`.
    installed_elsewhere : whether the jobs bring an environment of their own, so that an engine which is missing here
        may be there.

    Raises
    ------
    UserError
        For an engine that is not installed, an unknown name, an option that the algorithm does not take, or a missing
        one that it requires.
    """
    able = capabilities(engine, algorithm)
    name = algorithm or algorithms(engine)[0]
    if iterations is not None and not able.iterative:
        raise UserError(f"reconstruct.iterations: algorithm '{name}' has none; leave it out")
    if regularisation is not None and not able.regularised:
        raise UserError(f"reconstruct.regularisation: algorithm '{name}' has none; leave it out")
    if able.regularised and regularisation is None:
        raise UserError(f"reconstruct.regularisation: algorithm '{name}' needs it; write a number such as 0.1")
    record = ENGINES[engine]
    if record.package and not (installed_elsewhere or importlib.util.find_spec(record.package)):
        raise UserError(f"engine '{engine}' is not installed: {record.install}")


def plan(
    engine: str,
    algorithm: str | None,
    angles: FloatArray,
    weights: FloatArray,
    columns: int,
    *,
    filter: str = "ram-lak",  # noqa: A002 - the field's word, and the config's key
    pad: str = "edge",
    iterations: int | None = None,
    regularisation: float | None = None,
    device: str = "cpu",
) -> Plan:
    """Prepare the reconstruction of a set of projections, once for all slices and centers.

    Parameters
    ----------
    engine : one of ``ENGINES``.
    algorithm : one of its algorithms; None for its first.
    angles : (A,) radians, in the order of the sinograms' rows; any range, any order.
    weights : (A,) radians, the range of angles each projection represents; they sum to π over a half turn.
        Iterative algorithms ignore them.
    columns : detector columns N; slices have N by N pixels.
    filter : one of ``FILTERS``, a window on the band-limited ramp, the same with every engine; "none" is
        backprojection without a ramp.
    pad : padding of projections beyond the detector before filtering: "zero", right for a sample that the detector
        covers; "edge" repeats the border values, for a sample that extends beyond it.
    iterations : of an iterative algorithm; None for ``ITERATIONS``.
    regularisation : weight of the total variation in the objective.
    device : "cpu" or "cuda".

    Returns
    -------
    A function of sinograms and their center. With engine torch on a CPU the bits of a slice depend neither on the
    slices around it nor on the number of threads. A GPU repeats them to about seven digits.

    Raises
    ------
    UserError
        For what ``check`` refuses, and for an unknown filter or pad.
    """
    check(engine, algorithm, iterations, regularisation)
    _check("filter", filter, FILTERS)
    _check("pad", pad, PADS)
    if len(angles) != len(weights):
        raise ValueError(f"{len(angles)} angles but {len(weights)} weights")
    name = algorithm or algorithms(engine)[0]
    count = iterations or ITERATIONS
    request = Request(name, angles, weights, columns, filter, pad, count, regularisation, device)
    prepared: Plan = pkgutil.resolve_name(ENGINES[engine].plan)(request)
    return prepared


def _check(key: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UserError(f"reconstruct.{key}: unknown {key} '{name}'; write one of {', '.join(known)}")
