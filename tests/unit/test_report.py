"""The report: harmless, self-contained, and honest in what its pictures and numbers say."""

import base64
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tomodenoise.arrays import FloatArray
from tomodenoise.disk import Use
from tomodenoise.report import (
    ModelSection,
    Quality,
    Row,
    ScanSection,
    Stage,
    full,
    render,
    render_overview,
    rows,
    stages,
    window,
)
from tomodenoise.report.curves import loss_curve
from tomodenoise.report.pictures import LARGEST_SIDE, block_mean, picture, reduction
from tomodenoise.report.words import distance, duration, memory, number, round_length, tree

EVIL = "<script>alert(1)</script>\"'&"
HISTORY = [
    {"iteration": i, "pixels": 1e6 * i, "loss": 1 / i, "held_out_loss": 2 / i, "learning_rate": 1e-3, "seconds": i}
    for i in range(1, 9)
]
BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def ramp(rows: int, columns: int) -> FloatArray:
    return np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)


def scan(name: str = "foam", rows: int = 6, side: int = 16) -> ScanSection:
    axial, upright = ramp(side, side), ramp(rows, side)
    return ScanSection(
        name=name,
        facts={"Angles": "0 to 180"},
        warnings=(),
        planes={
            "axial (z)": (axial, axial),
            "coronal (y)": (upright, upright),
            "sagittal (x)": (upright, upright),
        },
        window=(0.0, 1.0),
        pixel_size=1.5,
        center_figure=b"\x89PNG",
        model=name,
        settings={"correct": {"phase": None}},
        provenance={"revision": "abc"},
        stages=(Stage("correct", 3, 75.0, 30.0, 1536.0),),
    )


class Elements(HTMLParser):
    """All start tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:  # noqa: D102
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of every such element."""
        return [attributes for name, attributes in self.tags if name == tag]


def decoded(uri: str) -> np.ndarray:
    kind, content = uri.split(",", 1)
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))).convert("L"))


def test_page_loads_nothing() -> None:
    page = Elements(render([scan()], [ModelSection("foam", HISTORY, {})], "A beamtime"))
    for _, attributes in page.tags:
        for key in attributes.keys() & {"src", "href", "xlink:href", "srcset", "data", "action", "poster"}:
            assert attributes[key].startswith(("data:", "#"))
    assert [link["rel"] for link in page.all("link")] == ["icon"]
    assert not re.search(r"@import|url\((?!#|\"?data:)|https?:", page.text)


def test_page_allows_its_own_script_and_no_other() -> None:
    text = render([scan(EVIL)], [], EVIL)
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text.replace("&#39;", "'")
    assert text.count("<script") == 1


def test_every_text_is_escaped() -> None:
    evil = replace(
        scan(EVIL),
        facts={EVIL: EVIL},
        warnings=(EVIL,),
        planes={EVIL: (ramp(4, 4), ramp(4, 4))},
        settings={EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}},
        provenance={EVIL: EVIL},
        stages=(Stage(EVIL, 1, 1, 1, 1),),
    )
    harmless = Elements(render([scan()], [ModelSection("foam", HISTORY, {"a": "b"})], "title"))
    page = Elements(render([evil], [ModelSection(EVIL, HISTORY, {EVIL: EVIL})], EVIL))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags}
    assert {key for _, attributes in page.tags for key in attributes if key.startswith("on")} == set()
    assert page.text.count(EVIL) > 10


def test_identifiers_are_unique_and_links_lead_somewhere() -> None:
    models = [ModelSection(name, HISTORY, {}) for name in ("a", "b")]
    page = Elements(render([scan("a"), scan("b")], models, "t"))
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {link["href"][1:] for link in page.all("a")} <= set(names)
    assert len(page.all("a")) == 4


def test_a_scan_s_own_page_leads_to_the_overview_and_back() -> None:
    model = ModelSection("foam", HISTORY, {})
    own = Elements(render([scan()], [model], "t", "../report.html"))
    assert [link["href"] for link in own.all("a")] == ["../report.html", "#scan-1", "#model-1"]
    (row,) = rows([replace(scan(), warnings=("few flats",))], [ModelSection("bread", HISTORY, {}), model])
    overview = Elements(render_overview([row, *rows([scan("crumb")], [])], "t", "{scan}/report.html"))
    assert [link["href"] for link in overview.all("a")] == [
        *("foam/report.html", "foam/report.html#model-2", "foam/report.html"),
        "crumb/report.html",
    ]
    assert "2 scans, each with a page of its own in its folder; 1 of them has something to look at." in overview.text
    assert overview.all("img") == []


