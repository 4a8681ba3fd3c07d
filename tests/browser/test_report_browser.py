"""The report in a real browser: pictures are there, the divider moves, zoom works, the console stays silent."""

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from tomodenoise.arrays import FloatArray
from tomodenoise.report import ModelSection, ScanSection, Stage, render, render_overview, rows

pytestmark = pytest.mark.browser

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def slice_of_noise() -> FloatArray:
    return np.random.default_rng(0).uniform(0, 1, (200, 200)).astype(np.float32)


def scan(name: str) -> ScanSection:
    axial = slice_of_noise()
    upright = axial[:6]
    figure, png = Figure(figsize=(4, 1)), io.BytesIO()
    figure.savefig(png, format="png")
    return ScanSection(
        name=name,
        facts={"A rather long label": "a_value_without_any_space_to_break_at/" * 4},
        warnings=(name,),
        planes={"axial (z)": (axial, axial), "coronal (y)": (upright, upright), "sagittal (x)": (upright, upright)},
        window=(0.0, 1.0),
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
    values = np.random.default_rng(1).uniform(0, 1, (1030, 1030)).astype(np.float32)
    planes = {"axial (z)": (values, 1 - values), "coronal (y)": (values[:300], values[:300])}
    path: Path = tmp_path_factory.mktemp("large") / "report.html"
    path.write_text(render([replace(scan("large"), planes=planes)], [], "large"), encoding="utf-8")
    return path.as_uri()


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
        "return [...document.querySelectorAll('#scan-1 .after')].map((e) => getComputedStyle(e).clipPath)"
    )
    return [float(clip.removesuffix("%)").rsplit(" ", 1)[1]) for clip in clips]


def scale(page: webdriver.Chrome, selector: str = "#scan-1 .after img") -> float:
    transform = style(page, selector, "transform")
    return 1.0 if transform == "none" else float(transform.removeprefix("matrix(").split(",")[0])


def bar(page: webdriver.Chrome) -> tuple[float, float]:
    """Return the length of the first scale bar, in CSS pixels, and what it says, in micrometres."""
    drawn = page.execute_script("return document.querySelector('#scan-1 line').getBoundingClientRect().width")
    return float(drawn), float(page.find_element(By.CSS_SELECTOR, "#scan-1 .scale span").text.removesuffix(" µm"))


def test_every_picture_is_there(page: webdriver.Chrome) -> None:
    widths = page.execute_script("return [...document.images].map((image) => image.naturalWidth)")
    assert widths == [200, 200, 200, 200, 200, 200, 400] * 2
    assert page.execute_script("return document.querySelector('.curve svg').getBoundingClientRect().height") > 100


def test_nothing_is_fetched(page: webdriver.Chrome) -> None:
    names = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in names if not name.startswith("data:")] == []


def test_a_malicious_name_stays_text(page: webdriver.Chrome) -> None:
    assert page.find_element(By.TAG_NAME, "h1").text == EVIL
    assert len(page.find_elements(By.TAG_NAME, "script")) == 1


def test_keys_move_the_divider_of_all_planes(page: webdriver.Chrome) -> None:
    slider = page.find_element(By.CSS_SELECTOR, "#scan-1 input")
    assert cuts(page) == [50, 50, 50]
    slider.send_keys(Keys.ARROW_LEFT)
    assert cuts(page) == [49, 49, 49]
    assert slider.get_attribute("aria-valuetext") == "49 % raw"
    slider.send_keys(Keys.HOME)
    assert cuts(page) == [0, 0, 0]


def test_the_handle_is_dragged_and_so_is_the_picture(page: webdriver.Chrome) -> None:
    handle = page.find_element(By.CSS_SELECTOR, "#scan-1 .divider svg")
    width = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame").size["width"]
    ActionChains(page).drag_and_drop_by_offset(handle, round(width / 4), 0).perform()
    assert cuts(page) == pytest.approx([75, 75, 75], abs=1)
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    ActionChains(page).move_to_element(frame).click_and_hold().move_by_offset(-round(width / 4), 0).release().perform()
    assert cuts(page) == pytest.approx([25, 25, 25], abs=1)
    assert scale(page) == 1


