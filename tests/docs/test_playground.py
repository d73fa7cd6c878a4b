"""The playground: what it says of a text, and the page in Chromium (``-m browser``)."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fences import ROOT
from playwright.sync_api import Browser, Page, expect, sync_playwright
from required import skip

sys.path[:0] = [str(ROOT / "docs"), str(ROOT / "docs" / "playground")]
import answers  # noqa: E402
import website  # noqa: E402
from answers import SESSION, answer  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SMALL = website.examples()["small"]
GROUPED = website.examples()["grouped"]

# ------------------------------------------------------------------------ what it says


def test_what_is_said_of_a_text() -> None:
    facts = json.loads(answer("read", json.dumps([SMALL, {"depth": "1", "gone": "2"}])))
    assert facts["mistakes"] == []
    assert facts["lines"]["15"] == "16x32x32, 464 params, 442.4K MACs"
    assert facts["lines"]["21"] == "10, 650 params, 640 MACs"
    assert ["parameters", "78,042"] in facts["figures"]
    assert [(k["name"], k["value"]) for k in facts["knobs"]] == [
        ("width", "16"),
        ("depth", "1"),
        ("classes", "10"),
    ]
    assert facts["knobs"][1]["values"] == [str(n) for n in range(1, 10)]
    curve = SESSION.curve("width")["rows"]
    assert [row["value"] for row in curve] == [str(n) for n in range(8, 65, 8)]
    assert curve[1]["params"] == 78_042
    assert "class Unit(nn.Module):" in SESSION.python()
    assert SESSION.drawing(2).startswith("<svg ")
    assert SESSION.proof()["said"] == "72 candidates: every one is a network"


def test_a_mistake_has_its_places_in_the_text() -> None:
    facts = SESSION.read(SMALL.replace("conv(c, 3) -> bn", "conv(c, 3) -> bnn"), {})
    (mistake,) = facts["mistakes"]
    assert mistake["message"] == "there is no layer or block called `bnn`"
    assert mistake["places"][0] | {"text": ""} == {
        "text": "",
        "file": "spec.arch",
        "line": 10,
        "column": 19,
        "end_line": 10,
        "end_column": 22,
    }
    assert mistake["text"].startswith("error[A101]: there is no layer")


def test_hints_stay_while_a_text_has_a_mistake() -> None:
    whole = SESSION.read(SMALL, {})["lines"]
    typed = SESSION.read(SMALL.replace("linear(classes)", "lin"), {})
    assert typed["mistakes"] and not typed["figures"]
    assert typed["lines"] == {line: hint for line, hint in whole.items() if line != 21}


def test_a_candidate_that_is_no_network_is_found() -> None:
    assert SESSION.read(GROUPED, {})["mistakes"] == []
    proof = SESSION.proof()
    assert proof["said"] == "16 candidates: not every one is a network: not with width = 4"
    assert [m["code"] for m in proof["mistakes"]] == ["A209"]
    assert SESSION.read(GROUPED, {"width": "4"})["mistakes"][0]["code"] == "A209"


@pytest.mark.parametrize("name", ["resnet", "unet", "swin"])
def test_examples_are_networks(name: str) -> None:
    assert SESSION.read(website.examples()[name], {})["mistakes"] == []


def test_a_long_proof_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "SECONDS", 0.0)
    SESSION.read(SMALL, {})
    proof = SESSION.proof()
    assert proof["said"].endswith("longer than this page waits: `archdsl check` does it")
    assert "holds" not in proof and not proof["mistakes"]


def test_files_that_examples_use_come_along() -> None:
    packed = {name for _, name in website.own_files()}
    specs = {f"archdsl/specs/{path.name}" for path in (ROOT / "specs").glob("*.arch")}
    shared = {f"archdsl/specs/lib/{path.name}" for path in (ROOT / "specs" / "lib").glob("*.arch")}
    assert specs | shared <= packed and len(shared) > 5


def test_a_field_offers_all_values_or_takes_any() -> None:
    knobs = {k["name"]: k for k in SESSION.read(website.examples()["gpt"], {})["knobs"]}
    assert knobs["head"]["all"] and knobs["head"]["values"] == ["16", "32", "64", "128"]
    assert not knobs["depth"]["all"] and knobs["depth"]["value"] == "30"  # in 1..48
    assert not knobs["vocabulary"]["all"], "a knob without a domain may be anything"
    assert SESSION.read(website.examples()["gpt"], {"depth": "7"})["mistakes"] == []


# ------------------------------------------------------------------------ in a browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the built playground."""
    folder = tmp_path_factory.mktemp("site") / "playground"
    try:
        website.build_playground(folder)
    except website.CannotBuild as problem:
        skip(str(problem))
    handler = partial(Quiet, directory=str(folder.parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


PATIENCE = 120_000  # milliseconds: other tests may hold the machine up


@pytest.mark.browser
@pytest.mark.quiet
def test_a_visit(site: str, browser: Browser, tmp_path: Path) -> None:
    """One visit, as loading Python takes seconds: a spec is read, edited, broken and shared."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page: Page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{site}/playground/")
    ready = page.get_by_role("status")
    expect(ready).to_have_text("Ready", timeout=PATIENCE)
    shown = page.locator("#shown")
    expect(shown).to_contain_text("16x32x32, 464 params, 442.4K MACs")
    expect(page.locator("#figures")).to_contain_text("272,474")
    expect(page.locator("#proof")).to_have_text("72 candidates: every one is a network")
    expect(page.locator("#picture svg text").first).to_be_visible()

    page.get_by_role("tab", name="Cost of a knob").click()
    expect(page.locator("#points tr")).to_have_count(9)  # eight widths
    page.locator("#knob").select_option("depth")
    title = page.locator("#charts title").first
    expect(title).to_have_text("parameters over depth", timeout=PATIENCE)
    page.get_by_role("tab", name="PyTorch source").click()
    expect(page.locator("#source")).to_contain_text("class Small(nn.Module):")

    page.locator("#knobs [name=depth]").select_option("1")
    expect(page.locator("#figures")).to_contain_text("78,042", timeout=PATIENCE)

    text = page.get_by_role("textbox", name="Spec")
    text.press("Control+Home")
    page.keyboard.type("stray")
    expect(page.locator("#mistakes")).to_contain_text("error[", timeout=PATIENCE)
    expect(shown.locator(".said")).to_have_count(1)
    expect(page.locator("#figures")).to_have_class("stale")
    for _ in "stray":
        page.keyboard.press("Backspace")
    expect(page.locator("#mistakes")).to_be_empty(timeout=PATIENCE)
    expect(ready).to_have_text("Ready", timeout=PATIENCE)
    page.get_by_role("button", name="Copy a link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{site}/playground/#spec=")

    page.get_by_label("Example").select_option("grouped")
    expect(page.locator("#mistakes")).to_contain_text("A209", timeout=PATIENCE)
    page.get_by_label("Example").select_option("unet")  # uses another file
    expect(page.locator("#mistakes")).to_be_empty(timeout=PATIENCE)
    page.evaluate("link => { location.href = link }", link)
    expect(page.locator("#figures")).to_contain_text("78,042", timeout=PATIENCE)
    assert text.input_value() == SMALL
    page.locator("#knobs [name=classes]").fill("7")  # a knob without a domain
    page.locator("#knobs [name=classes]").press("Enter")
    expect(page.locator("#figures")).to_contain_text("77,847", timeout=PATIENCE)
    assert complaints == []
    assert asked and all(url.startswith(site + "/") for url in asked), "no request goes elsewhere"
    context.close()
