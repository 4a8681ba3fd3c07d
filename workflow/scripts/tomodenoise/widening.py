"""Half acquisition (stub until merge)."""


def size(columns: int, center: float) -> int:
    """Edge of a slice."""
    return 2 * int(max(center, columns - 1 - center) + 1)


def is_half_acquisition(center: float, columns: int) -> bool:
    """Tell."""
    return abs(center - (columns - 1) / 2) > columns / 6