def test_buttons_and_keys_zoom_with_crisp_pixels(page: webdriver.Chrome) -> None:
    assert style(page, "#scan-1 img", "image-rendering") == "auto"
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=in]").click()
    assert scale(page) == pytest.approx(1.5)
    assert scale(page, "#scan-1 .before img") == scale(page)
    assert style(page, "#scan-1 img", "image-rendering") == "pixelated"
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    frame.send_keys("+")
    assert scale(page) == pytest.approx(2.25)
    frame.send_keys("0")
    assert scale(page) == 1


def test_a_zoomed_picture_is_moved_within_its_frame(page: webdriver.Chrome) -> None:
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    ActionChains(page).double_click(frame).perform()
    before = style(page, "#scan-1 .after img", "transform")
    ActionChains(page).move_to_element(frame).click_and_hold().move_by_offset(40, 0).release().perform()
    assert style(page, "#scan-1 .after img", "transform") != before
    assert cuts(page) == [50, 50, 50]
    frame.send_keys(Keys.ARROW_LEFT * 40)
    assert style(page, "#scan-1 .after img", "transform").split(",")[4].strip() == "0"


def test_the_menu_goes_to_a_scan_and_tells_which_is_in_sight(page: webdriver.Chrome) -> None:
    menu = page.find_element(By.CSS_SELECTOR, ".menu select")
    assert menu.get_attribute("value") == ""
    Select(menu).select_by_value("scan-2")
    assert abs(page.execute_script("return document.getElementById('scan-2').getBoundingClientRect().top")) < 80
    WebDriverWait(page, 5).until(lambda _: menu.get_attribute("value") == "scan-2")
    page.execute_script("scrollTo(0, 0)")
    WebDriverWait(page, 5).until(lambda _: menu.get_attribute("value") == "")


def profile(page: webdriver.Chrome) -> tuple[str, int]:
    """Return what the profile of the first scan says, and how many points its line has."""
    text = page.find_element(By.CSS_SELECTOR, "#scan-1 .profile output").text
    line = page.find_element(By.CSS_SELECTOR, "#scan-1 .denoised-line").get_attribute("d") or ""
    return text, line.count(",")


def test_the_profile_is_that_of_the_row_under_the_cursor(page: webdriver.Chrome) -> None:
    WebDriverWait(page, 5).until(lambda _: "row 100, column 100" in profile(page)[0])
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", frame)
    offset = round(0.25 * frame.size["width"])
    ActionChains(page).move_to_element_with_offset(frame, offset, -offset).perform()
    WebDriverWait(page, 5).until(lambda _: "row 100, column 100" not in profile(page)[0])
    text, points = profile(page)
    row, column = (int(text.split(f"{word} ")[1].split(",")[0].split(":")[0]) for word in ("row", "column"))
    assert (row, column) == pytest.approx((50, 150), abs=1)
    assert points == 200
    grey = np.round(255 * slice_of_noise()[row, column]) / 255
    assert float(text.split("denoised ")[1].removesuffix(". Profile along the row")) == pytest.approx(grey, abs=0.002)


def test_arrows_move_the_profile_and_a_zoom_shortens_it(page: webdriver.Chrome) -> None:
    WebDriverWait(page, 5).until(lambda _: "row 100, column 100" in profile(page)[0])
    frame = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame")
    frame.send_keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_RIGHT)
    assert "row 98, column 101" in profile(page)[0]
    assert style(page, "#scan-1 .row-mark", "display") == "block"
    frame.send_keys("+", "+")
    ActionChains(page).move_to_element_with_offset(frame, 5, 5).perform()
    WebDriverWait(page, 5).until(lambda _: 80 < profile(page)[1] < 100)


def test_pictures_are_not_empty(page: webdriver.Chrome) -> None:
    deviation = """
        const canvas = document.createElement("canvas"), image = document.querySelectorAll("#scan-1 img")[arguments[0]];
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        const grey = context.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, i) => i % 4 === 0);
        const mean = grey.reduce((sum, g) => sum + g, 0) / grey.length;
        return Math.sqrt(grey.reduce((sum, g) => sum + (g - mean) ** 2, 0) / grey.length);
    """
    assert all(page.execute_script(deviation, number) > 50 for number in range(6))


