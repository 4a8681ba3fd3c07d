"""Numbers and settings in the words that a person reads."""

import math
import shlex
from typing import TypeAlias, TypeGuard

Branch: TypeAlias = "dict[str, Setting] | list[Setting]"
Setting: TypeAlias = "Branch | str | float | bool | None"
Tree: TypeAlias = "list[tuple[str, str | Tree]]"

NOTHING = "\N{EN DASH}"


def round_length(limit: float) -> float:
    """Return the longest of 1, 2, 5, 10, ... that is within the limit, as people expect on a scale bar."""
    power = 10.0 ** math.floor(math.log10(limit))
    return next((digit * power for digit in (5, 2) if digit * power <= limit), power)


def tree(value: Branch) -> Tree:
    """Turn nested settings into (key, text or branch) pairs; the entries of a list are numbered."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
    return [(str(key), tree(entry) if _nested(entry) else _text(entry)) for key, entry in pairs]


def _nested(value: Setting) -> TypeGuard[Branch]:
    if isinstance(value, dict):
        return bool(value)
    return isinstance(value, list) and any(map(_nested, value))


def _text(value: Setting) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value)) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    return NOTHING if value is None or value == {} else str(value)


def number(value: float, digits: int = 4) -> str:
    """Write four digits that count, or a dash for nan."""
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}") if math.isfinite(value) else NOTHING


def formatted(value: float | None, form: str) -> str:
    """Write a number in a format, or a dash if there is none."""
    return NOTHING if value is None else f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def duration(seconds: float) -> str:
    """Write seconds in the two units that matter."""
    if not math.isfinite(seconds):
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def memory(megabytes: float) -> str:
    """Write MB, or GB from a thousand on."""
    if not math.isfinite(megabytes):
        return NOTHING
    return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


def distance(micrometres: float, unit: str = "µm") -> str:
    """Write a length in nm, µm or mm, or in another unit that has no such steps."""
    if unit != "µm":
        return f"{micrometres:.4g} {unit}"
    scale, unit = (1e-3, "mm") if micrometres >= 1000 else (1, "µm") if micrometres >= 1 else (1000, "nm")
    return f"{micrometres * scale:.4g} {unit}"


def size(*sides: int) -> str:
    """Write the sides of a picture or volume."""
    return " \N{MULTIPLICATION SIGN} ".join(map(str, sides))


def opening(volume: str) -> dict[str, str]:
    """Say how a volume is opened: program to the line to type."""
    return {
        "napari": f"napari --plugin napari-ome-zarr {shlex.quote(volume)}",
        "Python": f"import zarr; volume = zarr.open({volume + '/0'!r}, mode='r')  # volume[t, c, z, y, x]",
    }
