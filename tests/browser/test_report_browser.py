"""The report in a real browser: pictures are there, the divider moves, zoom works, the console stays silent."""

import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tomodenoise.common.arrays import FloatArray
from tomodenoise.common.blocks import block_mean
from tomodenoise.denoising.greys import CODES, Scale, linear
from tomodenoise.denoising.previews import Slice
from tomodenoise.networks.models import Normalisation
from tomodenoise.report import live
from tomodenoise.report.content import Failed, ModelSection, ScanSection
from tomodenoise.report.pages import render, render_overview, rows
from tomodenoise.report.timing import Stage
from tomodenoise.training.checkpoints import Evaluation
from tomodenoise.training.preview import View

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def slice_of_noise() -> FloatArray:
    return np.random.default_rng(0).uniform(0, 1, (200, 200)).astype(np.float32)


def planes(axial: FloatArray, upright: FloatArray) -> list[Slice]:
    """Return the planes of a volume that is the same before and after."""
    depth, size = upright.shape
    cuts = [Slice(axis, size // 2, upright, upright) for axis in ("y", "x")]
    return [Slice("z", depth // 2, axial, axial), *cuts]


def scan(name: str) -> ScanSection:
    figure, png = Figure(figsize=(4, 1)), io.BytesIO()
    figure.savefig(png, format="png")
    return ScanSection(
        name=name,
        facts={"A rather long label": "a_value_without_any_space_to_break_at/" * 4},
        warnings=(name,),
        planes=planes(slice_of_noise(), slice_of_noise()[:6]),
        greys=linear(0.0, 1.0),
        pixel_size=1.0,
        center_figure=png.getvalue(),
        model="foam",
        settings={"train": {"pixels": 3.0e7}},
        provenance={"sha256": "0123456789abcdef" * 4},
        stages=(Stage("reconstruct_slab", 1234, 98765.4, 4567.8, 12345.6),),
    )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(chromedriver))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    history = [{"pixels": 1e6 * i, "loss": 1 / i, "held_out_loss": 2 / i} for i in range(1, 9)]
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render([scan("foam"), scan(EVIL)], [ModelSection("foam", history, {})], EVIL), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a page whose slices have 1030 x 1030 pixels, so that it shows them averaged over 2 x 2."""
    values = slice_of_blocks()
    shown = [Slice("z", 150, values, 1 - values), Slice("y", 515, values[:300], values[:300])]
    path: Path = tmp_path_factory.mktemp("large") / "report.html"
    path.write_text(render([replace(scan("large"), planes=shown)], [], "large"), encoding="utf-8")
    return path.as_uri()


def slice_of_blocks() -> FloatArray:
    """Return 1030 x 1030 pixels of noise over squares, so that means of some pixels differ from place to place."""
    random = np.random.default_rng(1)
    squares = np.kron(random.uniform(0.1, 0.9, (103, 103)), np.ones((10, 10)))
    return (squares + random.uniform(-0.1, 0.1, (1030, 1030))).astype(np.float32)


WIDE = Scale((-1.0, 0.2, 0.8, 2.0), CODES)
DEPTH, SIZE = 60, 300


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a page with a slider: five slices, averaged over 3 x 3, raw half of denoised."""
    values = {z: volume_slice(z) for z in range(6, DEPTH, 12)}
    slices = [Slice("z", z, block_mean(image / 2, 3), block_mean(image, 3), 3) for z, image in values.items()]
    upright = np.stack([volume_slice(z)[150] for z in range(DEPTH)])
    shown = [
        Slice("z", 30, volume_slice(30) / 2, volume_slice(30)),
        Slice("y", 150, upright / 2, upright),
        Slice("x", 150, upright / 2, upright),
    ]
    section = replace(scan("deep"), planes=shown, slices=slices, greys=WIDE, folder="results/deep")
    path: Path = tmp_path_factory.mktemp("deep") / "report.html"
    path.write_text(render([section], [], "deep"), encoding="utf-8")
    return path.as_uri()


def volume_slice(z: int) -> FloatArray:
    """Return a slice (y, x) of steps of 10 pixels, whose values rise with x, y and z."""
    y, x = np.mgrid[:SIZE, :SIZE] // 10
    return (0.2 + 0.01 * x + 0.004 * y + 0.004 * z).astype(np.float32)


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    resize(browser, 1400)
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []


def resize(browser: webdriver.Chrome, width: int) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def style(page: webdriver.Chrome, selector: str, name: str) -> str:
    return str(page.find_element(By.CSS_SELECTOR, selector).value_of_css_property(name))


def cuts(page: webdriver.Chrome) -> list[float]:
    """Return where each plane of the first scan is cut, in percent."""
    clips = page.execute_script(
        "return [...document.querySelectorAll('#scan-1 .layer.denoised')].map((e) => getComputedStyle(e).clipPath)"
    )
    return [float(clip.removesuffix("%)").rsplit(" ", 1)[1]) for clip in clips]


def scale(page: webdriver.Chrome, selector: str = "#scan-1 .layer.denoised img") -> float:
    transform = style(page, selector, "transform")
    return 1.0 if transform == "none" else float(transform.removeprefix("matrix(").split(",")[0])


def bar(page: webdriver.Chrome) -> tuple[float, float]:
    """Return the length of the first scale bar, in CSS pixels, and what it says, in micrometres."""
    drawn = page.execute_script("return document.querySelector('#scan-1 .scale line').getBoundingClientRect().width")
    return float(drawn), float(page.find_element(By.CSS_SELECTOR, "#scan-1 .scale span").text.removesuffix(" µm"))


def test_every_picture_loads(page: webdriver.Chrome) -> None:
    widths = page.execute_script("return [...document.images].map((image) => image.naturalWidth)")
    assert widths == [67] * 2 + [200, 200, 200, 200, 200, 200, 400] * 2
    assert page.execute_script("return document.querySelector('.curve svg').getBoundingClientRect().height") > 100


def test_nothing_is_fetched(page: webdriver.Chrome) -> None:
    names = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in names if not name.startswith("data:")] == []


def test_a_malicious_name_stays_text(page: webdriver.Chrome) -> None:
    assert page.find_element(By.TAG_NAME, "h1").text == EVIL
    assert len(page.find_elements(By.TAG_NAME, "script")) == 1


def test_keys_move_the_divider_of_all_planes(page: webdriver.Chrome) -> None:
    slider = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame input")
    assert cuts(page) == [50, 50, 50]
    slider.send_keys(Keys.ARROW_LEFT)
    assert cuts(page) == [49, 49, 49]
    assert slider.get_attribute("aria-valuetext") == "49 % raw"
    slider.send_keys(Keys.HOME)
    assert cuts(page) == [0, 0, 0]


def test_dragging_the_handle_or_the_picture_moves_the_divider(page: webdriver.Chrome) -> None:
    handle = page.find_element(By.CSS_SELECTOR, "#scan-1 .divider svg")
    width = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame").size["width"]
    ActionChains(page).drag_and_drop_by_offset(handle, round(width / 4), 0).perform()
    assert cuts(page) == pytest.approx([75, 75, 75], abs=1)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    ActionChains(page).move_to_element(frame).click_and_hold().move_by_offset(-round(width / 4), 0).release().perform()
    assert cuts(page) == pytest.approx([25, 25, 25], abs=1)
    assert scale(page) == 1


def test_buttons_and_keys_zoom_with_crisp_pixels(page: webdriver.Chrome) -> None:
    assert style(page, "#scan-1 .frame img", "image-rendering") == "auto"
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=in]").click()
    assert scale(page) == pytest.approx(1.5)
    assert scale(page, "#scan-1 .layer.raw img") == scale(page)
    assert style(page, "#scan-1 .frame img", "image-rendering") == "pixelated"
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    frame.send_keys("+")
    assert scale(page) == pytest.approx(2.25)
    frame.send_keys("0")
    assert scale(page) == 1


def test_a_zoomed_picture_pans_within_its_frame(page: webdriver.Chrome) -> None:
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    ActionChains(page).double_click(frame).perform()
    before = style(page, "#scan-1 .layer.denoised img", "transform")
    ActionChains(page).move_to_element(frame).click_and_hold().move_by_offset(40, 0).release().perform()
    assert style(page, "#scan-1 .layer.denoised img", "transform") != before
    assert cuts(page) == [50, 50, 50]
    frame.send_keys(Keys.ARROW_LEFT * 40)
    assert style(page, "#scan-1 .layer.denoised img", "transform").split(",")[4].strip() == "0"


def test_the_menu_jumps_to_a_scan_and_shows_which_is_in_view(page: webdriver.Chrome) -> None:
    menu = page.find_element(By.CSS_SELECTOR, ".menu select")
    assert menu.get_attribute("value") == ""
    Select(menu).select_by_value("scan-2")
    assert abs(page.execute_script("return document.getElementById('scan-2').getBoundingClientRect().top")) < 80
    WebDriverWait(page, 5).until(lambda _: menu.get_attribute("value") == "scan-2")
    page.execute_script("scrollTo(0, 0)")
    WebDriverWait(page, 5).until(lambda _: menu.get_attribute("value") == "")


class Readout(NamedTuple):
    """Text of the first scan's line profile, and the number of points of its line."""

    z: int
    y: int
    x: int
    raw: float
    denoised: float
    text: str
    points: int


def profile(page: webdriver.Chrome) -> Readout:
    text = page.find_element(By.CSS_SELECTOR, "#scan-1 .profile output").text
    line = page.find_element(By.CSS_SELECTOR, "#scan-1 .profile .denoised-line").get_attribute("d") or ""
    match = re.match(r"z (\d+), y (\d+), x (\d+).*? raw (\S+) denoised (\S+)", text)
    assert match, text
    *places, raw, denoised = (part.replace("\N{MINUS SIGN}", "-") for part in match.groups())
    z, y, x = map(int, places)
    return Readout(z, y, x, float(raw), float(denoised), text, line.count(","))


def point(page: webdriver.Chrome, frame: WebElement, across: float, down: float) -> tuple[float, float]:
    """Point at a position in a frame, as shares of its width and height; return the position after rounding."""
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    box = page.execute_script("return arguments[0].getBoundingClientRect().toJSON()", frame)
    x, y = round(box["left"] + across * box["width"]), round(box["top"] + down * box["height"])
    action = ActionBuilder(page)
    action.pointer_action.move_to_location(x, y)
    action.perform()
    return (x - box["left"]) / box["width"], (y - box["top"]) / box["height"]


def test_the_profile_is_that_of_the_row_under_the_cursor(page: webdriver.Chrome) -> None:
    WebDriverWait(page, 5).until(lambda _: "y 100, x 100" in profile(page).text)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    across, down = point(page, frame, 0.752, 0.252)
    WebDriverWait(page, 5).until(lambda _: "y 100, x 100" not in profile(page).text)
    readout = profile(page)
    assert (readout.z, readout.y, readout.x) == (3, int(200 * down), int(200 * across))
    assert readout.points == 200
    grey = np.round(255 * slice_of_noise()[readout.y, readout.x]) / 255
    assert (readout.raw, readout.denoised) == pytest.approx((grey, grey), abs=0.002)


def test_arrows_move_the_profile_and_a_zoom_shortens_it(page: webdriver.Chrome) -> None:
    WebDriverWait(page, 5).until(lambda _: "y 100, x 100" in profile(page).text)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    frame.send_keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_RIGHT)
    assert "z 3, y 98, x 101" in profile(page).text
    assert "probed" in (frame.get_attribute("class") or "")
    frame.send_keys("+", "+")
    ActionChains(page).move_to_element_with_offset(frame, 5, 5).perform()
    WebDriverWait(page, 5).until(lambda _: 80 < profile(page).points < 100)