def test_printed_it_holds_the_pictures_and_no_controls(page: webdriver.Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    hidden = [style(page, selector, "display") for selector in (".menu", ".profile", ".tools", ".frame input")]
    assert hidden == ["none"] * 4
    assert page.find_element(By.CSS_SELECTOR, "#scan-1 .after img").size["width"] > 100
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


def test_the_scale_bar_is_true_at_any_zoom(page: webdriver.Chrome) -> None:
    width = page.find_element(By.CSS_SELECTOR, "#scan-1 .frame").size["width"]
    lengths = set()
    for _ in range(4):
        drawn, stated = bar(page)
        assert drawn == pytest.approx(stated * scale(page) * width / 200, rel=0.01)
        lengths.add(stated)
        page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=in]").click()
    assert len(lengths) > 1


def test_all_pixels_of_a_slice_are_shown_on_demand(page: webdriver.Chrome, large: str) -> None:
    page.get(large)
    image, frame = (page.find_element(By.CSS_SELECTOR, f"#scan-1 {part}") for part in (".after img", ".frame"))
    width = "return arguments[0].naturalWidth"
    assert page.execute_script(width, image) == 515
    frame.send_keys("1")
    WebDriverWait(page, 5).until(lambda _: page.execute_script(width, image) == 1030)
    WebDriverWait(page, 5).until(lambda _: scale(page) > 1)
    assert scale(page) * frame.size["width"] == pytest.approx(1030, abs=1), "a pixel of the slice is one of the page"
    drawn, stated = bar(page)
    assert drawn == pytest.approx(stated, rel=0.01), "and the bar is as many pixels long as it says"
    ActionChains(page).move_to_element_with_offset(frame, 10, 10).perform()
    WebDriverWait(page, 5).until(lambda _: "Profile along the row" in profile(page)[0])
    text, _ = profile(page)
    row, column = (int(text.split(f"{word} ")[1].split(",")[0].split(":")[0]) for word in ("row", "column"))
    assert row > 515 or column > 515 or (row, column) == pytest.approx((525, 525), abs=2)
    grey = np.round(255 * np.random.default_rng(1).uniform(0, 1, (1030, 1030)).astype(np.float32)[row, column]) / 255
    assert float(text.split("raw ")[1].split(",")[0]) == pytest.approx(grey, abs=0.002)
    button = page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=whole]")
    assert button.get_attribute("aria-pressed") == "true"
    button.send_keys(Keys.ENTER)
    WebDriverWait(page, 5).until(lambda _: page.execute_script(width, image) == 515)
    WebDriverWait(page, 5).until(lambda _: scale(page) == 1)


def test_a_press_before_the_page_has_loaded_is_heard(page: webdriver.Chrome, large: str) -> None:
    press = "addEventListener('DOMContentLoaded', () => document.querySelector('[data-do=whole]').click())"
    early = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": press})
    page.get(large)
    page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", early)
    image = page.find_element(By.CSS_SELECTOR, "#scan-1 .after img")
    WebDriverWait(page, 5).until(lambda _: page.execute_script("return arguments[0].naturalWidth", image) == 1030)
    WebDriverWait(page, 5).until(lambda _: "row 515, column 515" in profile(page)[0])


def test_full_slices_are_not_printed(page: webdriver.Chrome, large: str) -> None:
    page.get(large)
    image = page.find_element(By.CSS_SELECTOR, "#scan-1 .after img")
    page.find_element(By.CSS_SELECTOR, "#scan-1 [data-do=whole]").click()
    WebDriverWait(page, 5).until(lambda _: page.execute_script("return arguments[0].naturalWidth", image) == 1030)
    WebDriverWait(page, 5).until(lambda _: scale(page) > 1)
    page.execute_cdp_cmd("Page.printToPDF", {})
    assert page.execute_script("return arguments[0].naturalWidth", image) == 515
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert style(page, "#scan-1 .whole", "display") == "none"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_overview_leads_to_a_scan_s_page_and_this_one_back(page: webdriver.Chrome, tmp_path: Path) -> None:
    model, sections = ModelSection("foam", [], {}), [scan(f"foam{number}") for number in range(5)]
    for section in sections:
        (tmp_path / section.name).mkdir()
        own = render([section], [model], section.name, "../report.html")
        (tmp_path / section.name / "report.html").write_text(own, encoding="utf-8")
    overview = render_overview([rows([section], [model])[0] for section in sections], "all", "{scan}/report.html")
    (tmp_path / "report.html").write_text(overview, encoding="utf-8")
    page.get((tmp_path / "report.html").as_uri())
    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
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
def test_ink_stands_out_from_paper(page: webdriver.Chrome, scheme: str) -> None:
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
