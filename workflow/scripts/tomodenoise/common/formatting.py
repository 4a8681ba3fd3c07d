"""Human-readable sizes and times."""

import math


def size(number: float) -> str:
    """Format a number of bytes."""
    power = min(int(math.log(max(number, 1), 1000)), 4)
    return f"{number / 1000**power:.{1 if power else 0}f} {['B', 'kB', 'MB', 'GB', 'TB'][power]}"


def duration(seconds: tuple[float, float]) -> str:
    """Format a range of times in seconds, at best and at worst."""
    low, high = seconds
    if high < 60:
        return "less than 1 min"
    unit, word = (60, "min") if high < 5400 else (3600, "h")
    return f"{max(low / unit, 0.1):.2g} to {high / unit:.2g} {word}"