def test_the_overview_says_of_a_scan_what_its_own_page_says() -> None:
    section = replace(scan(), quality=QUALITY, warnings=("few flats",))
    page, overview = render([section], [], "t"), render_overview(rows([section], []), "t", "{scan}.html")
    assert shown(page) == shown(overview)
    assert shown(page)["Voxels"] == "6 \N{MULTIPLICATION SIGN} 16 \N{MULTIPLICATION SIGN} 16"


def test_a_row_of_the_overview_is_harmless_and_outlives_a_file() -> None:
    listed = rows([scan(EVIL)], [])
    assert [Row(**json.loads(json.dumps(asdict(row)))) for row in listed] == listed
    page = Elements(render_overview(listed, EVIL, "{scan}/report.html"))
    assert {key for _, attributes in page.tags for key in attributes if key.startswith("on")} == set()
    assert EVIL in page.text
    assert {unquote(link["href"]) for link in page.all("a")} == {f"{EVIL}/report.html"}
    assert render_overview(listed, EVIL, "").count("<script") == 1


def test_controls_and_pictures_have_names() -> None:
    page = Elements(render([scan()], [], "t"))
    assert len(page.all("input")) == 3
    assert all(control["aria-label"] for control in page.all("input") + page.all("button"))
    assert len(page.all("img")) == 7
    assert all(image["alt"] for image in page.all("img"))


QUALITY = Quality(
    judged={"rows": [[3, 5], [7, 8]], "why": "held out", "given": [0, 2], "targets": [1, 3], "held_out": True},
    verdicts=[{"figure": "edges", "level": "bad", "text": EVIL}, {"figure": "umse", "level": "good", "text": "well"}],
    figures={
        "umse": {"umse": 1.0, "upsnr": 21.26, "upsnr_given": 11.0},
        "calibration": {"slope": 0.984},
        "contrast": {"raw": 2.04, "denoised": 6.3},
        "edges": {"raw": 1.5, "denoised": 1.7, "edges": 200},
        "comparison": {
            "columns": {
                "raw": {"told": "", "split_loss": 2.0, "upsnr": None, "slope": 0.5},
                "network": {"told": "", "split_loss": 1.0, "upsnr": None, "slope": 1.0, "residual": -0.01},
                EVIL: {"told": "radius 2.0 px", "split_loss": 1.5, "upsnr": None, "slope": None, "residual": 0.2},
            }
        },
    },
    absent={"fsc": "no halves", "truth": "no truth is given"},
    curves={
        "calibration": {"levels": ramp(1, 9)[0], "means": ramp(1, 9)[0], "errors": ramp(1, 9)[0]},
        "comparison": {"raw": ramp(16, 16), "network": ramp(16, 16), EVIL: ramp(16, 16)},
    },
)


def shown(page: str) -> dict[str, str]:
    """Return the cells of the overview."""
    cells = re.findall(r'<td data-label="(.*?)">(.*?)</td>', page)
    return {label: re.sub("<.*?>", "", value) for label, value in cells}


def test_overview_states_size_quality_and_what_is_to_be_looked_at() -> None:
    cells = shown(render([replace(scan(), quality=QUALITY, warnings=("few flats",))], [], "t"))
    assert cells["Error"] == "10.3 dB less"
    assert cells["Grey values"] == "slope 0.98"
    assert cells["Contrast to noise"] == "2 → 6.3"
    assert cells["Edges, px"] == "1.5 → 1.7"
    assert cells["To look at"] == "2"
    unknown = replace(QUALITY, figures={"umse": {"upsnr": None, "upsnr_given": 1.0}})
    assert shown(render([replace(scan(), quality=unknown)], [], "t"))["Error"] == "\N{EN DASH}"


def test_quality_says_what_was_judged_what_is_missing_and_why() -> None:
    page = Elements(render([replace(scan(), quality=QUALITY)], [], "t"))
    assert "Judged on rows 3 to 4, 7 (held out)" in page.text
    assert "sections 1 + 3 and compared with 2 + 4" in page.text
    assert "no halves" in page.text
    assert "no truth is given" not in page.text
    refused = Quality(judged=None, verdicts=[], figures={}, absent={"all": "it moves"}, curves={})
    page = Elements(render([replace(scan(), quality=refused)], [], "t"))
    assert "not judged" in page.text
    assert "it moves" in page.text


