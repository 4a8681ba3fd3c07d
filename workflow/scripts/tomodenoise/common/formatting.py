"""Human-readable sizes and times."""

import math

UNITS = ((5400, 60, "min"), (172800, 3600, "h"), (math.inf, 86400, "days"))
"""Times below so many seconds are given in a unit of so many seconds."""


def size(number: float) -> str:
    """Format a number of bytes."""
    power = min(int(math.log(max(number, 1), 1000)), 4)
    return f"{number / 1000**power:.{1 if power else 0}f} {['B', 'kB', 'MB', 'GB', 'TB'][power]}"


def duration(seconds: tuple[float, float]) -> str:
    """Format a range of times in seconds, at best and at worst."""
    low, high = seconds
    if high < 60:
        return "less than 1 min"
    unit, word = next((unit, word) for most, unit, word in UNITS if high < most)
    return f"{max(low / unit, 0.1):.2g} to {high / unit:.2g} {word}"
