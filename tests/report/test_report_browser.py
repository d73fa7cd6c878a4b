"""The report in a browser: Chromium, without a head. Run with ``-m browser``."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from reading import Read
from simulation import Formula, wide_or_deep, work

from archdsl.registry import REGISTRY
from archdsl.report import serve
from archdsl.report.page import report_page
from archdsl.report.serve import Follower, StudyServer
from archdsl.search.opened import find_study

pytestmark = [pytest.mark.browser, pytest.mark.quiet]
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


class Opened:
    """Opens reports, and notes what they complain of and ask for."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self.folder = folder
        self.complaints: list[str] = []
        self.requests: list[str] = []

    def page(self, url: str, width: int = 1240, **options: Any) -> Page:
        page = self.browser.new_page(viewport={"width": width, "height": 900}, **options)
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(url)
        return page

    def __call__(self, study: Path, **options: Any) -> Page:
        file = self.folder / "report.html"
        file.write_text(report_page(Read(study).facts), "utf-8")
        return self.page(file.as_uri(), **options)


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opened]:
    made = Opened(browser, tmp_path)
    yield made
    assert made.complaints == []
    assert set(made.requests) <= {(tmp_path / "report.html").as_uri()}, "none leaves the file"


def rows(page: Page) -> Locator:
    return page.locator(".trials tbody tr:visible:not(.more)")


def column(page: Page, name: str) -> list[str]:
    names = page.locator(".trials thead th").all_inner_texts()
    place = [n.strip() for n in names].index(name)
    return [row.locator("td").nth(place).inner_text() for row in rows(page).all()]


def sort(page: Page, name: str) -> None:
    page.locator(".trials thead button", has_text=name).first.click()


# ------------------------------------------------------------------------------- charts

STUDIES = ["budgets", "kinds", "pareto", "half", "settling", "one", "failed", "begun"]


@pytest.mark.parametrize("name", STUDIES)
@pytest.mark.parametrize("width", [1240, 390])
def test_every_chart_draws(
    name: str, width: int, opened: Opened, request: pytest.FixtureRequest
) -> None:
    page = opened(request.getfixturevalue(name), width=width)
    charts = page.locator("svg.chart:visible")
    for chart in charts.all():
        box = chart.bounding_box()
        assert box is not None and box["width"] >= 300 and box["height"] >= 30
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        outside = chart.evaluate(
            """svg => { const all = svg.getBoundingClientRect();
              return [...svg.querySelectorAll('path, circle, rect, text')].filter(e => {
                const b = e.getBoundingClientRect();
                return b.left < all.left - 3 || b.right > all.right + 3
                  || b.top < all.top - 3 || b.bottom > all.bottom + 3;
              }).map(e => e.outerHTML); }"""
        )
        assert outside == []
        black = chart.evaluate(
            """svg => [...svg.querySelectorAll('circle, rect')].filter(
              e => getComputedStyle(e).fill === 'rgb(0, 0, 0)').length"""
        )
        assert black == 0, "every role has its colour"
    figures = page.locator("main > section:has(svg.chart)").count()
    expected = {"budgets": 5, "kinds": 4, "pareto": 4, "half": 5, "settling": 4, "one": 4,
                "failed": 1, "begun": 0}  # fmt: skip
    assert figures == expected[name]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width, "nothing but the table scrolls sideways"