def test_what_is_compared_has_a_column_each_and_a_picture() -> None:
    text = render([replace(scan(), quality=QUALITY)], [], "t")
    page = Elements(text)
    table = text[text.index('<table class="compared">') :]
    rows = re.findall(r'<th scope="row">(.*?) <small>.*?((?:<td>.*?</td>)+)', table[: table.index("</table>")])
    values = {name: re.findall("<td>(.*?)</td>", cells) for name, cells in rows}
    assert values == {
        "held-out loss": ["2", "1", "1.5"],
        "slope of grey values": ["0.500", "1.000", "\N{EN DASH}"],
        "removed at edges": ["\N{EN DASH}", "\N{MINUS SIGN}0.010", "0.200"],
    }
    assert sum(image["alt"].startswith("A square") for image in page.all("img")) == 3
    assert "radius 2.0 px" in page.text
    assert {tag for tag, _ in page.tags} & {"script"} == {"script"}
    assert text.count("<script") == 1


ALONG = {
    "axis": "channel",
    "places": [0, 1],
    "labels": [EVIL, "2theta 5 deg"],
    "window": [0, 0],
    "figures": {"upsnr": [20.0, None], "upsnr_given": [10.0, 8.0], "slope": [1.0, -3.0], "slope_error": [0.01, 2.0]},
    "absent": {"cross_frc": {"places": [1], "reason": "noise is too strong"}},
}


def test_channels_have_curves_and_a_row_each() -> None:
    text = render([replace(scan(), quality=replace(QUALITY, along=ALONG))], [], "t")
    assert "Channel by channel" in text
    table = text[text.index("Channel by channel") :]
    assert re.findall("<td>(.*?)</td>", table[: table.index("</table>")]) == [
        *("10.0", "20.0", "1.000"),
        *("8.0", "\N{EN DASH}", "\N{MINUS SIGN}3.000"),
    ]
    assert "in 1 of 2: noise is too strong" in text
    assert text.count("<script") == 1


def test_overview_states_size_and_warnings() -> None:
    warned = replace(scan(), warnings=("few flats", "missing wedge"))
    dash = "\N{EN DASH}"
    assert shown(render([warned], [ModelSection("foam", HISTORY, {})], "t")) == {
        "Voxels": "6 \N{MULTIPLICATION SIGN} 16 \N{MULTIPLICATION SIGN} 16",
        "Voxel size": "1.5 µm",
        "Model": "foam",
        **dict.fromkeys(("Error", "Grey values", "Contrast to noise", "Edges, px"), dash),
        "To look at": "2",
    }


def test_page_says_when_its_pictures_hide_noise() -> None:
    assert "Shown averaged" not in render([scan()], [], "t")
    large = render([scan(side=2 * LARGEST_SIDE)], [], "t")
    assert "Shown averaged over 2 × 2 pixels" in large  # noqa: RUF001
    assert 'data-micrometres="3.0"' in large


def test_planes_of_a_row_or_two_are_left_out() -> None:
    assert len(Elements(render([scan(rows=2)], [], "t")).all("input")) == 1
    assert len(Elements(render([scan(rows=4)], [], "t")).all("input")) == 3


def test_lengths_are_pixels_where_nobody_tells_their_size() -> None:
    text = render([replace(scan(side=100), pixel_size=None)], [], "t")
    assert Elements(text).text.count("20 px") == 3
    assert shown(text)["Voxel size"] == "not known"
    assert "µm" not in Elements(text).text.split("Settings")[0]


def test_scale_bar_is_a_quarter_of_the_picture_at_most() -> None:
    page = Elements(render([scan(side=100)], [], "t"))
    assert [float(line["x2"]) * 1.5 for line in page.all("line")] == pytest.approx([20.0, 20.0, 20.0])
    assert page.text.count("20 µm") == 3


def test_page_is_the_same_each_time() -> None:
    sections = [scan()], [ModelSection("foam", HISTORY, {})], "t"
    assert render(*sections) == render(*sections)


def test_pages_need_no_torch_which_takes_longer_to_load_than_a_page_to_make() -> None:
    program = "import sys; from tomodenoise import report, summary; sys.exit('torch' in sys.modules)"
    scripts = Path(full.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=scripts, check=False).returncode == 0


