"""Neovim's own client against `archdsl lsp`: mistakes arrive, and go when they are mended."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from required import skip

pytestmark = [pytest.mark.slow, pytest.mark.quiet]

DRIVE = """\
local said = {{}}
vim.cmd("edit net.arch")
local buffer = vim.api.nvim_get_current_buf()
local client = vim.lsp.start_client({{
  name = "archdsl", cmd = {{ {python!r}, "-m", "archdsl", "lsp" }}, root_dir = vim.fn.getcwd(),
}})
vim.lsp.buf_attach_client(buffer, client)
local function found() return vim.diagnostic.get(buffer) end
vim.wait(60000, function() return #found() > 0 end, 100)
for _, d in ipairs(found()) do
  table.insert(said, {{ line = d.lnum, column = d.col, message = d.message }})
end
vim.api.nvim_buf_set_lines(buffer, 2, 3, false, {{ "conv(8, 3, stride = 2)" }})
vim.wait(60000, function() return #found() == 0 end, 100)
vim.fn.writefile({{ vim.fn.json_encode({{ said = said, left = #found() }}) }}, {out!r})
vim.lsp.stop_client(client, true)
vim.cmd("qa!")
"""


def test_mistakes_come_and_go(tmp_path: Path) -> None:
    editor = shutil.which("nvim") or skip("there is no Neovim: apt-get install neovim")
    if not find_spec("pygls"):
        skip("the extra `lsp` is not installed")
    (tmp_path / "net.arch").write_text("arch net\ninput 3x8x8\nconv(8, 3, strid = 2)\n", "utf-8")
    out = tmp_path / "out.json"
    drive = tmp_path / "drive.lua"
    drive.write_text(DRIVE.format(python=sys.executable, out=str(out)), "utf-8")
    command = [editor, "--headless", "--clean", "-c", f"luafile {drive}"]
    subprocess.run(command, cwd=tmp_path, timeout=200, check=True, capture_output=True)
    answer = json.loads(out.read_text("utf-8"))
    (mistake,) = answer["said"]
    assert (mistake["line"], mistake["column"]) == (2, 11)
    assert "`conv` has no argument `strid`" in mistake["message"]
    assert answer["left"] == 0