def test_pictures_are_not_empty(page: webdriver.Chrome) -> None:
    deviation = """
        const canvas = document.createElement("canvas");
        const image = document.querySelectorAll("#scan-1 .frame img")[arguments[0]];
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const grey = context.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 0);
        const mean = grey.reduce((sum, g) => sum + g, 0) / grey.length;
        return Math.sqrt(grey.reduce((sum, g) => sum + (g - mean) ** 2, 0) / grey.length);
    """
    assert all(page.execute_script(deviation, number) > 50 for number in range(6))


def test_the_printed_page_has_pictures_and_no_controls(page: webdriver.Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = [
        style(page, selector, "display") for selector in (".menu", ".profile", ".tools", ".frame input", ".handles")
    ]
    assert hidden == ["none"] * 5
    assert page.find_element(By.CSS_SELECTOR, "#scan-1 .layer.denoised img").size["width"] > 100
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_wheel_over_a_picture_scrolls_the_page(page: webdriver.Chrome) -> None:
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    ActionChains(page).scroll_from_origin(ScrollOrigin.from_element(frame), 0, 100).perform()
    assert scale(page) == 1
    assert page.execute_script("return scrollY") > 0


def test_the_wheel_zooms_a_picture_that_was_clicked(page: webdriver.Chrome) -> None:
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    ActionChains(page).click(frame).perform()
    ActionChains(page).scroll_from_origin(ScrollOrigin.from_element(frame), 0, -400).perform()
    assert scale(page) > 1.5
    assert page.execute_script("return scrollY") == 0


def test_the_scale_bar_is_correct_at_any_zoom(page: webdriver.Chrome) -> None:
    width = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame").size["width"]
    lengths = set()
    for _ in range(4):
        drawn, stated = bar(page)
        assert drawn == pytest.approx(stated * scale(page) * width / 200, rel=0.01)
        lengths.add(stated)
        page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=in]").click()
    assert len(lengths) > 1


