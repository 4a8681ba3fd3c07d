"""Faulty input from beamlines and hurried users: refused in one line that names the place and the fix, or right.

A refusal is a `UserError` of one line before any product is written. What is merely odd gives the same line integrals
as its plain form.
"""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from hdf5_files import half_turn, write_exchange, write_nxtomo

from tomodenoise.common.errors import UserError
from tomodenoise.config import settings
from tomodenoise.correction import concerns, measuring, screening, slabs
from tomodenoise.networks import model_file
from tomodenoise.planning import scan_table
from tomodenoise.splitting import by_angle

N, ROWS, COLUMNS = 24, 4, 32
RNG = np.random.default_rng(0)
FRAMES = RNG.poisson(200, (N, ROWS, COLUMNS)).astype(np.uint16)
WHITE = RNG.poisson(400, (8, ROWS, COLUMNS)).astype(np.uint16)
DARK = np.full((3, ROWS, COLUMNS), 10, dtype=np.uint16)

Write = Callable[[Path], object]


def exchange(data: object = FRAMES, **parts: object) -> Write:
    """Write a Data Exchange file with changes to a good one; None leaves a part out."""
    given = {"data_white": WHITE, "data_dark": DARK, "theta": half_turn(len(data)), **parts}  # type: ignore[arg-type]
    return lambda file: write_exchange(file, data, **{k: v for k, v in given.items() if v is not None})


def holding(write: Callable[[h5py.File], object]) -> Write:
    """Write a file by hand."""

    def written(file: Path) -> None:
        with h5py.File(file, "w") as content:
            content["exchange/theta"] = half_turn(5)
            write(content)

    return written


def changed(write: Callable[[h5py.File], object]) -> Write:
    """Change a good file by hand."""

    def written(file: Path) -> None:
        exchange()(file)
        with h5py.File(file, "a") as content:
            write(content)

    return written


def cut(share: float) -> Write:
    """Truncate a good file, as an aborted copy does."""

    def written(file: Path) -> None:
        exchange()(file)
        content = file.read_bytes()
        file.write_bytes(content[: int(share * len(content))])

    return written


def without_plugin(file: Path) -> None:
    """Compress by a filter that does not exist."""
    with h5py.File(file, "w") as content:
        content.create_dataset("exchange/data", data=FRAMES, **hdf5plugin.Blosc())
        content["exchange/theta"] = half_turn(N)
        content["exchange/data_white"] = WHITE
    known, unknown = struct.pack("<H", hdf5plugin.BLOSC_ID), struct.pack("<H", 31999)
    file.write_bytes(file.read_bytes().replace(known, unknown))


def flipped(file: Path) -> None:
    """Flip a bit of a chunk that has a checksum."""
    with h5py.File(file, "w") as content:
        content.create_dataset("exchange/data", data=FRAMES, chunks=(4, ROWS, COLUMNS), fletcher32=True)
        content["exchange/theta"] = half_turn(N)
        content["exchange/data_white"] = WHITE
    bits = bytearray(file.read_bytes())
    bits[bytes(bits).find(FRAMES[10].tobytes()) + 7] ^= 8
    file.write_bytes(bits)


def made_of(file: str, path: str) -> Write:
    """Assemble the frames from another file, as a virtual dataset."""

    def write(content: h5py.File) -> None:
        layout = h5py.VirtualLayout((5, ROWS, COLUMNS), np.uint16)
        layout[:3] = h5py.VirtualSource(file, path, (3, ROWS, COLUMNS))
        content.create_virtual_dataset("exchange/data", layout)

    return holding(write)


def linked(link: object, to: str = "exchange/data") -> Write:
    """Put a link where the frames should be."""

    def written(file: Path) -> None:
        with h5py.File(file, "w") as content:
            content["exchange/theta"] = half_turn(5)
            content[to] = link

    return written


