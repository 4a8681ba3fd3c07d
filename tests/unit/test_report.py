"""The report: safe, self-contained, and correct in its pictures and numbers."""

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
from image_on_disk import write_image
from PIL import Image

import report_survivors
from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.common.disk_usage import Use
from tomodenoise.denoising.greys import linear
from tomodenoise.denoising.previews import Slice
from tomodenoise.evaluation.profile import Profile
from tomodenoise.report import viewer
from tomodenoise.report.content import Failed, ModelSection, Row, ScanSection
from tomodenoise.report.curves import loss_curve
from tomodenoise.report.pages import render, render_overview, rows
from tomodenoise.report.pictures import LARGEST_SIDE, picture
from tomodenoise.report.quality import Quality
from tomodenoise.report.timing import Stage, stages
from tomodenoise.report.words import distance, duration, memory, number, opening, round_length, tree

EVIL = "<script>alert(1)</script>\"'&"
HISTORY = [
    {"iteration": i, "pixels": 1e6 * i, "loss": 1 / i, "held_out_loss": 2 / i, "learning_rate": 1e-3, "seconds": i}
    for i in range(1, 9)
]
BENCHMARK = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def ramp(rows: int, columns: int) -> FloatArray:
    return np.linspace(0, 1, rows * columns, dtype=np.float32).reshape(rows, columns)