def test_nothing_to_show_is_no_crash() -> None:
    bare = replace(scan(), planes={}, facts={}, settings={}, provenance={}, stages=(), center_figure=b"")
    assert "No training history" in render([bare], [ModelSection("foam", [], {})], "t")


@pytest.mark.parametrize("loss", [0.5, None, math.nan, 0.0, -1.0])
def test_any_history_gives_a_curve_or_nothing(loss: float) -> None:
    curve = loss_curve([{"pixels": 1e6, "loss": loss}], "one")
    assert curve.startswith("<svg") is (loss == 0.5)


def test_curve_takes_the_colours_of_the_page() -> None:
    curve = loss_curve(HISTORY, "key")
    assert "var(--accent)" in curve
    assert not re.search(r"#[0-9a-f]{6}|http|<style|<metadata", curve)


@given(st.integers(0, 2**32 - 1))
def test_window_is_blind_to_hot_pixels_and_to_the_outside(seed: int) -> None:
    image = np.random.default_rng(seed).uniform(2, 3, (40, 40)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[5:-5, 5:-5] = True
    image[~mask] = 1e6
    image[20, 20:23] = 1e9, np.nan, -np.inf
    low, high = window(image, mask)
    assert 1.8 < low < 2.1
    assert 2.9 < high < 3.2


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-6, 1e6, np.nan])
def test_window_of_a_flat_image_is_open(value: float) -> None:
    low, high = window(np.full((4, 4), value, np.float32), np.ones((4, 4), bool))
    assert low < high


def test_window_of_nothing_is_open() -> None:
    assert window(ramp(4, 4), np.zeros((4, 4), bool)) == (0.0, 1.0)


def test_picture_maps_the_window_to_black_and_white() -> None:
    image = np.array([[-1.0, 0.0, 1.0, 2.0, 3.0, np.nan]], np.float32)
    assert decoded(picture(image, (0.0, 2.0), 1).uri).tolist() == [[0, 0, 128, 255, 255, 0]]


def test_pictures_stay_small() -> None:
    assert reduction([ramp(2, 1024)]) == 1
    assert reduction([ramp(2, 1024), ramp(2, 1025)]) == 2
    noise = np.random.default_rng(0).normal(0.5, 0.1, (2000, 900)).astype(np.float32)
    small = picture(noise, (0.0, 1.0), 2)
    assert (small.height, small.width) == decoded(small.uri).shape == (1000, 450)


def test_block_mean_weighs_the_border_right() -> None:
    assert block_mean(np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0], [5.0, 7.0, 9.0]]), 2).tolist() == [[2.5, 7], [6, 9]]


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
def test_block_mean_keeps_the_mean(rows: int, columns: int, factor: int) -> None:
    image = ramp(rows * factor, columns * factor)
    assert block_mean(image, factor).shape == (rows, columns)
    assert block_mean(image, factor).mean() == pytest.approx(image.mean())


@given(st.floats(1e-6, 1e6))
def test_scale_bars_are_round_and_long(limit: float) -> None:
    length = round_length(limit)
    assert 0.39 * limit < length < 1.000001 * limit
    assert f"{length:.0e}"[0] in "125"
    assert length == pytest.approx(float(f"{length:.0e}"))


def test_words_for_numbers() -> None:
    assert [duration(s) for s in (2.04, 187.2, 5025, 359999, math.nan)] == [
        "2.0 s",
        "3 min 07 s",
        "1 h 23 min",
        "99 h 59 min",
        "\N{EN DASH}",
    ]
    assert [memory(mb) for mb in (210.4, 3900, math.nan)] == ["210 MB", "3.9 GB", "\N{EN DASH}"]
    assert [distance(um) for um in (0.0006, 1.43, 2000)] == ["0.6 nm", "1.43 µm", "2 mm"]
    assert [number(x, 3) for x in (-0.00123456, math.inf)] == ["\N{MINUS SIGN}0.00123", "\N{EN DASH}"]


def test_settings_read_as_the_user_wrote_them() -> None:
    settings = {"a": {"b": None, "c": True, "d": 1}, "e": [1, 2.5], "f": [], "g": 3.0e7, "h": [{"i": 1e-5}]}
    assert tree(settings) == [
        ("a", [("b", "\N{EN DASH}"), ("c", "true"), ("d", "1")]),
        ("e", "1, 2.5"),
        ("f", "none"),
        ("g", "30000000"),
        ("h", [("1", [("i", "1e-05")])]),
    ]


