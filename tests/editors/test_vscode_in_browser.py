"""The packed extension in Visual Studio Code itself, as code-server serves it to Chromium.

``pytest -m browser tests/editors``. code-server comes from npm, into ``build/code-server``, once.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from required import skip

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "editors" / "vscode"))
import pack  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
SERVER = ROOT / "build" / "code-server" / "node_modules" / "code-server"
NATIVE = ("@vscode/spdlog", "native-watchdog", "@parcel/watcher")  # without the terminal's
PATIENCE = 60_000  # milliseconds: other tests may hold the machine up
SETTINGS = """\
{ "archdsl.path": "%s", "files.autoSave": "off", "telemetry.telemetryLevel": "off",
  "workbench.startupEditor": "none" }
"""
SPEC = """\
arch small(width = 16 in {8, 16, 32})
input 3x32x32
stem: conv(width, 3, bias = false)
bn -> rellu
block unit(c) { conv(c, 3, stride = 2, bias = false) -> bn }
for i in 1..2 { unit(width * 2 ^ i) }
head: global_avgpool -> linear(10)
"""


def installed() -> Path:
    """What starts code-server, from npm: skips where that cannot be had."""
    npm = shutil.which("npm")
    if npm is None:
        skip("npm is not installed")
    whole = SERVER / ".whole"
    if not whole.exists():
        given = ("--no-audit", "--no-fund", "--silent", "--ignore-scripts")
        headers = Path("/usr/include/node")
        env = os.environ | ({"npm_config_nodedir": "/usr"} if headers.exists() else {})
        top = SERVER.parents[1]
        top.mkdir(parents=True, exist_ok=True)
        (top / "package.json").write_text('{"private": true}\n', "utf-8")
        for folder, command in (
            (top, ("install", *given, "code-server")),  # the newest that this Node runs
            (SERVER / "lib" / "vscode", ("install", "--omit=dev", *given)),
            (top, ("rebuild", "argon2")),
            (SERVER / "lib" / "vscode", ("rebuild", *NATIVE)),
        ):
            ran = subprocess.run((npm, *command), cwd=folder, env=env, capture_output=True)
            if ran.returncode:
                skip(f"npm {command[0]} fails: {ran.stderr.decode()[-300:]}")
        whole.touch()
    return SERVER / "out" / "node" / "entry.js"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where Visual Studio Code is served, with the extension, for a folder with a spec."""
    entry = installed()
    try:
        packed = pack.pack(tmp_path / "packed")
    except pack.CannotPack as problem:
        skip(str(problem))
    command = Path(sys.executable).with_name("archdsl")
    settings = tmp_path / "user" / "User" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(SETTINGS % command, "utf-8")
    project = tmp_path / "project"
    project.mkdir()
    (project / "net.arch").write_text(SPEC, "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = ("--user-data-dir", tmp_path / "user", "--extensions-dir", tmp_path / "extensions")
    quiet = ("--auth", "none", "--disable-telemetry", "--disable-update-check")
    node = ("node", entry, "--config", tmp_path / "config.yaml", *kept)
    subprocess.run((*node, "--install-extension", packed), check=True, capture_output=True)
    bind = ("--bind-addr", f"127.0.0.1:{port}", "--disable-workspace-trust")
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen((*node, *quiet, *bind, project), stdout=log, stderr=log)
    try:
        yield f"http://127.0.0.1:{port}/?folder={project}"
    finally:
        server.terminate()
        server.wait(30)


def reached(page: Page, address: str) -> None:
    for _ in range(60):
        try:
            page.goto(address)
            return
        except Exception as problem:
            if "ERR_CONNECTION_REFUSED" not in str(problem):
                raise
            page.wait_for_timeout(500)
    page.goto(address)


def spaced(text: str) -> re.Pattern[str]:
    """The text with whatever space the editor shows."""
    return re.compile(re.escape(text).replace(r"\ ", r"\s"))


@pytest.mark.browser
@pytest.mark.quiet
@pytest.mark.slow
def test_a_mistake_is_mended_by_a_click_and_the_drawing_follows(address: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1800, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        reached(page, address)
        page.get_by_role("treeitem", name="net.arch").dblclick()
        text = page.locator(".view-lines").first
        expect(page.locator(".squiggly-error").first).to_be_visible()
        hint = "16x32x32, 432 params, 442.4K MACs"  # of what stands before the mistake
        expect(text).to_contain_text(spaced(hint))
        page.get_by_text("rellu").last.click()
        page.keyboard.press("Control+.")
        expect(page.get_by_text("replace `rellu` by `relu`").first).to_be_visible()
        page.keyboard.press("Enter")
        for hint in (
            "16x32x32, 32 params",
            "32x16x16 to 64x8x8, 2 times, 23.23K params, 2.36M MACs",  # not cut off
            "10, 650 params, 640 MACs",
        ):
            expect(text).to_contain_text(spaced(hint))
        expect(page.get_by_text("3 candidates: every one is a network")).to_be_visible()
        expect(page.locator(".squiggly-error")).to_have_count(0)

        page.get_by_role("button", name="Preview the drawing").click()
        drawing = page.frame_locator("iframe.webview").frame_locator("iframe")
        expect(drawing.get_by_text("3x3 conv, 16")).to_be_visible()
        drawing.locator('[data-path="head.linear1"]').click()
        expect(page.get_by_text("Ln 7, Col 1")).to_be_visible()
        for key in ("Control+Home", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        expect(drawing.locator('[data-path="stem"].hit')).to_be_visible()
        page.keyboard.press("Control+End")
        page.keyboard.type("relu6")
        expect(drawing.get_by_text("relu6")).to_be_visible()
        browser.close()
