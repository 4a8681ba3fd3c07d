"""Inspection of every frame before any is used: outliers among flats and darks, projections without light."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tomodenoise.common.arrays import BoolArray, FloatArray, IntArray
from tomodenoise.common.errors import UserError
from tomodenoise.correction import odd_frames
from tomodenoise.scans.description import Frames, LeftOut, Scan, runs
from tomodenoise.scans.excluding import keep, numbers
from tomodenoise.scans.reading import ceiling, read, read_channels

# Number and height of the bands of rows, spread over the detector, that are read from each frame
BANDS, BAND_ROWS = 4, 4
TILE, TILES = 16, 16  # minimum width of a tile in columns, and maximum number of tiles across
BLOCK_BYTES = 1 << 25
DRIFT = 0.15  # least relative variation of the flats that is reported


def screen(scan: Scan) -> Scan:
    """Inspect all frames of a scan.

    Returns
    -------
    The scan without outliers among its flats and darks, and with the projections without light in `unlit`. `left_out`
    lists the excluded frames, `doubts` other findings for the user.

    Raises
    ------
    UserError
        If most of the flats, darks or projections are faulty, so that it is unclear which are right.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # tiles without a finite pixel count as dark
        return _screened(scan)


def _screened(scan: Scan) -> Scan:
    if scan.channels:
        first = read_channels(scan, (0, 1))
        return _without_light(scan, odd_frames.blank(first.reshape(len(first), -1)), "hold a single value, or none")
    dark: FloatArray | float = 0.0
    if scan.kind == "counts":
        scan, dark = _references(scan)
    means, saturated = _summary(scan.projections, scan)
    tiles = means - dark
    if scan.kind == "attenuation":
        return _without_light(scan, odd_frames.blank(tiles), "hold a single value, or none")
    unlit = odd_frames.unlit(tiles)
    dips = odd_frames.dips(tiles, ~unlit)
    if len(dips):
        doubt = (
            f"projections {spans(numbers(scan)[dips])} differ strongly from those before and after, but are kept: if"
            f" the beam failed, leave them out with exclude: {{projections: [{number_list(numbers(scan)[dips])}]}}"
        )
        scan = replace(scan, doubts=(*scan.doubts, doubt))
    same = 1 + np.flatnonzero((tiles[1:] == tiles[:-1]).all(axis=1) & ~unlit[1:])
    if 0 < len(same) < len(tiles) / 2:
        copies = spans(numbers(scan)[same])
        doubt = f"projections {copies} are copies of the one before, but are kept: did the camera freeze?"
        scan = replace(scan, doubts=(*scan.doubts, doubt))
    scan = _without_light(scan, unlit, "hold no light")
    return _without_light(scan, odd_frames.saturated(saturated) & ~unlit, "are saturated")


def number_list(numbers: IntArray) -> str:
    """Format ascending numbers as the key `exclude` takes them: 3, [7, 10]."""
    return ", ".join(str(start) if stop == start + 1 else f"[{start}, {stop}]" for start, stop in runs(numbers))


def spans(numbers: IntArray) -> str:
    """Format ascending numbers for people: 3, 7 to 9."""
    return ", ".join(str(start) if stop == start + 1 else f"{start} to {stop - 1}" for start, stop in runs(numbers))


def bands(scan: Scan, rows: int = BAND_ROWS) -> list[tuple[int, int]]:
    """Choose bands of detector rows spread over the height; one band of all rows if there are few."""
    if scan.depth <= BANDS * rows:
        return [scan.rows]
    starts = scan.rows[0] + ((np.arange(BANDS) + 0.5) * scan.depth / BANDS - rows / 2).astype(int)
    return [(int(start), int(start) + rows) for start in starts]