def test_stages_add_up_in_the_order_of_the_pipeline(tmp_path: Path) -> None:
    for name, jobs in {"denoise": ["7.5 300"], "correct_slab": ["2 100", "3 250", "- NA"], "split": ["- -"]}.items():
        (tmp_path / name).mkdir()
        for i, job in enumerate(jobs):
            seconds, memory_used = job.split()
            values = [seconds, "0:00:02", memory_used, *["-"] * 7]
            (tmp_path / name / f"{i}.tsv").write_text(BENCHMARK + "\t".join(values) + "\n")
    (tmp_path / "center.tsv").write_text(BENCHMARK + "4\t0:00:04\t80" + "\t0" * 7 + "\n")
    correct, center, split, denoise = stages(tmp_path)
    assert correct == Stage("correct_slab", 3, 5.0, 3.0, 250.0)
    assert center == Stage("center", 1, 4.0, 4.0, 80.0)
    assert denoise == Stage("denoise", 1, 7.5, 7.5, 300.0)
    assert (split.name, split.jobs) == ("split", 1)
    assert all(map(math.isnan, (split.seconds, split.longest, split.peak_mb)))


def test_no_benchmarks_are_no_stages(tmp_path: Path) -> None:
    assert stages(tmp_path / "missing") == ()


def test_slices_that_are_averaged_are_there_in_all_pixels_without_loss() -> None:
    noise = np.random.default_rng(0).uniform(0, 1, (1030, 1030)).astype(np.float32)
    large = replace(scan(), planes={"axial (z)": (noise, noise), "coronal (y)": (ramp(6, 1030), ramp(6, 1030))})
    page = Elements(render([large], [], "t"))
    links = [link for link in page.all("a") if "download" in link]
    assert [link["download"] for link in links] == [
        f"foam {plane} {state}.webp" for plane in ("axial (z)", "coronal (y)") for state in ("raw", "denoised")
    ]
    np.testing.assert_array_equal(decoded(links[0]["href"]), np.round(255 * noise.astype(float)))
    assert [button["title"] for button in page.all("button") if button["data-do"] == "whole"] == [
        "All 1030 × 1030 pixels (1)",  # noqa: RUF001
        "All 1030 × 6 pixels (1)",  # noqa: RUF001
    ]


def test_what_is_shown_in_all_pixels_is_there_once() -> None:
    page = Elements(render([scan()], [], "t"))
    assert not [button for button in page.all("button") if button["data-do"] == "whole"]
    assert not [link for link in page.all("a") if "download" in link]


def test_full_slices_keep_to_the_budget_and_the_page_says_where_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full, "BUDGET", 2.5e6)
    monkeypatch.setattr("tomodenoise.report.page.BUDGET", 2.5e6)
    side = ramp(700, 700)
    three = dict.fromkeys(("axial (z)", "coronal (y)", "sagittal (x)"), (side, side))
    page = Elements(render([replace(scan(), planes=three, volume="results/a b/denoised.ome.zarr")], [], "t"))
    assert sum("download" in link for link in page.all("a")) == 2
    assert "coronal (y), 700 × 700; sagittal (x), 700 × 700" in page.text  # noqa: RUF001
    assert "napari --plugin napari-ome-zarr 'results/a b/denoised.ome.zarr'" in page.text
    assert full.pixels(1) == 2 * full.pixels(2)


def test_no_picture_is_larger_than_its_format_holds() -> None:
    long = ramp(5, full.LONGEST + 1)
    assert full.full({"axial (z)": (long, long)}, (0, 1), 17, 10**9) == {"axial (z)": None}


def test_the_page_says_what_products_take_and_what_was_deleted() -> None:
    uses = {"sections": Use(1, 700), "denoised volume": Use(7, 2_500_000)}
    text = render([replace(scan(), disk=uses)], [], "t")
    rows = re.findall(r'<th scope="row">(sections|denoised volume|all)</th><td>(.*?)</td><td>(.*?)</td>', text)
    assert rows == [("sections", "1", "700 B"), ("denoised volume", "7", "2.5 MB"), ("all", "8", "2.5 MB")]
    assert "The pixels of sections are deleted" in text
    assert "Disk" not in render([scan()], [], "t")