def nested(file: Path) -> None:
    """Write a scan whose frames are those of a master file, which are those of two camera files, one being lost."""
    for name, source, count in (("scan.h5", "master.h5", N), ("master.h5", "cam_0.h5", N // 2)):
        layout = h5py.VirtualLayout((N, ROWS, COLUMNS), np.uint16)
        layout[:count] = h5py.VirtualSource(source, "exchange/data", (count, ROWS, COLUMNS))
        if count < N:
            layout[count:] = h5py.VirtualSource("cam_1.h5", "exchange/data", (N - count, ROWS, COLUMNS))
        exchange()(file.with_name(name))
        with h5py.File(file.with_name(name), "a") as content:
            del content["exchange/data"]
            content.create_virtual_dataset("exchange/data", layout)
    write_exchange(file.with_name("cam_0.h5"), FRAMES[: N // 2])


REFUSED: dict[str, tuple[Write, str]] = {
    "nothing": (lambda file: None, "no such file: correct the scan's 'file'"),
    "a folder": (lambda file: file.mkdir(), "is a folder: give the path of the HDF5 file in it"),
    "a pipe": (os.mkfifo, "is not an HDF5 file"),
    "an empty file": (lambda file: file.write_bytes(b""), "is not an HDF5 file"),
    "a text": (lambda file: file.write_text("angle, counts"), "is not an HDF5 file"),
    "a link in a circle": (lambda file: file.symlink_to(file), "is a broken link"),
    "a link to nothing": (lambda file: file.symlink_to("gone.h5"), "is a broken link: repair it"),
    "the first bytes": (cut(0.01), "cannot be opened"),
    "half of it": (cut(0.5), "wait until it is completely written, or copy it again"),
    "all but the end": (cut(0.999), "cannot be opened"),
    "no known layout": (holding(lambda content: content.create_dataset("pixels", data=FRAMES)), "no known layout"),
    "groups in a circle": (holding(lambda content: content.create_group("entry/a").update(b=content)), "known layout"),
    "soft links in a circle": (linked(h5py.SoftLink("/exchange/data")), "link"),
    "two soft links in a circle": (
        holding(
            lambda content: content.update({"exchange/data": h5py.SoftLink("/b"), "b": h5py.SoftLink("/exchange/data")})
        ),
        "link",
    ),
    "external links in a circle": (linked(h5py.ExternalLink("scan.h5", "/exchange/data")), "which does not exist"),
    "a link out of the file": (linked(h5py.ExternalLink("../../gone.h5", "/data")), "gone.h5, which is missing"),
    "a link to nowhere": (linked(h5py.SoftLink("/gone")), "/gone, which does not exist: repair the link"),
    "virtual without its source": (made_of("module.h5", "data"), "module.h5, which is missing: copy that file there"),
    "virtual of virtual data that lack a file": (nested, "cam_1.h5, which is missing: copy that file there"),
    "virtual data without the path": (
        lambda file: (exchange()(file.with_name("module.h5")), made_of("module.h5", "gone")(file)),
        "module.h5: /gone does not exist: is that file complete?",
    ),
    "virtual data for a part of the frames": (
        lambda file: (
            write_exchange(file.with_name("module.h5"), FRAMES[:3]),
            made_of("module.h5", "exchange/data")(file),
        ),
        "all or part of entry 3 and 1 others is stored in no file",
    ),
    "steps in front": (exchange(np.stack([FRAMES, FRAMES]), theta=half_turn(N)), "dynamic, with one file per step"),
    "bool": (exchange(FRAMES > 200), "has type bool, which is not numeric"),
    "text frames": (exchange(np.full((5, 4, 8), b"a")), "has type |S1"),
    "complex": (exchange(FRAMES * 1j), "has type complex128"),
    "records": (exchange(np.zeros((5, 4, 8), dtype=[("a", "f4")])), "which is not numeric"),
    "one frame without a stack": (exchange(FRAMES[0], theta=half_turn(4)), "a stack is three-dimensional"),
    "no projections": (exchange(FRAMES[:0], theta=np.zeros(0)), "holds no projections"),
    "no rows": (exchange(FRAMES[:, :0], data_white=None, data_dark=None), "frames without pixels"),
    "no columns": (exchange(FRAMES[..., :0], data_white=None, data_dark=None), "frames without pixels"),
    "one projection": (exchange(FRAMES[:1]), "have fewer than two different angles: is this the whole scan?"),
    "a filter that is absent": (without_plugin, "compressed with HDF5 filter 31999"),
    "a flipped bit": (flipped, "the file or the disk is damaged"),
    "flats of other columns": (exchange(data_white=WHITE[..., 1:]), "same region of the detector"),
    "flats of other rows": (exchange(data_white=WHITE[:, 1:]), "same region of the detector"),
    "darks of other columns": (exchange(data_dark=DARK[..., 1:]), "same region of the detector"),
    "one flat without a stack": (exchange(data_white=WHITE[0]), "a stack is three-dimensional"),
    "counts without flats": (exchange(data_white=None), "no flats for counts: set flats: {file: FILE}"),
    "flats of zeros": (exchange(data_white=WHITE * 0), "no flat is brighter than the darks"),
    "flats of no number": (exchange(data_white=WHITE * np.nan), "no flat is brighter than the darks"),
    "darks brighter than flats": (exchange(data_dark=DARK + 5000), "are they swapped"),
    "flats and darks swapped": (exchange(data_white=DARK, data_dark=WHITE), "are they swapped"),
    "projections of zeros": (exchange(FRAMES * 0), "the projections hold no light"),
    "projections of no number": (exchange(FRAMES * np.nan), "the projections hold no light"),
    "no angles": (changed(lambda content: content.pop("exchange/theta")), "/exchange/theta is missing"),
    "one angle too few": (exchange(theta=half_turn(N - 1)), f"has {N - 1} angles"),
    "two angles too many": (exchange(theta=half_turn(N + 2)), f"has {N + 2} angles"),
    "one angle too many, unevenly": (exchange(theta=half_turn(N + 1) ** 1.5), f"has {N + 1} angles"),
    "one angle for all": (exchange(theta=np.zeros(N)), "have fewer than two different angles"),
    "an angle of no number": (exchange(theta=np.r_[half_turn(N - 1), np.nan]), f"angle {N - 1} is nan"),
    "an infinite angle": (exchange(theta=np.r_[np.inf, half_turn(N - 1)]), "angle 0 is inf"),
    "angles as text": (exchange(theta=np.full(N, b"1.5")), "write the angles as a list of numbers"),
    "angles as a table": (exchange(theta=np.zeros((N, 2))), "write the angles as a list of numbers"),
    "radians that say nothing": (exchange(theta=np.radians(half_turn(N))), "if these are radians"),
    "degrees that say radians": (exchange(units="rad"), "if these are degrees"),
    "thousandths of degrees": (exchange(theta=half_turn(N) * 1000), "turns"),
    "angles in gon": (exchange(units="gon"), "unknown unit 'gon'"),
    "keys for half of the frames": (lambda file: write_nxtomo(file, FRAMES, [1, 0, 0]), "3 keys"),
    "keys as text": (lambda file: write_nxtomo(file, FRAMES, [b"a"] * N), "keys of type"),
    "keys without a projection": (lambda file: write_nxtomo(file, FRAMES, [1] * N), "holds no projections"),
    "keys without a flat": (lambda file: write_nxtomo(file, FRAMES, [0] * N), "no flats for counts"),
}


def at_the_root(file: Path) -> None:
    """Write the parts of Data Exchange without their group."""
    with h5py.File(file, "w") as content:
        for name, values in (("data", FRAMES), ("data_white", WHITE), ("data_dark", DARK), ("theta", half_turn(N))):
            content[name] = values


def behind_a_link(file: Path) -> None:
    """Link to a file in another folder, whose frames are in a file next to it."""
    folder = file.with_name("store")
    folder.mkdir()
    exchange()(folder / "master.h5")
    write_exchange(folder / "cam.h5", FRAMES)
    layout = h5py.VirtualLayout(FRAMES.shape, np.uint16)
    layout[:] = h5py.VirtualSource("cam.h5", "exchange/data", FRAMES.shape)
    with h5py.File(folder / "master.h5", "a") as content:
        del content["exchange/data"]
        content.create_virtual_dataset("exchange/data", layout)
    file.symlink_to("store/master.h5")


ODD: dict[str, Write] = {
    "int32": exchange(FRAMES.astype(np.int32)),
    "int64": exchange(FRAMES.astype(np.int64)),
    "big-endian": exchange(FRAMES.astype(">u2")),
    "big-endian floats": exchange(FRAMES.astype(">f4"), data_white=WHITE.astype(">f8")),
    "float64": exchange(FRAMES.astype(np.float64)),
    "flats of no number between": exchange(data_white=np.insert(WHITE.astype(float), [1, 1, 3, 3], np.nan, axis=0)),
    "angles that run backwards": exchange(FRAMES[::-1], theta=half_turn(N)[::-1]),
    "angles that run on": exchange(theta=half_turn(N) + 720),
    "angles in radians": exchange(theta=np.radians(half_turn(N)), units="radian"),
    "compressed": changed(
        lambda content: (
            content.pop("exchange/data"),
            content.create_dataset("exchange/data", data=FRAMES, **hdf5plugin.Bitshuffle()),
        )
    ),
    "an axis of one in front": exchange(FRAMES[None], data_dark=DARK[None], theta=half_turn(N)),
    "an axis of one at the end": exchange(FRAMES[..., None], data_white=WHITE[..., None]),
    "times as text": exchange(time=[f"2026-01-01T00:00:{second:02d}".encode() for second in range(N)]),
    "one time step for all": exchange(time_step=np.zeros(N, int)),
    "one angle too many": exchange(theta=np.arange(N + 1) * 180 / N),
    "at the root": at_the_root,
    "frames after the scan": lambda file: write_nxtomo(
        file,
        np.concatenate([DARK, WHITE, FRAMES, FRAMES[::8] + 9]),
        np.repeat([2, 1, 0, 0], [3, 8, N, 3]),
        angles=np.r_[np.full(11, np.nan), half_turn(N), 0, 60, 120],
        image_key_control=np.repeat([2, 1, 0, -1], [3, 8, N, 3]),
    ),
    "behind a symbolic link, made of other files": behind_a_link,
    "behind a soft link": changed(
        lambda content: (content.move("exchange/data", "pixels"), content.update({"exchange/data": content["pixels"]}))
    ),
}


def line_integrals(file: Path, config: dict[str, Any] | None = None) -> np.ndarray:
    """Do what the first jobs do; the angles in order."""
    resolved = settings.load({"scans": {"s": {"file": str(file)}}, **(config or {})})
    entry = scan_table.open_all(resolved)["s"]
    split = by_angle.split(entry.scan.angles, entry.choice.sections, entry.choice.inputs)
    chosen, measures = resolved.correct, measuring.measure(entry.scan)
    found, _ = slabs.correct_slab(entry.scan, (0, entry.scan.depth), by_angle.assignment(split), chosen, measures)
    return found[np.argsort(entry.scan.angles)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("write", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_cannot_be_right_is_refused_in_one_line(write: Write, words: str, here: Path) -> None:
    write(here / "scan.h5")
    before = sorted(here.rglob("*"))
    with pytest.raises(UserError) as refusal:
        line_integrals(Path("scan.h5"))
    line = str(refusal.value)
    assert words in line
    assert "scan.h5" in line or "scans.s" in line
    assert "\n" not in line
    assert sorted(here.rglob("*")) == before


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Make a file or folder unreadable, also for this process; root reads everything, so switch to another user."""
    user = os.geteuid()
    path.chmod(0)
    try:
        if user == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(user)
        path.chmod(0o700)


@pytest.mark.parametrize(
    ("shut", "blamed", "write"),
    [
        ("beamtime/scan.h5", "beamtime/scan.h5", exchange()),
        ("beamtime", "beamtime/scan.h5", exchange()),
        ("beamtime/part.h5", "beamtime/part.h5", linked(h5py.ExternalLink("part.h5", "exchange/data"))),
        ("beamtime/part.h5", "part.h5", made_of("part.h5", "exchange/data")),
    ],
    ids=["the file", "its folder", "what it links to", "what it is made of"],
)
def test_what_another_user_owns_is_reported(shut: str, blamed: str, write: Write, here: Path) -> None:
    here.chmod(0o755)
    (here / "beamtime").mkdir()
    exchange()(here / "beamtime/part.h5")
    write(here / "beamtime/scan.h5")
    with closed(here / shut), pytest.raises(UserError) as refusal:
        line_integrals(Path("beamtime/scan.h5"), {"correct": {"input": "attenuation"}})
    assert str(refusal.value).endswith(f"{blamed} is not readable by you: ask its owner for read permission")


def test_truths_and_models_that_another_user_owns_are_reported(here: Path) -> None:
    here.chmod(0o755)
    (here / "beamtime").mkdir()
    exchange()(here / "scan.h5")
    with closed(here / "beamtime"):
        resolved = settings.load({"scans": {"s": {"file": "scan.h5", "truth": "beamtime/truth.npy"}}})
        with pytest.raises(UserError, match=r"^scans.s: beamtime/truth.npy is not readable by you"):
            scan_table.open_all(resolved)
        with pytest.raises(UserError, match=r"^beamtime/model.safetensors is not readable by you"):
            model_file.describe(Path("beamtime/model.safetensors"))
        with pytest.raises(UserError, match="no file matches beamtime/"):
            scan_table.open_all(settings.load({"scans": {"s": {"file": "beamtime/*.h5"}}}))


@pytest.mark.parametrize("write", ODD.values(), ids=ODD)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_is_merely_odd_gives_the_same_line_integrals(write: Write, here: Path) -> None:
    exchange()(here / "plain.h5")
    write(here / "odd.h5")
    plain, odd = line_integrals(Path("plain.h5")), line_integrals(Path("odd.h5"))
    np.testing.assert_allclose(odd, plain, atol=1e-5)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (exchange(np.where(np.arange(N)[:, None, None] == 5, 0, FRAMES)), "projections 5 hold no light"),
        (exchange(data_white=np.full_like(WHITE, 65535)), "flats are saturated: 100%"),
        (exchange(np.where(np.arange(COLUMNS) % 9 == 4, np.nan, FRAMES)), "were dead or not finite"),
        (exchange(data_dark=None), "there are no darks"),
        (exchange(FRAMES // 50 + 10), "streaks may remain"),
    ],
)
def test_what_weakens_a_scan_is_reported(write: Write, words: str, here: Path) -> None:
    write(here / "scan.h5")
    resolved = settings.load({"scans": {"s": {"file": "scan.h5"}}})
    scan = screening.screen(scan_table.open_all(resolved)["s"].scan)
    chosen, measures = resolved.correct, measuring.measure(scan)
    _, found = slabs.correct_slab(scan, (0, scan.depth), None, chosen, measures)
    reported = [*map(str, scan.left_out), *concerns.concerns(scan, [found], 2, divided=True)]
    assert any(words in text for text in reported)
