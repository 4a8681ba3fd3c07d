"""Names of raw files: patterns, natural order, and the numbers in them."""

import os
import re
from collections.abc import Sequence
from glob import glob
from pathlib import Path

import numpy as np

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.errors import UserError
from tomodenoise.scans import tiff


def expand(given: str | Sequence[str], key: str = "file") -> tuple[Path, ...]:
    """Return the files given by paths, by patterns such as `raw/step_*.h5`, or by a folder of TIFF files.

    The files of a pattern are in natural order: step_2 comes before step_10. Messages name ``key``.

    Raises
    ------
    UserError
        If a pattern matches no file, or a file is named twice.
    """
    patterns = [given] if isinstance(given, str) else given
    files = [file for pattern in patterns for file in _matching(pattern, key)]
    if len(set(files)) < len(files):
        duplicate = next(file for file in files if files.count(file) > 1)
        raise UserError(f"{key}: {duplicate} is named twice: name each step once")
    return tuple(files)


def patterns(files: Sequence[Path]) -> list[str]:
    """Return the names of files with # for each number, each once."""
    return list(dict.fromkeys(re.sub(r"\d+", "#", file.name) for file in files))


def gaps(files: Sequence[Path]) -> str:
    """Describe gaps in the numbers in the names of files, such as frames; empty without gaps, or numbers.

    Names count if they differ in a single number, whose usual step may be any.
    """
    if len(patterns(files)) != 1 or len(files) < 3:
        return ""
    table = np.array([[float(digits) for digits in re.findall(r"\d+", file.name)] for file in files])
    varying = np.flatnonzero(np.ptp(table, axis=0) > 0)
    if len(varying) != 1:
        return ""
    steps = np.diff(table[:, varying[0]])
    usual = np.sort(steps)[(len(steps) - 1) // 2]
    after = np.flatnonzero(steps > 1.5 * usual)
    if not len(after):
        return ""
    more = f", the first of {len(after)} gaps" if len(after) > 1 else ""
    return f"{files[after[0]]} is followed by {files[after[0] + 1].name}{more}"


def numbers(files: Sequence[Path]) -> FloatArray:
    """Return the last number in the name of each file, or an empty array if these do not ascend."""
    matches = [re.findall(r"\d+", file.stem) for file in files]
    numbers = np.array([float(digits[-1]) for digits in matches if digits])
    return numbers if len(numbers) == len(files) and np.all(np.diff(numbers) > 0) else np.empty(0)


def _matching(pattern: str, key: str) -> list[Path]:
    if os.path.isdir(pattern) and (images := tiff.within(Path(pattern))):  # noqa: PTH112
        return sorted(images, key=lambda file: _natural(str(file)))
    # Path.exists raises an error in a folder without access.
    if not set("*?[") & set(pattern) or os.path.exists(pattern):  # noqa: PTH110
        return [Path(pattern)]
    names = sorted(glob(pattern), key=_natural)  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not names:
        raise UserError(f"{key}: no file matches {pattern}: correct the pattern")
    return [Path(name) for name in names]


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts step_2 before step_10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