def test_full_resolution_is_shown_on_demand(page: webdriver.Chrome, large: str) -> None:
    page.get(large)
    image, frame = (page.find_element(By.CSS_SELECTOR, f"#scan-1 {part}") for part in (".layer.denoised img", ".frame"))
    width = "return arguments[0].naturalWidth"
    assert page.execute_script(width, image) == 515
    frame.send_keys("1")
    WebDriverWait(page, 5).until(lambda _: page.execute_script(width, image) == 1030)
    WebDriverWait(page, 5).until(lambda _: scale(page) > 1)
    assert scale(page) * frame.size["width"] == pytest.approx(1030, abs=1), "one slice pixel is one CSS pixel"
    drawn, stated = bar(page)
    assert drawn == pytest.approx(stated, rel=0.01), "and the bar is as many pixels long as it says"
    point(page, frame, 0.7, 0.4)
    WebDriverWait(page, 5).until(lambda _: "y 515, x 515" not in profile(page).text)
    readout = profile(page)
    assert "mean" not in readout.text
    value = slice_of_blocks()[readout.y, readout.x]
    assert (readout.raw, readout.denoised) == pytest.approx((value, 1 - value), abs=0.003)
    button = page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=whole]")
    assert button.get_attribute("aria-pressed") == "true"
    button.send_keys(Keys.ENTER)
    WebDriverWait(page, 5).until(lambda _: page.execute_script(width, image) == 515)
    WebDriverWait(page, 5).until(lambda _: scale(page) == 1)