def planes(axial: FloatArray, upright: FloatArray) -> list[Slice]:
    depth, side = upright.shape
    return [
        Slice("z", depth // 2, axial, axial),
        Slice("y", side // 2, upright, upright),
        Slice("x", side // 2, upright, upright),
    ]


def scan(name: str = "foam", rows: int = 6, side: int = 16) -> ScanSection:
    return ScanSection(
        name=name,
        facts={"Angles": "0 to 180"},
        warnings=(),
        planes=planes(ramp(side, side), ramp(rows, side)),
        greys=linear(0.0, 1.0),
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
        details={EVIL: EVIL},
        folder=EVIL,
        settings={EVIL: {EVIL: [EVIL, {EVIL: EVIL}]}},
        provenance={EVIL: EVIL},
        stages=(Stage(EVIL, 1, 1, 1, 1),),
    )
    failed = [Failed(EVIL, EVIL, EVIL)]
    usual = replace(scan(), warnings=("few flats",), folder="a", details={"a": "b"})
    harmless = Elements(render([usual], [ModelSection("foam", HISTORY, {"a": "b"})], "title"))
    page = Elements(render([evil], [ModelSection(EVIL, HISTORY, {EVIL: EVIL})], EVIL, failed=failed))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags}
    assert {key for _, attributes in page.tags for key in attributes if key.startswith("on")} == set()
    assert page.text.count(EVIL) > 10


def test_identifiers_are_unique_and_links_lead_somewhere() -> None:
    models = [ModelSection(name, HISTORY, {}) for name in ("a", "b")]
    page = Elements(render([scan("a"), scan("b")], models, "t"))
    names = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(names) == len(set(names))
    assert {link["href"][1:] for link in page.all("a")} <= set(names)
    assert len(page.all("a")) == 6


def test_a_page_of_one_scan_links_to_the_overview_and_back() -> None:
    model = ModelSection("foam", HISTORY, {})
    own = Elements(render([scan()], [model], "t", "../report.html"))
    assert [link["href"] for link in own.all("a")] == ["../report.html", "#scan-1", "#scan-1", "#model-1"]
    (row,) = rows([replace(scan(), warnings=("few flats",))], [ModelSection("bread", HISTORY, {}), model])
    overview = Elements(render_overview([row, *rows([scan("crumb")], [])], "t"))
    assert [link["href"] for link in overview.all("a")] == [
        *("foam/report.html", "foam/report.html", "foam/report.html#model-2", "foam/report.html"),
        *("crumb/report.html", "crumb/report.html"),
    ]
    assert "2 scans, 1 with warnings." in overview.text
    assert len(overview.all("img")) == 2


def test_overview_and_page_agree_about_a_scan() -> None:
    section = replace(scan(), quality=QUALITY, warnings=("few flats",))
    page, overview = render([section], [], "t"), render_overview(rows([section], []), "t")
    assert shown(page) == shown(overview)
    assert shown(page)["Voxels"] == "6 \N{MULTIPLICATION SIGN} 16 \N{MULTIPLICATION SIGN} 16"


def test_the_report_of_survivors_is_old_but_has_a_time_for_snakemake(tmp_path: Path) -> None:
    request = {"config": {}, "slabs": [], "rows": [], "failed": [["foam", "no flats", "a.log"]], "paged": True}
    report_survivors.main(request, tmp_path / "report.html")
    assert "foam failed: no flats" in Elements((tmp_path / "report.html").read_text()).text
    assert (tmp_path / "report.html").stat().st_mtime == 1


def test_a_row_of_the_overview_is_escaped_and_survives_json() -> None:
    listed = rows([scan(EVIL)], [])
    assert [Row(**json.loads(json.dumps(asdict(row)))) for row in listed] == listed
    page = Elements(render_overview(listed, EVIL))
    assert {key for _, attributes in page.tags for key in attributes if key.startswith("on")} == set()
    assert EVIL in page.text
    assert {unquote(link["href"]) for link in page.all("a")} == {f"{EVIL}/report.html"}
    assert render_overview(listed, EVIL).count("<script") == 1


def test_controls_and_pictures_have_names() -> None:
    page = Elements(render([scan()], [], "t"))
    sliders = [control for control in page.all("input") if control["type"] == "range"]
    assert len(sliders) == 3 + 2
    assert all(control["aria-label"] for control in sliders)
    unnamed = {button["data-do"] for button in page.all("button") if "aria-label" not in button}
    assert unnamed == {"pair", "reset"}  # their text is their name
    assert len(page.all("img")) == 8
    assert [image for image in page.all("img") if not image["alt"]] == [page.all("img")[0]]  # next to the same link


QUALITY = Quality(
    judged={"rows": [[3, 5], [7, 8]], "why": "held out", "basis": "The network was given sections 1 + 3."},
    verdicts=[{"figure": "edges", "level": "bad", "text": EVIL}, {"figure": "umse", "level": "good", "text": "well"}],
    figures={
        "umse": {"umse": 1.0, "umse_error": 0.1, "umse_given": 10.6, "upsnr": 21.26, "upsnr_given": 11.0},
        "calibration": {"slope": 0.984},
        "contrast": {"raw": 2.04, "denoised": 6.3},
        "edges": {"raw": 1.5, "denoised": 1.7, "edges": 200},
        "comparison": {
            "columns": {
                "raw": {"setting": "", "split_loss": 2.0, "upsnr": None, "slope": 0.5},
                "network": {"setting": "", "split_loss": 1.0, "upsnr": None, "slope": 1.0, "residual": -0.01},
                EVIL: {"setting": "radius 2.0 px", "split_loss": 1.5, "upsnr": None, "slope": None, "residual": 0.2},
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


def test_overview_states_quality_and_counts_warnings() -> None:
    cells = shown(render([replace(scan(), quality=QUALITY, warnings=("few flats",))], [], "t"))
    assert cells["Error"] == "10.3 dB lower"
    assert cells["Grey values"] == "slope 0.98"
    assert cells["Contrast to noise"] == "2 → 6.3"
    assert cells["Edge width, px"] == "1.5 → 1.7"
    assert cells["Warnings"] == "2"
    uncertain = replace(QUALITY, figures={"umse": QUALITY.figures["umse"] | {"umse_error": 0.6}})
    assert uncertain.highlights["Error"] == "too small to measure"
    unknown = replace(QUALITY, figures={"umse": {"upsnr": None, "upsnr_given": 1.0}})
    assert shown(render([replace(scan(), quality=unknown)], [], "t"))["Error"] == "\N{EN DASH}"


def test_quality_states_the_judged_rows_and_why_figures_are_missing() -> None:
    page = Elements(render([replace(scan(), quality=QUALITY)], [], "t"))
    assert "Judged on rows 3 to 4, 7 (held out)" in page.text
    assert "The network was given sections 1 + 3." in page.text
    assert "no halves" in page.text
    assert "no truth is given" not in page.text
    refused = Quality(judged=None, verdicts=[], figures={}, absent={"all": "it moves"}, curves={})
    page = Elements(render([replace(scan(), quality=refused)], [], "t"))
    assert "not judged" in page.text
    assert "it moves" in page.text


def test_each_compared_method_has_a_column_and_a_picture() -> None:
    text = render([replace(scan(), quality=QUALITY)], [], "t")
    page = Elements(text)
    table = text[text.index('<table class="compared">') :]
    rows = re.findall(r'<th scope="row">(.*?) <small>.*?((?:<td>.*?</td>)+)', table[: table.index("</table>")])
    values = {name: re.findall("<td>(.*?)</td>", cells) for name, cells in rows}
    assert values == {
        "split loss": ["2", "1", "1.5"],
        "slope of grey values": ["0.500", "1.000", "\N{EN DASH}"],
        "residual at edges": ["\N{EN DASH}", "\N{MINUS SIGN}0.010", "0.200"],
    }
    assert sum(image["alt"].startswith("Region of a slice") for image in page.all("img")) == 3
    assert "radius 2.0 px" in page.text
    assert {tag for tag, _ in page.tags} & {"script"} == {"script"}
    assert text.count("<script") == 1


ALONG = Profile(
    axis="channel",
    places=[0, 1],
    labels=[EVIL, "2theta 5 deg"],
    window=[0, 0],
    figures={"upsnr": [20.0, None], "upsnr_given": [10.0, 8.0], "slope": [1.0, -3.0], "slope_error": [0.01, 2.0]},
    absent={"cross_frc": {"places": [1], "reason": "noise is too strong"}},
)


def test_each_channel_has_a_point_in_the_charts_and_a_row() -> None:
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
        **dict.fromkeys(("Error", "Grey values", "Contrast to noise", "Edge width, px"), dash),
        "Warnings": "2",
    }


def test_page_states_when_averaging_hides_noise() -> None:
    assert "Shown averaged" not in render([scan()], [], "t")
    large = render([scan(side=2 * LARGEST_SIDE)], [], "t")
    assert "Shown averaged over 2 × 2 pixels" in large  # noqa: RUF001
    assert 'data-factor="2"' in large
    assert 'data-voxel="1.5"' in large


def test_planes_of_few_rows_are_left_out() -> None:
    assert [len(Elements(render([scan(rows=rows)], [], "t")).all("figcaption")) for rows in (2, 4)] == [2, 4]


def test_lengths_are_in_pixels_if_the_voxel_size_is_unknown() -> None:
    text = render([replace(scan(side=100), pixel_size=None)], [], "t")
    assert Elements(text).text.count("20 px") == 3
    assert shown(text)["Voxel size"] == "unknown"
    assert "µm" not in Elements(text).text.split("Settings")[0]


def test_scale_bar_is_a_quarter_of_the_picture_at_most() -> None:
    page = Elements(render([scan(side=100)], [], "t"))
    assert [float(line["x2"]) * 1.5 for line in page.all("line")] == pytest.approx([20.0, 20.0, 20.0])
    assert page.text.count("20 µm") == 3


def test_page_is_the_same_each_time() -> None:
    sections = [scan()], [ModelSection("foam", HISTORY, {})], "t"
    assert render(*sections) == render(*sections)


def test_pages_are_made_without_loading_torch() -> None:
    program = "import sys; from tomodenoise.report import collect, pages; sys.exit('torch' in sys.modules)"
    scripts = Path(viewer.__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=scripts, check=False).returncode == 0


def test_empty_facts_and_history_are_rendered() -> None:
    bare = replace(scan(), facts={}, settings={}, provenance={}, stages=())
    assert "No training history" in render([bare], [ModelSection("foam", [], {})], "t")


@pytest.mark.parametrize("loss", [0.5, None, math.nan, 0.0, -1.0])
def test_a_history_without_positive_loss_gives_no_curve(loss: float) -> None:
    curve = loss_curve([{"pixels": 1e6, "loss": loss}], "key")
    assert curve.startswith("<svg") is (loss == 0.5)


def test_curve_takes_the_colours_of_the_page() -> None:
    curve = loss_curve(HISTORY, "key")
    assert "var(--accent)" in curve
    assert not re.search(r"#[0-9a-f]{6}|http|<style|<metadata", curve)


def test_pictures_stay_small() -> None:
    for side, factor in ((1024, 1), (1025, 2)):
        shown = viewer.view(planes(ramp(1024, 1024), ramp(4, side)), linear(0, 1), 1)
        assert [plane.factor for plane in shown] == [factor] * 3
    noise = np.random.default_rng(0).normal(0.5, 0.1, (2000, 900)).astype(np.float32)
    small = picture(noise, linear(0.0, 1.0), 2)
    assert (small.height, small.width) == decoded(small.uri).shape == (1000, 450)


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


def test_numbers_are_formatted_for_people() -> None:
    assert [duration(s) for s in (2.04, 187.2, 5025, 359999, math.nan)] == [
        "2.0 s",
        "3 min 07 s",
        "1 h 23 min",
        "99 h 59 min",
        "\N{EN DASH}",
    ]
    assert [memory(mb) for mb in (210.4, 3900, math.nan)] == ["210 MB", "3.9 GB", "\N{EN DASH}"]
    assert [distance(um) for um in (0.0006, 1.43, 2000)] == ["0.6 nm", "1.43 µm", "2 mm"]
    assert [number(x, ".3g") for x in (-0.00123456, math.inf, None)] == ["\N{MINUS SIGN}0.00123", *["\N{EN DASH}"] * 2]


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


def test_without_benchmarks_there_are_no_stages(tmp_path: Path) -> None:
    assert stages(tmp_path / "missing") == ()


def test_averaged_slices_are_also_stored_in_full_without_loss() -> None:
    noise = np.random.default_rng(0).uniform(0, 1, (1030, 1030)).astype(np.float32)
    page = Elements(render([replace(scan(), planes=planes(noise, ramp(6, 1030)))], [], "t"))
    axial, *_ = [figure for figure in page.all("figure") if "data-raw" in figure]
    np.testing.assert_array_equal(decoded(axial["data-denoised"]), np.round(255 * noise.astype(float)))
    assert [button["title"] for button in page.all("button") if button["data-do"] == "whole"] == [
        "Full resolution, 1030 × 1030 pixels (1)",  # noqa: RUF001
        *["Full resolution, 1030 × 6 pixels (1)"] * 2,  # noqa: RUF001
    ]


def test_slices_shown_in_full_are_stored_once() -> None:
    page = Elements(render([scan()], [], "t"))
    assert not [button for button in page.all("button") if button["data-do"] == "whole"]
    assert not [figure for figure in page.all("figure") if "data-raw" in figure]


def test_full_slices_keep_to_the_budget_and_omitted_ones_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "BUDGET", 2.5e6)
    side = ramp(700, 700)
    large = replace(scan(), planes=planes(side, side))
    page = Elements(render([large], [], "t"))
    assert sum("data-raw" in figure for figure in page.all("figure")) == 1
    assert "coronal, 700 × 700; sagittal, 700 × 700" in page.text  # noqa: RUF001
    assert not any(plane.full for plane in viewer.view(large.planes, large.greys, 2)), "scans share the budget"


def test_no_picture_exceeds_the_limit_of_its_format() -> None:
    long = ramp(5, viewer.LONGEST + 1)
    (plane,) = viewer.view([Slice("z", 0, long, long)], linear(0, 1), 1)
    assert plane.omitted
    assert not plane.full


def test_the_page_shows_how_to_open_the_volume() -> None:
    named = replace(scan(), folder="results/a b")
    page = Elements(render([named], [], "t"))
    assert "napari --plugin napari-ome-zarr 'results/a b/denoised.ome.zarr'" in page.text
    assert "zarr.open('results/a b/denoised.ome.zarr/0', mode='r')" in page.text
    assert "export: [tiff]" in page.text
    assert "results/a b/denoised_tiff" in page.text
    assert "export: [tiff]" not in render([replace(named, exported=True)], [], "t")


def test_the_line_for_python_opens_the_volume(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(1, 1, 3, 5, 5)).astype(np.float32)
    path = write_image(tmp_path / "it's mine/denoised.ome.zarr", values)
    line = opening(str(path))["Python"]
    program = f"{line}\nassert volume[0, 0, 2, 3, 1] == {values[0, 0, 2, 3, 1]!s}, volume.shape"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_scans_that_failed_come_first_with_reason_and_log() -> None:
    failed = [Failed("bread", "no flats: set flats", "logs/bread/correct/0-0.log"), Failed("crust", "no file", "")]
    pages = [
        render([scan()], [], "t", failed=failed),
        render([], [], "t", failed=failed),
        render_overview(rows([scan()], []), "t", failed),
        render_overview([], "t", failed),
    ]
    for text in pages:
        shown = Elements(text).text
        first, second = shown.index("bread failed: no flats: set flats log: logs/bread"), shown.index("crust failed")
        assert first < second
        assert "foam" not in shown[:second]
    assert ["<table" in text for text in pages] == [True, False, True, False]
    assert "failed" not in Elements(render([scan()], [], "t")).text


def sliced(count: int, side: int, name: str = "foam") -> ScanSection:
    """Return a scan with slices of pure noise, raw and denoised."""
    noise = np.random.default_rng(0).normal(0.5, 0.3, (2, side, side)).astype(np.float32)
    slices = [Slice("z", 4 * number, *noise, factor=4) for number in range(count)]
    return replace(scan(name, rows=4 * count), slices=slices)


def test_the_slider_goes_through_all_slices() -> None:
    page = Elements(render([sliced(7, 32)], [], "t"))
    (slider,) = [control for control in page.all("input") if control.get("aria-label") == "Axial slice"]
    slices = [part for part in page.all("i") if "data-index" in part]
    middle = 4 * 7 // 2
    assert [int(part["data-index"]) for part in slices] == [z for z in range(0, 28, 4) if z != middle]
    assert (slider["max"], slider["value"]) == ("7", "4")
    assert all(decoded(part[state]).shape == (32, 32) for part in slices for state in ("data-raw", "data-denoised"))


@pytest.mark.parametrize("scans", [1, 2, 4])
def test_the_slider_keeps_to_6_mb_a_scan_and_14_mb_a_page(scans: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # A sixteenth of the pixels and of the space, so that the test is quick; noise packs worst.
    monkeypatch.setattr(viewer, "MOST", viewer.MOST / 16)
    monkeypatch.setattr(viewer, "TOGETHER", viewer.TOGETHER / 16)
    noisy = sliced(21, 128)
    drawn = viewer.slider(noisy.slices, linear(0, 1), scans)
    assert drawn is not None
    added = 16 * sum(len(before) + len(after) for _, before, after in drawn.slices)
    assert 1e6 < added < 6e6
    assert added * scans < 14e6


def test_an_overview_of_500_scans_is_under_5_mb() -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.3, (700, 700)).astype(np.float32)
    (row,) = rows([replace(scan(), planes=planes(noise, noise), quality=QUALITY)], [])
    page = render_overview([replace(row, name=f"scan{number}") for number in range(500)], "t")
    assert Elements(page).all("img")[499]["src"] == row.thumbnail
    assert len(page) < 5e6


def test_the_page_states_disk_space_and_deleted_products() -> None:
    uses = {"sections": Use(1, 700), "denoised volume": Use(7, 2_500_000)}
    text = render([replace(scan(), disk=uses)], [], "t")
    rows = re.findall(r'<th scope="row">(sections|denoised volume|all)</th><td>(.*?)</td><td>(.*?)</td>', text)
    assert rows == [("sections", "1", "700 B"), ("denoised volume", "7", "2.5 MB"), ("all", "8", "2.5 MB")]
    assert "Deleted to save space: sections." in text
    assert "Disk" not in render([scan()], [], "t")