def test_names_in_charts_do_not_overlap(opened: Opened, budgets: Path) -> None:
    page = opened(budgets)
    over = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
             const all = [...svg.querySelectorAll('text')].map(
               t => [t.textContent, t.getBoundingClientRect()]);
             return all.flatMap(([a, r], i) => all.slice(i + 1).filter(([b, s]) =>
               r.left < s.right - 1 && s.left < r.right - 1
               && r.top < s.bottom - 2 && s.top < r.bottom - 2
             ).map(([b]) => a + ' / ' + b));
           })"""
    )
    assert over == []


def test_a_mark_tells_what_it_is_and_leads_to_its_trials(opened: Opened, budgets: Path) -> None:
    page = opened(budgets)
    mark = page.locator('#aspect [data-note*="retrained on 4 fresh seeds"]').first
    mark.locator("path").first.hover(force=True)
    expect(page.locator("#tip")).to_contain_text("retrained on 4 fresh seeds: 8")
    mark.locator("path").first.click(force=True)
    expect(page.locator("#tip")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("4 of 69 trials")
    assert set(column(page, "stage")) == {"retrained"}
    page.click("#all")
    expect(page.locator("#count")).to_have_text("69 trials")
    expect(page.locator("#all")).to_be_hidden()


# ------------------------------------------------------------------------------- the table


def test_sorting(opened: Opened, budgets: Path) -> None:
    page = opened(budgets)
    sort(page, "accuracy")
    heads = page.locator(".trials thead th")
    assert heads.nth(8).get_attribute("aria-sort") == "ascending"
    up = column(page, "accuracy")
    known = [float(t.removesuffix(" %")) for t in up if t]
    assert known == sorted(known) and "" in up and "" not in up[: len(known)]
    sort(page, "accuracy")
    assert heads.nth(8).get_attribute("aria-sort") == "descending"
    assert column(page, "accuracy") == [t for t in reversed(up) if t] + [""] * up.count("")
    sort(page, "time")
    assert [heads.nth(i).get_attribute("aria-sort") for i in (8, 15)] == ["none", "ascending"]
    times = [float(t.removesuffix(" s")) for t in column(page, "time") if t]
    assert times == sorted(times) and len(times) > 20


def test_filtering(opened: Opened, budgets: Path) -> None:
    page = opened(budgets)
    page.select_option("#by-state", "pruned")
    pruned = rows(page).count()
    assert 0 < pruned < 30 and all(t.startswith("pruned") for t in column(page, "state"))
    expect(page.locator("#count")).to_have_text(f"{pruned} of 69 trials")
    page.click("#all")
    page.select_option("#by-stage", "s")
    expect(rows(page)).to_have_count(24)
    page.select_option("#by-budget", "1")
    expect(rows(page)).to_have_count(8)
    assert set(column(page, "budget")) == {"2M macs"}
    page.click("#all")
    page.fill("#filter", "DEPTH 40, done")
    assert set(column(page, "shape")) == {"depth 40"} and set(column(page, "state")) == {"done"}
    page.fill("#filter", "no such trial")
    expect(page.locator("#count")).to_have_text("0 of 69 trials")
    page.fill("#filter", "")
    expect(page.locator("#count")).to_have_text("69 trials")


def test_a_trial_opens_with_its_spec_and_its_drawing(opened: Opened, budgets: Path) -> None:
    read = Read(budgets)
    page = opened(budgets)
    first = page.locator("#t-e0-3 .open")
    first.click()
    expect(first).to_have_attribute("aria-expanded", "true")
    more = page.locator("#m-e0-3")
    assert more.locator("pre").text_content() == read.net("e0-3", "spec")
    box = more.locator(".drawing svg").bounding_box()
    assert box is not None and box["width"] > 300 and box["height"] > 300
    expect(more.locator("dl")).to_contain_text("hash of its graph")
    page.locator("#t-e1-2 .open").click()
    expect(page.locator("tr.more")).to_have_count(2)
    sort(page, "layers")
    expect(page.locator("#t-e0-3 + #m-e0-3")).to_have_count(1)
    first.click()
    expect(page.locator("tr.more")).to_have_count(1)
    page.locator("#answer [data-open]").click()
    expect(page.locator("tr.more")).to_have_count(2)


def test_a_trial_can_be_linked_to(opened: Opened, budgets: Path) -> None:
    opened(budgets)
    page = opened.page((opened.folder / "report.html").as_uri() + "#t-s2-1")
    opened.requests.clear()
    expect(page.locator("#m-s2-1 .drawing svg")).to_be_visible()
    expect(page.locator("#t-s2-1")).to_be_in_viewport()


# ------------------------------------------------------------------------------- the keyboard


def test_the_keyboard_does_all(opened: Opened, budgets: Path) -> None:
    page = opened(budgets)
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("depth 22")
    assert set(column(page, "shape")) == {"depth 22"}
    page.locator("#t-e0-2 .open").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#m-e0-2")).to_be_visible()
    expect(page.locator("#t-e0-2 .open")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#m-e0-2")).to_have_count(0)
    page.locator(".trials thead button").nth(8).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".trials thead th").nth(8)).to_have_attribute("aria-sort", "ascending")
    expect(page.locator(".trials thead button").nth(8)).to_be_focused()


def test_the_keyboard_walks_through_a_chart(opened: Opened, budgets: Path) -> None:
    page = opened(budgets)
    chart = page.locator("#map svg.chart:visible")
    chart.focus()
    notes = []
    for _ in range(15):
        page.keyboard.press("ArrowRight")
        notes.append(page.locator("#tip").inner_text())
    assert len(set(notes)) >= 13, "each step is another mark; two may say the same"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#tip").inner_text() == notes[-2]
    page.keyboard.press("Enter")
    expect(page.locator("#count")).to_contain_text("of 69 trials")
    assert rows(page).count() < 20
    chart.focus()
    page.evaluate("() => new Promise((done) => setTimeout(done, 500))")  # it scrolls there
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()


# ------------------------------------------------------------------------------- looks

LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 27)"


def colour(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize(("scheme", "ground"), [("light", LIGHT), ("dark", DARK)])
def test_light_and_dark(scheme: Any, ground: str, opened: Opened, budgets: Path) -> None:
    page = opened(budgets, color_scheme=scheme)
    assert colour(page) == ground
    line = page.locator("#aspect .l-curve1").first
    before = line.evaluate("e => getComputedStyle(e).stroke")
    page.click("#dark")
    assert colour(page) == ({LIGHT, DARK} - {ground}).pop()
    assert line.evaluate("e => getComputedStyle(e).stroke") != before
    page.click("#dark")
    assert colour(page) == ground


def test_paper(opened: Opened, budgets: Path) -> None:
    page = opened(budgets, color_scheme="dark")
    page.locator("#t-e0-0 .open").click()
    page.emulate_media(media="print", color_scheme="dark")
    assert colour(page) == LIGHT
    for hidden in (".tools", "nav", "#dark", "#tip"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#m-e0-0 .drawing svg")).to_be_visible()
    assert rows(page).count() == 69
    assert page.locator("#aspect svg.chart:visible").count() == 3
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 within its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    table = page.locator(".trials").bounding_box()
    assert table is not None and table["width"] <= 703
    assert len(page.pdf(format="A4")) > 20_000


def test_without_a_script_all_is_there(browser: Browser, budgets: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(Read(budgets).page, "utf-8")
    page = browser.new_page(java_script_enabled=False)
    page.goto(file.as_uri())
    expect(page.locator(".trials tbody tr")).to_have_count(69)
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator("#aspect svg.chart").first).to_be_visible()


def test_what_a_study_says_runs_nothing(opened: Opened, hostile: Path) -> None:
    page = opened(hostile)
    expect(page).to_have_title("hostile: a report")
    for button in page.locator(".trials .open").all():
        button.click()
    assert page.locator(".drawing svg").count() >= 5
    page.locator("details summary").evaluate_all("all => all.forEach(s => s.click())")
    page.locator("svg.chart:visible").last.focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("img").count() == 0 and page.locator("script").count() == 2
    expect(page).to_have_title("hostile: a report")


# ------------------------------------------------------------------------------- live


def test_it_follows_a_search(
    browser: Browser, half: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "PAUSE", 0.0)
    study = Path(shutil.copytree(half, tmp_path / "half.study"))
    made = Opened(browser, tmp_path)
    with StudyServer(Follower(str(study))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        page = made.page(server.url)
        expect(page.locator("#live")).to_contain_text("Last look at", timeout=20_000)
        expect(page.locator("#answer")).to_contain_text("20 of 45 trials have ended")
        page.locator("#t-e0-0 .open").click()
        page.fill("#filter", "depth 10")
        sort(page, "accuracy")
        work(find_study(str(study), None, REGISTRY), Formula(wide_or_deep), 3)
        expect(page.locator("#answer")).to_contain_text("23 of 45 trials", timeout=20_000)
        expect(page.locator("#filter")).to_have_value("depth 10")
        assert set(column(page, "shape")) == {"depth 10"}
        expect(page.locator("#m-e0-0 .drawing svg")).to_be_visible()
        heads = page.locator(".trials thead th")
        assert heads.nth(8).get_attribute("aria-sort") == "ascending"
        server.shutdown()
        thread.join()
    expect(page.locator("#live")).to_contain_text("The server has ended", timeout=20_000)
    asked = set(made.requests) - {f"{server.url}favicon.ico"}
    assert asked == {server.url}
    assert [c for c in made.complaints if "ERR_CONNECTION_REFUSED" not in c] == []
    page.close()