def _references(scan: Scan) -> tuple[Scan, FloatArray | float]:
    """Leave out faulty flats and darks; also return the tile means of the remaining darks."""
    flats, _ = _summary(scan.flats, scan)
    darks, _ = _summary(scan.darks, scan)
    dark: FloatArray | float = 0.0
    if len(darks):
        beam = float(np.nanquantile((flats - np.nanmin(darks, axis=0)).mean(axis=1), 0.8))
        if beam <= 0:
            raise UserError(
                f"{scan.file}: no flat is brighter than the darks: are they swapped, was the shutter closed, or were"
                " unsigned numbers stored as signed? Fix the file, or set correct.input to intensity or attenuation"
            )
        good = odd_frames.good_darks(darks, _numbered(scan.darks), beam)
        scan = _without(scan, "darks", good, "hold light, or differ from the others")
        dark = darks[good].mean(axis=0)
    good = odd_frames.good_flats(flats - dark, _numbered(scan.flats))
    scan = _without(scan, "flats", good, "differ from the others in level or pattern")
    drift = odd_frames.spread((flats - dark)[good])
    if drift > DRIFT:
        doubt = f"the flats vary by {drift:.0%} in level: line integrals are wrong where flats do not follow the beam"
        scan = replace(scan, doubts=(*scan.doubts, doubt))
    return scan, dark


def _without_light(scan: Scan, unlit: BoolArray, reason: str) -> Scan:
    faulty = np.flatnonzero(unlit)
    if not len(faulty):
        return scan
    left = LeftOut("projections", spans(numbers(scan)[faulty]), reason)
    if 2 * len(faulty) > len(unlit):
        raise UserError(
            f"{scan.file}: {len(faulty)} of {len(unlit)} projections {reason} ({left.frames}): is this the whole scan?"
            " List the projections to leave out under exclude.projections"
        )
    return replace(scan, unlit=np.union1d(scan.unlit, faulty), left_out=(*scan.left_out, left))


def _without(scan: Scan, kind: str, good: BoolArray, reason: str) -> Scan:
    """Leave out the flats or the darks that are not good."""
    groups: tuple[Frames, ...] = getattr(scan, kind)
    faulty = np.flatnonzero(~good)
    if not len(faulty):
        return scan
    named = spans(numbers(scan, kind)[faulty])
    if 2 * len(faulty) > len(good):
        raise UserError(
            f"{scan.file}: {len(faulty)} of {len(good)} {kind} {reason} ({kind} {named}), so it is unclear which"
            f" are right: list the {kind} to leave out under exclude.{kind}, or set correct.screen: false"
        )
    places = np.concatenate([group.indices for group in groups])[faulty]
    left = LeftOut(kind, named, f"{reason} (frames {spans(places)} of {groups[0].dataset})")
    kept: dict[str, Any] = {kind: keep(groups, good)}
    return replace(scan, **kept, left_out=(*scan.left_out, left))


def _numbered(groups: Sequence[Frames]) -> IntArray:
    return np.repeat(np.arange(len(groups)), [len(group.indices) for group in groups])


def _summary(groups: Sequence[Frames], scan: Scan) -> tuple[FloatArray, FloatArray]:
    """Return the means (frame, tile) and the share of saturated pixels (frame,) of all frames, in bands of rows."""
    if not groups:
        return np.empty((0, 0)), np.empty(0)
    edges = np.linspace(0, scan.columns, min(TILES, max(scan.columns // TILE, 1)) + 1).astype(int)
    tiles, full = zip(*(_band(groups, rows, edges) for rows in bands(scan)), strict=True)
    return np.concatenate(tiles, axis=1), np.mean(full, axis=0)


def _band(groups: Sequence[Frames], rows: tuple[int, int], edges: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the tile means and the share of saturated pixels in a band of rows, read a block of frames at a time."""
    count = sum(len(group.indices) for group in groups)
    largest = ceiling(groups[0])
    length = max(1, BLOCK_BYTES // (4 * int(edges[-1]) * (rows[1] - rows[0])))
    means, full = [], []
    for start in range(0, count, length):
        frames = read(groups, rows, slice(start, start + length))
        means.append(_means(frames, edges))
        full.append((frames == largest).mean(axis=(1, 2)))
    return np.concatenate(means), np.concatenate(full)


def _means(frames: FloatArray, edges: IntArray) -> FloatArray:
    """Return the mean of the finite pixels of each tile, (frame, tile); NaN where half of them or fewer are finite."""
    finite = np.isfinite(frames)
    number = np.add.reduceat(finite.sum(axis=1), edges[:-1], axis=1)
    total = np.add.reduceat(np.where(finite, frames, 0).sum(axis=1, dtype=np.float64), edges[:-1], axis=1)
    return np.where(2 * number > frames.shape[1] * np.diff(edges), total / np.maximum(number, 1), np.nan)
