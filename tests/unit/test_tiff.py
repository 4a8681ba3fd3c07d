"""TIFF files give the bits of the same frames in an HDF5 file, and every fault in them is one line."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from corrections import only
from hdf5_files import half_turn, write_exchange

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.correction import slabs
from tomodenoise.correction.measuring import Measures
from tomodenoise.planning import scan_table
from tomodenoise.scans import description, file_names, opening, reading, tiff
from tomodenoise.scans.description import Scan

RNG = np.random.default_rng(0)
FRAMES = RNG.poisson(400, (12, 8, 16)).astype(np.uint16)
WHITE = RNG.poisson(900, (6, 8, 16)).astype(np.uint16)
DARK = RNG.poisson(10, (4, 8, 16)).astype(np.uint16)
SPACED = {"first": 0, "step": 15}


def each(folder: Path, name: str, frames: np.ndarray, **options: Any) -> str:  # noqa: ANN401
    """Write a file for each frame; return the pattern of their names."""
    folder.mkdir(exist_ok=True)
    for number, frame in enumerate(frames):
        tifffile.imwrite(folder / f"{name}_{number}.tif", frame, **options)
    return str(folder / f"{name}_*.tif")


def opened(file: object, **keys: object) -> Scan:
    """Open a scan as the workflow does."""
    config = settings.load({"scans": {"s": {"file": file, **keys}}})
    scan_table.try_headers(config)
    return scan_table.open_all(config)["s"].scan


def complaint(file: object, **keys: object) -> str:
    with pytest.raises(UserError) as caught:
        opened(file, **keys)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("scans.s: ")
    return message


def integrals(scan: Scan) -> np.ndarray:
    sections = np.arange(len(scan.angles)) % 3
    return slabs.correct_slab(scan, (2, scan.depth), sections, only(), Measures())[0]


@pytest.fixture
def plain(tmp_path: Path) -> np.ndarray:
    file = write_exchange(tmp_path / "all.h5", FRAMES, data_white=WHITE, data_dark=DARK)
    return integrals(opening.open_scan(file))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"compression": "zlib", "rowsperstrip": 3},
        {"compression": "zlib", "predictor": True},
        {"rowsperstrip": 2},
        {"tile": (16, 16)},
        {"compression": "lzw", "rowsperstrip": 3},
        {"compression": "lzw", "predictor": True},
        {"compression": "zstd", "tile": (16, 16)},
    ],
    ids=str,
)
def test_a_file_for_each_frame(tmp_path: Path, plain: np.ndarray, options: dict[str, Any]) -> None:
    if options.get("compression") in {"lzw", "zstd"}:
        pytest.importorskip("imagecodecs", reason="needs imagecodecs")
    raw = tmp_path / "raw"
    files = {
        kind: each(raw, kind, frames, **options) for kind, frames in zip("pwd", (FRAMES, WHITE, DARK), strict=True)
    }
    scan = opened(files["p"], angles=SPACED, flats={"file": files["w"]}, darks={"file": files["d"]})
    assert (scan.layout, scan.kind, scan.depth, scan.columns) == ("tiff", "counts", 8, 16)
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(12), atol=1e-12)
    np.testing.assert_array_equal(integrals(scan), plain)
    np.testing.assert_array_equal(integrals(description.from_json(description.to_json(scan))), plain)


def pages(file: Path, frames: np.ndarray) -> None:
    with tifffile.TiffWriter(file) as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, metadata=None)


@pytest.mark.parametrize(
    "write",
    [
        tifffile.imwrite,
        pages,
        lambda file, frames: tifffile.imwrite(file, frames, imagej=True),
        lambda file, frames: tifffile.imwrite(file, frames, compression="zlib"),
    ],
    ids=["contiguous", "pages", "ImageJ", "compressed"],
)
def test_files_of_many_pages(tmp_path: Path, plain: np.ndarray, write: Callable[[Path, np.ndarray], None]) -> None:
    """A long stack is often cut into files of many pages, of which the last has fewer."""
    parts = [FRAMES[:5], FRAMES[5:10], FRAMES[10:]]
    for name, frames in zip(("p8", "p9", "p10", "w", "d"), (*parts, WHITE, DARK), strict=True):
        write(tmp_path / f"{name}.tif", frames)
    own = {kind: {"file": str(tmp_path / f"{kind[0]}.tif")} for kind in ("darks",)}
    scan = opened(str(tmp_path / "p*.tif"), angles=SPACED, flats={"file": str(tmp_path / "w.tif")}, **own)
    np.testing.assert_array_equal(integrals(scan), plain)
    some = reading.read(scan.projections, (1, 3), np.array([0, 4, 5, 9, 10, 11]))
    np.testing.assert_array_equal(some, FRAMES[[0, 4, 5, 9, 10, 11], 1:3])
    assert reading.ceiling(scan.projections[0]) == 65535


def test_flats_of_hdf5_and_projections_of_tiff(tmp_path: Path, plain: np.ndarray) -> None:
    files = each(tmp_path / "raw", "p", FRAMES)
    other = {"file": str(tmp_path / "all.h5")}
    np.testing.assert_array_equal(integrals(opened(files, angles=SPACED, flats=other, darks=other)), plain)


def test_a_folder_and_frames_before_and_after(tmp_path: Path) -> None:
    each(tmp_path / "raw", "p", FRAMES)
    (tmp_path / "raw/log.txt").write_text("not a frame")
    flats = [each(tmp_path, name, WHITE) for name in ("before", "after")]
    scan = opened(str(tmp_path / "raw"), angles=SPACED, flats={"file": flats})
    assert [(group.time, len(group.indices)) for group in scan.flats] == [(-1, 6), (12, 6)]
    assert len(scan.angles) == 12


def test_a_series_in_one_stack(tmp_path: Path) -> None:
    files = each(tmp_path / "raw", "p", FRAMES)
    scan = opened(
        files, angles={"step": 45}, mode="dynamic", steps={"projections": 4}, flats={"file": each(tmp_path, "w", WHITE)}
    )
    assert scan.steps is not None
    assert scan.steps.tolist() == np.repeat([0, 1, 2], 4).tolist()
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 8)), FRAMES)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("\n".join(map(str, half_turn(12))), "degrees"), ("# angle\n" + ",".join(map(str, half_turn(12))), "degrees"),
     ("\n".join(map(str, np.radians(half_turn(12)))), "radians")],
)  # fmt: skip
def test_angles_of_a_text_file(tmp_path: Path, text: str, unit: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    keys = {"angles": str(tmp_path / "a.txt"), "angle_unit": unit, "correct": {"input": "intensity"}}
    scan = opened(each(tmp_path / "raw", "p", FRAMES), **keys)
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(12), atol=1e-9)
    assert str(tmp_path / "a.txt") in scan.identity["files"]
    assert len(scan.identity["files"]) == 13


def test_lost_files_are_refused_unless_each_file_has_its_angle(tmp_path: Path) -> None:
    files = each(tmp_path / "raw", "p", FRAMES)
    (tmp_path / "raw/p_7.tif").unlink()
    keys = {"correct": {"input": "intensity"}}
    assert "p_6.tif is followed by p_8.tif: copy the missing files" in complaint(files, angles=SPACED, **keys)
    (tmp_path / "a.txt").write_text("\n".join(map(str, half_turn(12))))
    message = complaint(files, angles=str(tmp_path / "a.txt"), **keys)
    assert "has 12 angles, but there are 11 projections in" in message
    assert "p_6.tif is followed by p_8.tif" in message
    (tmp_path / "a.txt").write_text("\n".join(map(str, np.delete(half_turn(12), 7))))
    scan = opened(files, angles=str(tmp_path / "a.txt"), **keys)
    assert any("p_6.tif is followed by p_8.tif: assumed lost" in doubt for doubt in scan.doubts)
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 8)), np.delete(FRAMES, 7, axis=0))


@pytest.mark.parametrize(
    ("names", "gap"),
    [
        (["a_1.tif", "a_2.tif", "a_4.tif"], "a_2.tif is followed by a_4.tif"),
        (["a_0000_16bit.tif", "a_0010_16bit.tif", "a_0020_16bit.tif"], ""),
        (
            ["a_0.tif", "a_10.tif", "a_30.tif", "a_40.tif", "a_60.tif", "a_70.tif"],
            "a_10.tif is followed by a_30.tif, the first of 2",
        ),
        (["a_000.5.tif", "a_001.0.tif", "a_003.5.tif"], ""),
        (["a.tif", "b.tif", "d.tif"], ""),
    ],
)
def test_gaps_in_numbers(names: list[str], gap: str) -> None:
    message = file_names.gaps([Path(name) for name in names])
    assert gap in message
    assert bool(gap) == bool(message)


def test_a_folder_with_flats_among_the_projections_is_refused(tmp_path: Path) -> None:
    each(tmp_path / "raw", "proj", FRAMES)
    each(tmp_path / "raw", "flat", WHITE)
    message = complaint(str(tmp_path / "raw"), angles=SPACED)
    assert "flat_#.tif and proj_#.tif may be files of two kinds: name the projections by a pattern" in message


def test_a_pipe_is_no_tiff_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.tif")
    assert not tiff.is_tiff(tmp_path / "p.tif")
    assert "is not an HDF5 file" in complaint(str(tmp_path / "p.tif"))


def cut(file: Path, share: float) -> None:
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: cut(f, 0.9), "p_3.tif ends before its pixels, it has"),
        (lambda f: cut(f, 0.02), "p_3.tif cannot be read"),
        (lambda f: f.write_bytes(b""), "p_3.tif is not a TIFF file"),
        (lambda f: f.write_text("no image"), "p_3.tif is not a TIFF file"),
        (lambda f: tifffile.imwrite(f, FRAMES[0, :7]), "p_3.tif has frames of (7, 16) pixels of type uint16, but"),
        (lambda f: tifffile.imwrite(f, FRAMES[0].astype("u1")), "of type uint8, but"),
        (lambda f: tifffile.imwrite(f, np.zeros((8, 16, 3), "u1"), photometric="rgb"), "which are not grey frames"),
        (lambda f: (f.unlink(), f.symlink_to("gone.tif")), "p_3.tif is a broken link"),
    ],
)
def test_a_faulty_file_is_one_line(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    files = each(tmp_path / "raw", "p", FRAMES)
    spoil(tmp_path / "raw/p_3.tif")
    assert words in complaint(files, angles=SPACED, correct={"input": "intensity"})


@pytest.mark.parametrize("share", [0.3, 0.5, 0.52, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("write", [pages, tifffile.imwrite])
def test_a_stack_that_is_cut_short_is_not_a_shorter_stack(
    tmp_path: Path, write: Callable[[Path, np.ndarray], None], share: float
) -> None:
    write(tmp_path / "p.tif", FRAMES)
    cut(tmp_path / "p.tif", share)
    assert "copy it again" in complaint(str(tmp_path / "p.tif"), angles={"step": 30})


def test_a_stack_of_frames_of_two_sizes_is_refused(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "p.tif") as writer:
        writer.write(FRAMES)
        writer.write(FRAMES[0, :4])
    message = complaint(str(tmp_path / "p.tif"), angles=SPACED)
    assert "holds images of several shapes, (12, 8, 16) and (4, 16)" in message


def test_jpeg_is_read_with_its_losses(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs", reason="needs imagecodecs")
    frame = np.linspace(20, 220, 64 * 48).reshape(64, 48).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", frame, compression="jpeg", compressionargs={"level": 95}, rowsperstrip=16)
    read = tiff.read(tmp_path / "a.tif", 0, (20, 40))
    assert read.dtype == np.uint8
    np.testing.assert_allclose(read.astype(float), frame[20:40], atol=4)


def test_a_compression_that_cannot_be_decoded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = each(tmp_path / "raw", "p", FRAMES[:1], compression="zlib")
    file = tmp_path / "raw/p_0.tif"
    with tifffile.TiffFile(file, mode="r+") as content:
        content.pages[0].tags["Compression"].overwrite(5)
    monkeypatch.setattr(tifffile.TIFF, "DECOMPRESSORS", {1: bytes, 8: bytes})  # as without imagecodecs
    message = complaint(files, angles=SPACED)
    assert "p_0.tif is compressed with LZW and predictor 1, which cannot be decoded here: install" in message


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, "TIFF files hold no angles: set angles to a text file"),
        ({"angles": {"first": 0}}, "angles: give the angle of the first projection, and either that of the last or"),
        ({"angles": {"first": 0, "last": 1, "step": 1}}, "angles: give the angle of the first projection, and either"),
        ({"angles": "gone.txt"}, "gone.txt: no such file: correct angles"),
        ({"angles": "11.txt"}, "11.txt has 11 angles, but there are 12 projections in"),
        ({"angles": "words.txt"}, "words.txt cannot be read as numbers"),
        ({"angles": "two.txt"}, "two.txt has 2 columns: write one angle on each line"),
        (
            {"angles": {"first": 0, "last": 3.1}, "correct": {"input": "intensity"}},
            "if these are radians, set angle_unit to radians",
        ),
        ({"angles": {"step": 15}, "mode": "xrdct"}, "angles: with mode: xrdct give the path"),
        ({"angles": "11.txt", "mode": "xrdct"}, "mode: xrdct is for HDF5 files, but"),
        ({"angles": SPACED, "entry": "entry"}, "entry is for HDF5 files, but"),
        ({"angles": SPACED, "flats": {"file": "w_*.tif"}}, "flats.file: no file matches w_*.tif"),
        ({"angles": SPACED, "flats": {"file": "small.tif"}}, "flats: small.tif has frames of (4, 16) pixels, but"),
        ({"angles": SPACED, "flats": {"file": "small.tif", "dataset": "a"}}, "flats.dataset is for HDF5 files, but"),
        ({"angles": SPACED}, "no flats for counts: set flats: {file: FILE}"),
    ],
)
def test_what_the_keys_cannot_mean_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: dict[str, object], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = each(tmp_path / "raw", "p", FRAMES)
    (tmp_path / "11.txt").write_text("1\n" * 11)
    (tmp_path / "words.txt").write_text("one\ntwo\n")
    (tmp_path / "two.txt").write_text("1 2\n" * 12)
    tifffile.imwrite("small.tif", WHITE[:, :4])
    assert words in complaint(files, **keys)


def test_angles_of_an_hdf5_scan_stay_in_its_file(tmp_path: Path) -> None:
    file = write_exchange(tmp_path / "a.h5", FRAMES, data_white=WHITE)
    assert "angles and angle_unit are for TIFF files and for mode: xrdct" in complaint(str(file), angles=SPACED)


def test_only_the_rows_are_read(tmp_path: Path) -> None:
    """A frame of a terabyte, of which nothing but two rows is stored."""
    file = tmp_path / "p.tif"
    tifffile.imwrite(file, shape=(1 << 22, 1 << 17), dtype=np.uint16, bigtiff=True)
    start = tiff.layout(file).offsets[0]
    assert start is not None
    with file.open("r+b") as stream:
        stream.seek(start + (1 << 21) * (1 << 18))
        stream.write(np.arange(1 << 17).astype("<u2").tobytes())
    rows = tiff.read(file, 0, (1 << 21, (1 << 21) + 1))
    np.testing.assert_array_equal(rows[0], np.arange(1 << 17).astype(np.uint16))


def test_a_file_that_changed_after_its_header_was_read_is_refused(tmp_path: Path) -> None:
    scan = opened(each(tmp_path / "raw", "p", FRAMES), angles=SPACED, correct={"input": "intensity"})
    tifffile.imwrite(tmp_path / "raw/p_3.tif", FRAMES[0, :3])
    with pytest.raises(UserError, match=r"p_3.tif has changed since its header was read"):
        reading.read(scan.projections, (0, 8))


def test_jobs_name_the_first_file_of_each_kind_as_input(tmp_path: Path) -> None:
    """Thousands of inputs of each job would take Snakemake minutes; the fingerprint covers all files."""
    files = each(tmp_path / "raw", "p", FRAMES)
    keys = {"file": files, "angles": SPACED, "flats": {"file": each(tmp_path, "w", WHITE)}}
    entry = scan_table.open_all(settings.load({"scans": {"s": keys}}))["s"]
    assert entry.files == (tmp_path / "raw/p_0.tif", tmp_path / "w_0.tif")
    before = entry.scan.identity["fingerprint"]
    assert len(entry.scan.identity["files"]) == 18
    tifffile.imwrite(tmp_path / "raw/p_7.tif", FRAMES[7] + 1)
    assert scan_table.open_all(settings.load({"scans": {"s": keys}}))["s"].scan.identity["fingerprint"] != before