def test_a_click_before_the_page_has_loaded_takes_effect(page: webdriver.Chrome, large: str) -> None:
    press = "addEventListener('DOMContentLoaded', () => document.querySelector('[data-do=whole]').click())"
    early = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": press})
    page.get(large)
    page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", early)
    image = page.find_element(By.CSS_SELECTOR, "#scan-1 .layer.denoised img")
    WebDriverWait(page, 5).until(lambda _: page.execute_script("return arguments[0].naturalWidth", image) == 1030)
    WebDriverWait(page, 5).until(lambda _: "y 515, x 515" in profile(page).text)


def test_full_slices_are_not_printed(page: webdriver.Chrome, large: str) -> None:
    page.get(large)
    image = page.find_element(By.CSS_SELECTOR, "#scan-1 .layer.denoised img")
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=whole]").click()
    WebDriverWait(page, 5).until(lambda _: page.execute_script("return arguments[0].naturalWidth", image) == 1030)
    WebDriverWait(page, 5).until(lambda _: scale(page) > 1)
    page.execute_cdp_cmd("Page.printToPDF", {})
    WebDriverWait(page, 5).until(lambda _: page.execute_script("return arguments[0].naturalWidth", image) == 515)


def shown(page: webdriver.Chrome) -> FloatArray:
    """Return the greys of the first frame on the screen, raw and denoised, 0 to 1."""
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    return np.asarray(Image.open(io.BytesIO(frame.screenshot_as_png)).convert("RGB"), dtype=float)[:, :, 1] / 255


