"""Numbers and settings as readable text."""

import math
import shlex
from typing import Any, TypeAlias

Tree: TypeAlias = "list[tuple[str, str | Tree]]"

NOTHING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"


def round_length(limit: float) -> float:
    """Return the largest of 1, 2, 5, 10, ... within the limit, as usual on a scale bar."""
    power = 10.0 ** math.floor(math.log10(limit))
    return next((digit * power for digit in (5, 2) if digit * power <= limit), power)


def tree(value: dict[str, Any] | list[Any]) -> Tree:
    """Convert nested settings to pairs of key and text or branch; the entries of a list are numbered."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
    return [(str(key), _entry(entry)) for key, entry in pairs]


def _entry(value: Any) -> "str | Tree":  # noqa: ANN401 - a setting
    is_branch = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(part, dict) for part in value))
    if is_branch and value:
        return tree(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(_entry(part)) for part in value) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return NOTHING if value is None or value == {} else str(value)


def number(value: float | None, form: str = ".4g") -> str:
    """Format a number, or a dash for None, NaN and infinity."""
    known = value is not None and math.isfinite(value)
    return f"{value:{form}}".replace("-", MINUS) if known else NOTHING


def duration(seconds: float) -> str:
    """Format seconds in the two largest units; a dash for NaN."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def memory(megabytes: float) -> str:
    """Format MB, or GB from a thousand on; a dash for NaN."""
    if not math.isfinite(megabytes):
        return NOTHING
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def distance(length: float, unit: str = "µm") -> str:
    """Format a length in micrometres as nm, µm or mm, or a length in another unit as it is."""
    if unit != "µm":
        return f"{length:.4g} {unit}"
    scale, unit = (1e-3, "mm") if length >= 1000 else (1, "µm") if length >= 1 else (1000, "nm")
    return f"{length * scale:.4g} {unit}"


def size(*sides: int) -> str:
    """Format the sides of a picture or volume."""
    return " \N{MULTIPLICATION SIGN} ".join(map(str, sides))


def opening(volume: str) -> dict[str, str]:
    """Return the line to type that opens a volume, by program."""
    return {
        "napari": f"napari --plugin napari-ome-zarr {shlex.quote(volume)}",
        "Python": f"import zarr; volume = zarr.open({volume + '/0'!r}, mode='r')  # volume[t, c, z, y, x]",
    }
