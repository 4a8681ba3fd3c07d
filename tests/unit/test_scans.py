"""Raw scans: layouts, kinds, units, and every error that a file can contain."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from hdf5_files import complaint, half_turn, write_exchange, write_nxtomo
from hypothesis import given
from hypothesis import strategies as st

from data import measured
from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.planning import scan_table
from tomodenoise.scans import description, hdf5, header_timeout, identity, opening, reading, units
from tomodenoise.scans.description import Frames, runs

FRAMES = np.arange(6 * 4 * 5, dtype=np.uint16).reshape(6, 4, 5)
WHITE = np.full((3, 4, 5), 1000, dtype=np.uint16)


# Data Exchange


def test_exchange_header(file: Path) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, data_dark=WHITE[:2])
    scan = opening.open_scan(file)
    assert (scan.layout, scan.kind, scan.rows, scan.depth, scan.columns) == ("data-exchange", "counts", (0, 4), 4, 5)
    np.testing.assert_allclose(scan.angles, np.radians(half_turn(6)))
    assert [(len(group.indices), group.time) for group in (*scan.flats, *scan.darks)] == [(3, 0), (2, 0)]
    assert scan.pixel_size is None


def test_exchange_theta_may_include_flats_if_a_key_says_so(file: Path) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, theta=half_turn(9), image_key=[1, 0, 0, 0, 1, 0, 0, 0, 1])
    np.testing.assert_allclose(np.degrees(opening.open_scan(file).angles), half_turn(9)[[1, 2, 3, 5, 6, 7]])


@pytest.mark.parametrize(
    ("units", "factor"), [("deg", 1), ("Degrees", 1), ("", 1), ("rad", np.pi / 180), ("radians", np.pi / 180)]
)
def test_angles_follow_their_units(file: Path, units: str, factor: float) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, theta=half_turn(6) * factor, units=units)
    np.testing.assert_allclose(np.degrees(opening.open_scan(file).angles), half_turn(6), atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("raw counts", "counts"),
        ("Intensity", "intensity"),
        ("transmission", "intensity"),
        ("attenuation: -log(transmission) already applied", "attenuation"),
        ("HAADF intensity (a line integral, not a transmission)", "attenuation"),
    ],
)
def test_words_in_the_file_say_what_the_numbers_are(file: Path, kind: str, expected: str) -> None:
    write_exchange(file, FRAMES, data_white=WHITE, kind=kind)
    assert opening.open_scan(file).kind == expected


def test_the_user_overrules_the_file(file: Path) -> None:
    write_exchange(file, FRAMES, kind="attenuation")
    scan = opening.open_scan(file, input="intensity", rows=[1, 3], pixel_size=0.5)
    assert (scan.kind, scan.rows, scan.depth, scan.pixel_size) == ("intensity", (1, 3), 2, 0.5)


@pytest.mark.parametrize("kind", ["intensity", "attenuation"])
def test_flats_that_are_not_used_are_reported(file: Path, kind: str) -> None:
    write_exchange(file, FRAMES, data_white=WHITE)
    assert not opening.open_scan(file).doubts
    (doubt,) = opening.open_scan(file, input=kind).doubts
    assert f"taken as {kind}, so {len(WHITE)} flats are not used" in doubt


def test_units_of_the_data_say_counts(file: Path) -> None:
    write_exchange(file, FRAMES.astype(np.float32), kind="as measured")
    with h5py.File(file, "a") as handle:
        handle["exchange/data"].attrs["units"] = "counts"
    assert "no flats for counts" in complaint(file)


@pytest.mark.parametrize(
    ("value", "units", "micrometres"),
    [(1.5e-6, "m", 1.5), (1.5e-3, "mm", 1.5), (1.5, "um", 1.5), (1.5, "µm", 1.5), (1.5, "microns", 1.5),
     (1500.0, "nm", 1.5), (1.5, "", None), (0.0, "um", None), (np.nan, "um", None), ("1.5", "um", None)],
)  # fmt: skip
def test_pixel_size_only_with_units(file: Path, value: object, units: str, micrometres: float | None) -> None:
    write_exchange(file, FRAMES, data_white=WHITE)
    with h5py.File(file, "a") as handle:
        handle["measurement/instrument/detector/x_pixel_size"] = value
        handle["measurement/instrument/detector/x_pixel_size"].attrs["units"] = units
    assert opening.open_scan(file).pixel_size == pytest.approx(micrometres)


# NXtomo


def test_nxtomo_groups_flats_by_the_projections_around_them(file: Path) -> None:
    keys = [2, 1, 1, 0, 0, 3, 1, 0, 1, 3, 1, 2]
    write_nxtomo(file, np.zeros((12, 2, 3), np.uint16), keys)
    scan = opening.open_scan(file)
    assert scan.layout == "nxtomo"
    assert scan.projections[0].indices.tolist() == [3, 4, 7]
    assert [group.indices.tolist() for group in scan.flats] == [[1, 2], [6], [8, 10]]
    assert [group.indices.tolist() for group in scan.darks] == [[0], [11]]
    np.testing.assert_allclose([group.time for group in scan.flats], [-1.5, 1 + 2 / 3, 4])
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(12)[[3, 4, 7]])


def test_nxtomo_angles_may_be_those_of_the_projections_only(file: Path) -> None:
    write_nxtomo(file, FRAMES, [1, 0, 0, 0, 0, 1], angles=half_turn(4))
    np.testing.assert_allclose(np.degrees(opening.open_scan(file).angles), half_turn(4))


def test_nexus_without_keys_holds_projections_only(file: Path) -> None:
    with h5py.File(file, "w") as handle:
        handle["entry/tomo_entry/data/data"] = FRAMES.astype(np.float32)
        handle["entry/tomo_entry/data/rotation_angle"] = half_turn(6)
    assert len(opening.open_scan(file, input="attenuation").angles) == 6


def scan_of_links(folder: Path) -> Path:
    """Write a scan as beamlines do: a file of links, pixels and angles elsewhere, some links broken."""
    with h5py.File(folder / "pixels.h5", "w") as handle:
        handle["stack"] = FRAMES
    with h5py.File(folder / "angles.h5", "w") as handle:
        handle["measured"] = half_turn(6) + 5
    with h5py.File(folder / "scan.nxs", "w") as handle:
        for name, stack in (("absent", "gone.h5"), ("camera", "pixels.h5")):
            handle[f"entry/instrument/{name}/image_key"] = [1, 0, 0, 0, 0, 2]
            handle[f"entry/instrument/{name}/data"] = h5py.ExternalLink(stack, "stack")
        plot = handle.create_group("entry/camera")
        plot.attrs["signal"] = "data"
        plot["data"] = h5py.ExternalLink("pixels.h5", "stack")
        plot["theta_set"] = h5py.ExternalLink("gone.h5", "demanded")
        plot["theta"] = h5py.ExternalLink("angles.h5", "measured")
        plot["temperature"] = h5py.ExternalLink("gone.h5", "temperature")
    return folder / "scan.nxs"


def test_links_are_followed_and_irrelevant_broken_ones_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan_of_links(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    file = Path(tmp_path.name) / "scan.nxs"
    scan = opening.open_scan(file)
    assert (scan.projections[0].file, scan.projections[0].dataset) == (file.parent / "pixels.h5", "/stack")
    np.testing.assert_allclose(np.degrees(scan.angles), half_turn(6)[1:5] + 5)
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 4)), FRAMES[1:5])
    assert scan.identity["files"] == [str(file), str(file.parent / "angles.h5"), str(file.parent / "pixels.h5")]


def test_a_raw_scan_of_bliss_is_refused_with_its_converter(file: Path) -> None:
    with h5py.File(file, "w") as handle:
        handle["1.1/measurement/camera"] = FRAMES
        handle.attrs.update(creator="blissdata", publisher="bliss")
    assert "is a raw BLISS scan: convert it to NXtomo with nxtomomill h52nx" in complaint(file)


# Reading


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_exchange(tmp_path_factory.mktemp("stored") / "scan.h5", FRAMES, data_white=WHITE)


@given(
    indices=st.sets(st.integers(0, 5)).map(sorted),
    rows=st.sets(st.integers(0, 4), min_size=2, max_size=2).map(sorted),
    select=st.none() | st.slices(6),
)
def test_read_equals_indexing(stored: Path, indices: list[int], rows: list[int], select: slice | None) -> None:
    frames = Frames(stored, "exchange/data", np.array(indices, dtype=int), 0.0)
    result = reading.read(frames, tuple(rows), select)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, FRAMES[frames.indices[select or slice(None)]][:, slice(*rows)])


def test_read_touches_the_asked_rows_only(file: Path) -> None:
    with h5py.File(file, "w") as handle:  # a petabyte, of which nothing but two rows is stored
        stack = handle.create_dataset("data", (10_000, 300_000, 100), np.uint32, chunks=(1, 1, 100))
        stack[5_000, 200_000] = np.arange(100)
        stack[5_001, 200_000] = np.arange(100) + 1
    frames = Frames(file, "data", np.arange(10_000), 0.0)
    result = reading.read(frames, (200_000, 200_001), slice(5_000, 5_002))
    np.testing.assert_array_equal(result[:, 0], [np.arange(100), np.arange(100) + 1])


@given(st.sets(st.integers(0, 30)))
def test_runs_spell_out_the_indices(members: set[int]) -> None:
    result = runs(np.array(sorted(members), dtype=int))
    assert [index for start, stop in result for index in range(start, stop)] == sorted(members)
    assert all(before[1] < after[0] for before, after in pairwise(result))


# scan.json and identity


def test_json_keeps_all(tmp_path: Path) -> None:
    file = write_nxtomo(tmp_path / "scan.h5", np.zeros((9, 4, 3), np.uint16), [2, 1, 1, 0, 0, 0, 0, 1, 2])
    scan = opening.open_scan(file, rows=(1, 3), pixel_size=2.5)
    stored = json.dumps(description.to_json(scan))
    again = description.from_json(json.loads(stored))
    assert json.dumps(description.to_json(again)) == stored
    np.testing.assert_allclose(again.angles, scan.angles, atol=1e-11)
    assert again.flats[1].indices.tolist() == [7]
    assert again.depth == 2


def test_fingerprint_survives_a_touch_and_a_move(tmp_path: Path) -> None:
    file = scan_of_links(tmp_path)
    before = opening.open_scan(file).identity
    os.utime(tmp_path / "pixels.h5", (1e9, 4e9))
    touched = opening.open_scan(file).identity
    shutil.copytree(tmp_path, tmp_path / "moved")
    moved = opening.open_scan(tmp_path / "moved" / "scan.nxs").identity
    assert before["fingerprint"] == touched["fingerprint"] == moved["fingerprint"]
    assert touched["modified"] == "2096-10-02T07:06:40+00:00"


def test_fingerprint_sees_another_measurement(tmp_path: Path) -> None:
    file = scan_of_links(tmp_path)
    before = opening.open_scan(file).identity["fingerprint"]
    with h5py.File(tmp_path / "pixels.h5", "a") as handle:
        handle["stack"][3, 2, 1] += 1
    assert opening.open_scan(file).identity["fingerprint"] != before


@pytest.mark.parametrize(("place", "length"), [(0, 1), (9_999_999, 1), (4_100_000, 700_000)])
def test_fingerprint_samples_head_tail_and_between(tmp_path: Path, place: int, length: int) -> None:
    content = bytearray(10_000_000)
    (tmp_path / "a").write_bytes(content)
    content[place : place + length] = b"x" * length
    (tmp_path / "b").write_bytes(content)
    assert identity.fingerprint([tmp_path / "a"]) != identity.fingerprint([tmp_path / "b"])


# Mistakes


@pytest.mark.parametrize("rows", [(0, 5), (-1, 3), (3, 3), (3, 1)])
def test_rows_out_of_range(file: Path, rows: tuple[int, int]) -> None:
    message = complaint(write_exchange(file, FRAMES, data_white=WHITE), rows=rows)
    assert str(list(rows)) in message
    assert "[0, 4]" in message


@pytest.mark.parametrize(
    ("projections", "parts", "options", "words"),
    [
        (FRAMES, {}, {}, "no flats for counts"),
        (FRAMES * 1.0, {"kind": "counts"}, {}, "no flats for counts"),
        (FRAMES * 1.0, {"data_white": WHITE[:0]}, {"input": "counts"}, "no flats for counts"),
        (FRAMES * 1.0, {}, {}, "set correct.input"),
    ],
)
def test_numbers_of_unknown_kind(file: Path, projections: object, parts: dict, options: dict, words: str) -> None:
    assert words in complaint(write_exchange(file, projections, **parts), **options)


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (h5py.ExternalLink("detector.h5", "stack"), ["detector.h5, which is missing"]),
        (h5py.ExternalLink("scan.h5", "stack"), ["stack in", "scan.h5, which does not exist"]),
        (h5py.SoftLink("/elsewhere"), ["/elsewhere, which does not exist"]),
    ],
)
@pytest.mark.parametrize("write", [write_exchange, lambda file, frames: write_nxtomo(file, frames, [0] * 6)])
def test_dangling_data(file: Path, write: Callable[..., Path], link: object, words: list[str]) -> None:
    write(file, FRAMES)
    with h5py.File(file, "a") as handle:
        name = "exchange/data" if "exchange" in handle else "entry/instrument/detector/data"
        del handle[name]
        handle[name] = link
    message = complaint(file)
    assert all(word in message for word in words)


def test_virtual_data_without_its_source(file: Path) -> None:
    layout = h5py.VirtualLayout(FRAMES.shape, FRAMES.dtype)
    layout[:] = h5py.VirtualSource("modules.h5", "data", FRAMES.shape)
    write_exchange(file, FRAMES, data_white=WHITE)
    with h5py.File(file, "a") as handle:
        del handle["exchange/data"]
        handle.create_virtual_dataset("exchange/data", layout)
    assert "modules.h5, which is missing" in complaint(file)
    with h5py.File(file.with_name("modules.h5"), "w") as handle:
        handle["data"] = FRAMES
    scan = opening.open_scan(file)
    np.testing.assert_array_equal(reading.read(scan.projections, (0, 4)), FRAMES)
    assert str(file.with_name("modules.h5")) in scan.identity["files"]


def test_nexus_without_angles(file: Path) -> None:
    write_nxtomo(file, FRAMES, [1, 0, 0, 0, 0, 0])
    with h5py.File(file, "a") as handle:
        del handle["entry/sample"]
    assert "no angles" in complaint(file)


# Measured scans


@pytest.mark.parametrize(
    ("name", "kind", "shape", "degrees"),
    [
        ("tooth/tooth.h5", "counts", (181, 2, 640), (0, 179.0055)),
        ("basalt/basalt_dx.h5", "attenuation", (530, 1, 627), (0, 179.79)),
        ("wood360/wood360_dx.h5", "attenuation", (625, 1, 577), (0, 359.424)),
        ("haadf_needle/haadf_needle_aligned_dx.h5", "attenuation", (77, 256, 256), (-76, 76)),
        ("gel_dynamic/gel_parallel_dx.h5", "attenuation", (576, 1, 282), (0, 2875)),
        ("k11_18014/k11-18014.nxs", "counts", (3001, 22, 26), (89.9951, 269.9946)),
    ],
)
def test_measured_scans_open(name: str, kind: str, shape: tuple[int, int, int], degrees: tuple[float, float]) -> None:
    scan = opening.open_scan(measured(name))
    assert scan.kind == kind
    assert (len(scan.projections[0].indices), scan.depth, scan.columns) == shape
    np.testing.assert_allclose(np.degrees(scan.angles[[0, -1]]), degrees, atol=1e-4)


def test_measured_flats_and_darks() -> None:
    tooth = opening.open_scan(measured("tooth/tooth.h5"))
    assert [len(group.indices) for group in (*tooth.flats, *tooth.darks)] == [10, 10]
    k11 = opening.open_scan(measured("k11_18014/k11-18014.nxs"))
    assert [(len(group.indices), group.time) for group in k11.flats] == [(50, -75.5), (50, 3025.5)]
    assert [(len(group.indices), group.time) for group in k11.darks] == [(50, -25.5), (50, 3075.5)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("metadata_only/24888.nxs", "/dls/i13/data/2014/mt9396-1/raw/pco1-24888.hdf, which is missing"),
        ("rock_spectral/Sinogram_Rock_sample_2D_channels.nxs", "set mode: xrdct"),
        ("gel_dynamic/gel_fan.h5", "no known layout"),
    ],
)
def test_measured_scans_that_cannot_be_used(name: str, words: str) -> None:
    assert words in complaint(measured(name))


def damage(file: Path, change: Callable[[bytearray], None]) -> None:
    content = bytearray(file.read_bytes())
    change(content)
    file.write_bytes(content)


def no_size(content: bytearray) -> None:
    """Take away the size of the only text of free length; HDF5 2.0 then runs in a circle."""
    start = content.index(b"GCOL") + 24
    content[start : start + 8] = bytes(8)


def no_encoding(content: bytearray) -> None:
    """Declare a text to be in an encoding that does not exist."""
    start = content.index(b"\x19\x01\x01\x00", content.index(b"units"))
    content[start + 2] = 12


@pytest.mark.parametrize(
    "bug",
    [
        lambda content: {}["data"],
        lambda content: content["gone"],
        lambda content: float("a text"),
        lambda content: np.zeros(3) + np.zeros(4),
        lambda content: np.median(np.zeros((2, 2)), axis=5),
        lambda content: Path("gone.txt").read_text(),
        lambda content: next(iter(())),
        lambda content: content.visititems(lambda *_: int("x")),
        lambda content: None.shape,
    ],
)
def test_bugs_of_ours_are_not_put_down_to_the_file(file: Path, bug: Callable[[h5py.File], object]) -> None:
    write_exchange(file, FRAMES)
    with pytest.raises(Exception) as caught, hdf5.opened(file) as content:  # noqa: PT011
        bug(content)
    assert not isinstance(caught.value, UserError)


@pytest.mark.parametrize("hit", ["the frames", "the signature"])
def test_damage_is_put_down_to_the_file_that_has_it(tmp_path: Path, hit: str) -> None:
    file, part = tmp_path / "scan.h5", tmp_path / "part.h5"
    with h5py.File(part, "w") as content:
        content.create_dataset("data", data=FRAMES, chunks=(1, 4, 5), fletcher32=True)
    write_exchange(file, FRAMES, data_white=WHITE)
    with h5py.File(file, "a") as content:
        del content["exchange/data"]
        content["exchange/data"] = h5py.ExternalLink("part.h5", "data")
    scan = opening.open_scan(file)
    stored = bytearray(part.read_bytes())
    place = stored.index(FRAMES[3].tobytes()) if hit == "the frames" else 0
    stored[place : place + 4] = b"gone"
    part.write_bytes(stored)
    with pytest.raises(UserError, match=r"part.h5 (cannot be read: .* is damaged|is not an HDF5 file)"):
        reading.read(scan.projections, (0, 4))


def test_a_file_that_changed_since_its_header_was_read_is_reported(file: Path) -> None:
    write_exchange(file, FRAMES, data_white=WHITE)
    scan = opening.open_scan(file)
    for change in ({"projections": FRAMES[:4]}, {"projections": FRAMES[:, :3]}):
        write_exchange(file, **change)
        with pytest.raises(UserError, match="the file has changed since its header was read: run the workflow again"):
            reading.read(scan.projections, (0, 4))
    with h5py.File(file, "w") as content:
        content["other"] = 1
    with pytest.raises(UserError, match="there is no dataset /exchange/data: the file has changed"):
        reading.read(scan.projections, (0, 4))


def test_damaged_text_is_reported_in_a_line(file: Path) -> None:
    with h5py.File(file, "w") as content:
        content["theta"] = np.arange(3.0)
        content["theta"].attrs["units"] = "degrees"
    damage(file, no_encoding)
    with pytest.raises(UserError, match=r"scan.h5 cannot be read: .* is damaged"), hdf5.opened(file) as content:
        units.radians(content["theta"])


def test_a_header_that_breaks_hdf5_is_reported_in_a_line(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [(tmp_path / "good.h5", {}), (file, {})]
    end = {file: lambda: os.kill(os.getpid(), signal.SIGKILL)}
    monkeypatch.setattr(header_timeout, "open_scan", lambda path, **_: end.get(path, str)())
    header_timeout.try_headers(files[:1])
    with pytest.raises(
        UserError, match=rf"^{file}: reading its header ended with signal 9: .* damaged: copy it again$"
    ):
        header_timeout.try_headers(files)


def test_a_header_without_end_is_given_up_in_one_line(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files before it, damaged in other ways or absent, are left for later."""
    write_exchange(file, FRAMES, units="degrees")
    good, short, absent = (tmp_path / name for name in ("good.h5", "short.h5", "absent.h5"))
    shutil.copy(file, good)
    short.write_bytes(file.read_bytes()[:2000])
    damage(file, no_size)
    monkeypatch.setattr(header_timeout, "TIMEOUT", 1)
    scans = {path.stem: {"file": str(path)} for path in (good, short, absent)}
    scan_table.try_headers(settings.load({"scans": scans}))
    with pytest.raises(UserError, match=rf"^{file}: its header could not be read within 1 s: .* copy it again$"):
        scan_table.try_headers(settings.load({"scans": scans | {"scan": {"file": str(file)}}}))