def seen(page: webdriver.Chrome, across: float, down: float = 0.595) -> float:
    """Return the grey on the screen at a position in the first frame, as shares of width and height."""
    grey = shown(page)
    y, x = int(down * grey.shape[0]), int(across * grey.shape[1])
    return float(np.median(grey[y - 1 : y + 2, x - 1 : x + 2]))


def drag_away(page: webdriver.Chrome) -> None:
    """Move the pointer off the picture, so that no profile mark is on it."""
    ActionChains(page).move_to_element(page.find_element(By.CSS_SELECTOR, "h1")).perform()


def test_numbers_and_handles_change_the_window_and_reset_restores_it(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    black, white = page.find_elements(By.CSS_SELECTOR, "#scan-1 .levels [type=number]")
    value = float(volume_slice(30)[178, 225])
    assert seen(page, 0.75) == pytest.approx((value - 0.2) / 0.6, abs=0.02)
    assert seen(page, 0.25) == pytest.approx((volume_slice(30)[178, 75] / 2 - 0.2) / 0.6, abs=0.02)
    white.send_keys(Keys.CONTROL, "a", Keys.NULL, "2", Keys.ENTER)
    black.send_keys(Keys.CONTROL, "a", Keys.NULL, "-1", Keys.ENTER)
    assert seen(page, 0.75) == pytest.approx((value + 1) / 3, abs=0.02)
    handle = page.find_elements(By.CSS_SELECTOR, "#scan-1 .levels [type=range]")[1]
    assert handle.get_attribute("value") == "255"
    handle.send_keys(Keys.ARROW_LEFT * 40)
    assert float(white.get_attribute("value") or "") == pytest.approx(0.8, abs=0.01)
    assert handle.get_attribute("aria-valuetext") == white.get_attribute("value")
    assert seen(page, 0.75) == pytest.approx((value + 1) / 1.8, abs=0.02)
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=reset]").click()
    assert [field.get_attribute("value") for field in (black, white)] == ["0.2", "0.8"]
    assert seen(page, 0.75) == pytest.approx((value - 0.2) / 0.6, abs=0.02)


