"""The page of a drawing in a browser: Chromium, without a head. Run with ``-m browser``."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import archdsl
from archdsl.pictures.drawing import Drawing
from archdsl.pictures.page import drawing_page, still
from archdsl.pictures.pen import Direction
from archdsl.pictures.scene import Box, extent
from archdsl.pictures.views import draw, shapes, view

pytestmark = [pytest.mark.browser, pytest.mark.quiet]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """Opens pages, and notes what they complain of and ask for."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def __call__(self, text: str, **options: Any) -> Page:
        file = self.folder / "page.html"
        file.write_text(text, "utf-8")
        page = self.browser.new_page(viewport={"width": 1200, "height": 900}, **options)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(file.as_uri())
        return page


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    made = Opened(browser, tmp_path)
    yield made
    assert made.complaints == []
    assert made.requests == [(tmp_path / "page.html").as_uri()], "no request leaves the file"


def page_of(name: str, depth: int = 2, **options: Any) -> str:
    arch = archdsl.load(name)
    return drawing_page(arch.network, arch.shown_knobs, depth=depth, title=name, **options)


def item(page: Page, path: str) -> Any:
    return page.locator(f'[role=treeitem][data-path="{path}"]')


def test_it_shows_what_the_drawing_shows(opened: Opened) -> None:
    page = opened(page_of("resnet50"))
    expect(page).to_have_title("resnet50")
    expect(page.locator("header")).to_contain_text("25.56M parameters · 4.09G MACs")
    assert item(page, "stage1").get_attribute("aria-expanded") == "true"
    assert item(page, "stage1.bottleneck1").get_attribute("aria-expanded") == "false"
    texts = page.locator("#drawing text").all_text_contents()
    arch = archdsl.load("resnet50")
    drawn = {s.text for s in draw(arch.network, {}).shapes if hasattr(s, "text")}
    assert set(texts) <= drawn and "bottleneck2-6 x 5" in texts


CASES = [
    ("resnet50", 3, True),
    ("googlenet", 2, True),
    ("fractalnet40", 2, False),
    ("densenet201", 3, True),
    ("semantic_fpn_50", 2, True),
    ("unet_2015", 9, False),
]


@pytest.mark.parametrize(("name", "depth", "down"), CASES)
def test_boxes_are_where_files_have_them(name: str, depth: int, down: bool, opened: Opened) -> None:
    """The page works a template out as Python does."""
    page = opened(page_of(name, depth, down=down))
    found = page.eval_on_selector_all(
        "#drawing rect",
        "all => all.map(r => ['x', 'y', 'width', 'height'].map(k => +r.getAttribute(k)))",
    )
    drawing = Drawing(archdsl.load(name).network, Direction(down))
    drawn = list(shapes(drawing, view(drawing.root, lambda _, level: level < depth), {}))
    boxes = [s for s in drawn if isinstance(s, Box)]
    assert len(found) == len(boxes)
    for rect, box in zip(found, boxes, strict=True):
        assert rect == pytest.approx([box.x, box.y, box.width, box.height], abs=0.11)
    wide = page.locator("#drawing svg").get_attribute("width")
    left, _, right, _ = extent(drawn)
    assert float(wide or 0) == pytest.approx(right - left + 32, abs=12)


def test_a_click_opens_and_closes(opened: Opened) -> None:
    page = opened(page_of("resnet50"))
    inner = item(page, "stage1.bottleneck1.conv2")
    expect(inner).to_have_count(0)
    item(page, "stage1.bottleneck1").click()
    expect(inner).to_have_count(1)
    assert item(page, "stage1.bottleneck1").get_attribute("aria-expanded") == "true"
    item(page, "stage1.bottleneck1").click(position={"x": 30, "y": 8})
    expect(inner).to_have_count(0)
    before = item(page, "stage2").bounding_box()
    item(page, "stage1").click(position={"x": 10, "y": 8})
    expect(item(page, "stage1.bottleneck1")).to_have_count(0)
    after = item(page, "stage2").bounding_box()
    assert before["y"] - after["y"] > 50


def test_levels_open_and_close(opened: Opened) -> None:
    page = opened(page_of("resnet50", 1))
    counts = []
    for button in ("#more", "#more", "#more", "#less", "#less", "#less"):
        page.click(button)
        counts.append(page.locator("[aria-expanded=true]").count())
    assert counts == [6, 14, 14, 6, 0, 0]


def test_pointing_shows_figures_and_the_line_of_the_spec(opened: Opened) -> None:
    page = opened(page_of("resnet50", 3))
    item(page, "stage1.bottleneck1.conv2").hover()
    about = page.locator("#about")
    expect(about.locator("h2")).to_have_text("stage1.bottleneck1.conv2")
    expect(about).to_contain_text("36,864 (0.14 % of all)")
    expect(about).to_contain_text("115,605,504 (2.8 % of all)")
    expect(about).to_contain_text("resnet.arch:64")
    expect(about.locator("pre")).to_have_text("conv(c * inner, 3, stride = second)")
    item(page, "stage3.bottleneck2-6").hover(position={"x": 20, "y": 8})
    expect(about).to_contain_text("x 5")