def test_black_cannot_pass_white(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    black, white = page.find_elements(By.CSS_SELECTOR, "#scan-1 .levels [type=number]")
    for text in ("0.9", "", "0.8"):
        black.send_keys(Keys.CONTROL, "a", Keys.NULL, text or Keys.DELETE, Keys.ENTER)
        assert [field.get_attribute("value") for field in (black, white)] == ["0.2", "0.8"]


def test_the_window_applies_to_other_slices_and_all_planes(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    white = page.find_elements(By.CSS_SELECTOR, "#scan-1 .levels [type=number]")[1]
    white.send_keys(Keys.CONTROL, "a", Keys.NULL, "1.2", Keys.ENTER)
    slide(page, Keys.PAGE_UP)
    assert seen(page, 0.75) == pytest.approx((volume_slice(42)[178, 225] - 0.2) / 1.0, abs=0.02)
    filters = page.execute_script(
        "return [...document.querySelectorAll('#scan-1 .layer')].map((layer) => getComputedStyle(layer).filter)"
    )
    assert filters == ['url("#greys-1")'] * 6


def slide(page: webdriver.Chrome, keys: str) -> None:
    """Press keys on the first frame, and wait for the new pictures."""
    page.find_element(By.CSS_SELECTOR, "#scan-1 .frame").send_keys(keys)
    loaded = "return [...document.querySelectorAll('#scan-1 .frame img')].every((image) => image.complete)"
    WebDriverWait(page, 5).until(lambda _: page.execute_script(loaded))
    drag_away(page)


def height(page: webdriver.Chrome) -> str:
    return page.find_element(By.CSS_SELECTOR, "#scan-1 figcaption span").text


def test_the_slider_goes_through_slices_raw_and_denoised(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    slider = page.find_element(By.CSS_SELECTOR, "#scan-1 .slider input")
    assert height(page) == "Axial z = 30"
    for z, keys in ((42, Keys.PAGE_UP), (54, Keys.PAGE_UP), (54, Keys.PAGE_UP), (18, Keys.PAGE_DOWN * 3)):
        slide(page, keys)
        assert height(page) == f"Axial z = {z}"
        assert slider.get_attribute("aria-valuetext") == f"z = {z}"
        assert seen(page, 0.75) == pytest.approx((volume_slice(z)[178, 225] - 0.2) / 0.6, abs=0.02)
        assert seen(page, 0.25) == pytest.approx(max(0, volume_slice(z)[178, 75] / 2 - 0.2) / 0.6, abs=0.02)
    slider.send_keys(Keys.ARROW_UP)
    assert height(page) == "Axial z = 30"
    slider.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert height(page) == "Axial z = 6"
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=upper]").click()
    assert height(page) == "Axial z = 18"


@pytest.mark.parametrize(("keys", "z", "mean"), [("", 30, ""), (Keys.PAGE_UP, 42, " (mean of 3 × 3)")])  # noqa: RUF001
@pytest.mark.parametrize("zoom", [0, 3])
def test_values_are_those_of_the_volume_at_the_voxel_shown(
    page: webdriver.Chrome, deep: str, keys: str, z: int, mean: str, zoom: int
) -> None:
    page.get(deep)
    slide(page, keys + "+" * zoom)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    for position in ((0.2, 0.3), (0.81, 0.72), (0.99, 0.01)):
        across, down = point(page, frame, *position)
        readout, magnified = profile(page), scale(page)
        place = [150 + (part - 0.5) * SIZE / magnified for part in (down, across)]
        assert (readout.z, readout.y, readout.x) == pytest.approx((z, *np.floor(place)), abs=1)
        assert readout.text.startswith(f"z {z}, y {readout.y}, x {readout.x}{mean} raw")
        image, factor = volume_slice(z), 3 if mean else 1
        y, x = readout.y // factor, readout.x // factor
        value = image[y * factor : (y + 1) * factor, x * factor : (x + 1) * factor].mean()
        assert (readout.raw, readout.denoised) == pytest.approx((value / 2, value), abs=0.02)


def test_coordinates_in_averaged_pictures_are_those_of_the_volume(page: webdriver.Chrome, large: str) -> None:
    page.get(large)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    across, down = point(page, frame, 0.9, 0.9)
    WebDriverWait(page, 5).until(lambda _: "y 515, x 515" not in profile(page).text)
    readout = profile(page)
    assert (readout.z, readout.y, readout.x) == (150, int(1030 * down), int(1030 * across))
    assert "(mean of 2 × 2)" in readout.text  # noqa: RUF001
    block = slice_of_blocks()[readout.y // 2 * 2 :, readout.x // 2 * 2 :][:2, :2]
    assert readout.raw == pytest.approx(block.mean(), abs=0.05), "pictures of this size are packed with loss"


def test_coordinates_in_other_planes_are_those_of_the_volume(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    coronal, sagittal = page.find_elements(By.CSS_SELECTOR, "#scan-1 .frame")[1:]
    point(page, coronal, 0.7, 0.5)
    readout = profile(page)
    assert (readout.z, readout.y) == pytest.approx((30, 150), abs=1)
    assert readout.x == pytest.approx(210, abs=2)
    assert readout.denoised == pytest.approx(volume_slice(readout.z)[150, readout.x], abs=0.01)
    point(page, sagittal, 0.7, 0.5)
    readout = profile(page)
    assert (readout.y, readout.x) == (pytest.approx(210, abs=2), 150)


def test_side_by_side_shows_whole_slices_that_pan_together(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    button = page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=pair]")
    button.click()
    drag_away(page)
    assert button.get_attribute("aria-pressed") == "true"
    width = (
        "return [...document.querySelectorAll('#scan-1 .layer')].map((layer) => layer.getBoundingClientRect().width)"
    )
    raw, denoised, *_ = page.execute_script(width)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    assert raw == pytest.approx(denoised)
    assert raw + denoised == pytest.approx(frame.size["width"], abs=3)
    assert style(page, "#scan-1 .divider", "display") == "none"
    expected = volume_slice(30)[178, 225]
    assert seen(page, 0.875) == pytest.approx((expected - 0.2) / 0.6, abs=0.02)
    assert seen(page, 0.375) == pytest.approx(max(0, expected / 2 - 0.2) / 0.6, abs=0.02)
    places = []
    for half in (0, 0.5):
        point(page, frame, half + 0.3, 0.4)
        places.append(profile(page)[:3])
    assert places[0] == pytest.approx(places[1], abs=1)
    frame.send_keys("++")
    transforms = [style(page, f"#scan-1 .layer.{state} img", "transform") for state in ("raw", "denoised")]
    assert transforms[0] == transforms[1] != "none"
    frame.send_keys("s")
    assert style(page, "#scan-1 .divider", "display") == "block"


def test_side_by_side_stacks_the_slices_on_a_phone(page: webdriver.Chrome, deep: str) -> None:
    resize(page, 390)
    page.get(deep)
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=pair]").click()
    boxes = page.execute_script(
        "return [...document.querySelectorAll('#scan-1 .layer')].map((layer) => layer.getBoundingClientRect().toJSON())"
    )
    assert boxes[0]["width"] == boxes[1]["width"] > 300
    assert boxes[0]["bottom"] <= boxes[1]["top"]
    assert (
        page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    )


def test_a_slice_is_saved_raw_and_denoised_in_the_window(page: webdriver.Chrome, deep: str, tmp_path: Path) -> None:
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.get(deep)
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=save]").click()
    file = tmp_path / "deep z=30.png"
    WebDriverWait(page, 5).until(lambda _: file.exists())
    saved = np.asarray(Image.open(file).convert("L")) / 255
    assert saved.shape == (SIZE, 2 * SIZE + 4)
    np.testing.assert_allclose(saved[:, SIZE + 4 :], ((volume_slice(30) - 0.2) / 0.6).clip(0, 1), atol=0.01)
    np.testing.assert_allclose(saved[:, :SIZE], ((volume_slice(30) / 2 - 0.2) / 0.6).clip(0, 1), atol=0.01)


def test_a_click_selects_the_line_that_opens_the_volume(page: webdriver.Chrome, deep: str) -> None:
    page.get(deep)
    page.find_element(By.CSS_SELECTOR, "#scan-1 .open code").click()
    selected = page.execute_script("return getSelection().toString()")
    assert selected.strip() == "napari --plugin napari-ome-zarr results/deep/denoised.ome.zarr"


def test_a_page_with_only_failures_works(page: webdriver.Chrome, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render([], [], "none", failed=[Failed("foam", EVIL, "logs/foam/center.log")]), encoding="utf-8")
    page.get(path.as_uri())
    assert page.find_element(By.CSS_SELECTOR, ".warnings").text == f"foam failed: {EVIL} log: logs/foam/center.log"


def test_the_overview_links_to_a_scan_s_page_and_back(page: webdriver.Chrome, tmp_path: Path) -> None:
    model, sections = ModelSection("foam", [], {}), [scan(f"foam{number}") for number in range(5)]
    for section in sections:
        (tmp_path / section.name).mkdir()
        own = render([section], [model], section.name, "../report.html")
        (tmp_path / section.name / "report.html").write_text(own, encoding="utf-8")
    overview = render_overview([rows([section], [model])[0] for section in sections], "all")
    (tmp_path / "report.html").write_text(overview, encoding="utf-8")
    page.get((tmp_path / "report.html").as_uri())
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    thumbnails = page.find_elements(By.CSS_SELECTOR, ".thumbnail img")
    assert [page.execute_script("return arguments[0].naturalWidth", image) for image in thumbnails] == [67] * 5
    page.find_element(By.LINK_TEXT, "foam3").click()
    assert page.title == "foam3"
    page.find_element(By.LINK_TEXT, "All scans").click()
    assert page.title == "all"
    page.find_elements(By.LINK_TEXT, "foam")[4].click()
    assert page.current_url == (tmp_path / "foam4/report.html").as_uri() + "#model-1"
    assert page.execute_script("return document.querySelector('#model-1').getBoundingClientRect().top") < 900


@pytest.mark.parametrize("width", [390, 768, 1400])
def test_the_page_fits_its_window(page: webdriver.Chrome, width: int) -> None:
    resize(page, width)
    page.execute_script("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    assert (
        page.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    )
    assert page.execute_script("return innerWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page: webdriver.Chrome, scheme: str) -> None:
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    paper = brightness(style(page, "body", "background-color"))
    for selector in ("body", ".curve text", ".facts dt", ".note", ".warnings"):
        colour = style(page, selector, "fill" if selector == ".curve text" else "color")
        light, dark = sorted((brightness(colour), paper), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5, selector
    assert (paper > 0.5) is (scheme == "light")


def brightness(colour: str) -> float:
    """Return the relative luminance of `rgb(…)` as WCAG 2.2 defines it."""
    channels = np.array([float(value) for value in colour[colour.index("(") + 1 : -1].split(",")[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_the_page_of_a_training_reads_itself_again_until_it_is_done(
    browser: webdriver.Chrome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REFRESH", live.REFRESH.replace('"5"', '"1"'))
    norm, page = Normalisation((0.0,), (1.0,)), tmp_path / "training.html"
    view = View(EVIL, 3, False, slice_of_noise(), torch.zeros(1, 1, 8, 8), norm, 0)
    history = [Evaluation(i, i * 1_000_000, 1 / i, 2 / i, None, 0.1, 60.0 * i) for i in (1, 2)]
    for state, lines in ((live.RUNNING, history[:1]), (live.DONE, history)):
        text = live.page(EVIL, state, view, view.before / 2, lines, 2)
        page.write_text(text, encoding="utf-8")
        if state == live.RUNNING:
            browser.get(page.as_uri())
            assert browser.find_element(By.TAG_NAME, "progress").get_attribute("value") == "50"
            assert "1:00 left" in browser.find_element(By.TAG_NAME, "body").text
    WebDriverWait(browser, 20).until(lambda page: live.DONE in page.find_element(By.TAG_NAME, "body").text)
    assert browser.find_element(By.TAG_NAME, "h1").text == EVIL
    assert browser.find_element(By.ID, "written").text.startswith("Written ")
    widths = browser.execute_script("return [...document.images].map(image => image.naturalWidth)")
    assert widths == [200, 200]
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