def test_the_keyboard_does_all(opened: Opened) -> None:
    page = opened(page_of("resnet50"))
    item(page, "stem").focus()
    focused = "document.activeElement.dataset.path"

    def press(*keys: str) -> str:
        for key in keys:
            page.keyboard.press(key)
        return str(page.evaluate(focused))

    assert press("ArrowDown") == "stem.conv1"
    assert press("ArrowUp") == "stem"
    assert press("End").startswith("head")
    assert press("Home") == "stem"
    item(page, "stage1.bottleneck1").focus()
    press("Enter")
    expect(item(page, "stage1.bottleneck1.conv1")).to_have_count(1)
    assert press("ArrowRight") == "stage1.bottleneck1.conv1"
    assert press("ArrowLeft") == "stage1.bottleneck1"
    press("ArrowLeft")
    expect(item(page, "stage1.bottleneck1.conv1")).to_have_count(0)
    press("Space")
    expect(item(page, "stage1.bottleneck1.conv1")).to_have_count(1)
    expect(page.locator("#about h2")).to_have_text("stage1.bottleneck1")
    assert page.locator("[role=treeitem][tabindex='0']").count() == 1


def test_search_opens_what_it_finds(opened: Opened) -> None:
    page = opened(page_of("densenet201", 1))
    page.keyboard.press("/")
    page.keyboard.type("transition2 conv")
    expect(page.locator("#count")).to_have_text("1 match")
    page.keyboard.press("Enter")
    hit = item(page, "transition2.conv1")
    expect(hit).to_have_count(1)
    expect(hit).to_have_class("hit")
    expect(hit).to_be_in_viewport()
    expect(page.locator("#about h2")).to_have_text("transition2.conv1")
    page.fill("#search", "conv(128, 1")
    many = int((page.locator("#count").text_content() or "0").split()[0])
    assert many > 10
    page.press("#search", "Enter")
    first = page.locator("#about h2").text_content()
    page.press("#search", "Enter")
    assert page.locator("#about h2").text_content() != first
    page.locator("#found button").nth(3).click()
    expect(page.locator("#found [aria-current]")).to_have_count(1)
    page.press("#search", "Escape")
    expect(page.locator("#count")).to_have_text("")
    page.fill("#search", "7x7 conv, 64, /2")
    expect(page.locator("#count")).to_have_text("1 match")
    page.fill("#search", "no such thing")
    expect(page.locator("#count")).to_have_text("0 matches")


def test_larger_and_smaller(opened: Opened) -> None:
    page = opened(page_of("alexnet"))
    svg = page.locator("#drawing svg")
    before = float(svg.get_attribute("width") or 0)
    page.click("#larger")
    assert float(svg.get_attribute("width") or 0) == pytest.approx(before * 1.25, abs=0.2)
    page.click("#smaller")
    page.click("#smaller")
    assert float(svg.get_attribute("width") or 0) == pytest.approx(before * 0.8, abs=0.2)


def colour(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_light_and_dark(opened: Opened) -> None:
    page = opened(page_of("alexnet"), color_scheme="dark")
    assert colour(page) == "rgb(20, 23, 27)"
    page.click("#dark")
    assert colour(page) == "rgb(255, 255, 255)"
    page.click("#dark")
    assert colour(page) == "rgb(20, 23, 27)"
    page.emulate_media(media="print")
    assert colour(page) == "rgb(255, 255, 255)", "paper is light"
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator("#drawing svg")).to_be_visible()


def test_texts_stay_in_their_boxes_in_this_browser_too(opened: Opened) -> None:
    page = opened(page_of("googlenet"))
    out = page.evaluate(
        """() => [...document.querySelectorAll('[role=treeitem]')].flatMap(item => {
             const box = item.querySelector('.body').getBoundingClientRect();
             return [...item.querySelectorAll('text')].filter(t => {
               const r = t.getBoundingClientRect();
               return r.left < box.left || r.right > box.right;
             }).map(t => t.textContent);
           })"""
    )
    assert out == []


HOSTILE = (
    "## </script><script>document.title = 'owned'</script>\n"
    'arch a(k = "</title><script>document.title = 1</script>" in'
    ' {"</title><script>document.title = 1</script>", "b"})\n'
    "input 3x8x8\npart: { conv(4, 3) -> relu }  # <img src=x onerror='document.title = 2'>\n"
)


def test_what_a_spec_says_runs_nothing(opened: Opened) -> None:
    arch = archdsl.parse(HOSTILE, "<img src=x onerror=alert(1)>.arch").with_knobs()
    page = opened(drawing_page(arch.network, arch.shown_knobs, title="<b>a</b>"))
    expect(page).to_have_title("<b>a</b>")
    assert page.locator("img").count() == 0
    item(page, "part.conv1").hover()
    expect(page.locator("#about")).to_contain_text("onerror=alert(1)")


def test_a_page_that_stands_still(opened: Opened) -> None:
    arch = archdsl.load("alexnet")
    page = opened(still(draw(arch.network, {})), color_scheme="dark")
    fill = page.evaluate("getComputedStyle(document.querySelector('rect.conv')).fill")
    assert fill == "rgb(58, 104, 153)"
