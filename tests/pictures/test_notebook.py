"""In a notebook: architectures show themselves, and a cell of the language is compiled."""

import sys

import nbformat
import pytest
from nbclient import NotebookClient

import archdsl

CELLS = [
    "import sys\n%load_ext archdsl",
    "import archdsl\narchdsl.load('resnet50')",
    "%%arch small width=16\narch small(width = 8 in 8..64 step 8)\ninput 3x32x32\n"
    "conv(width, 3) -> bn -> relu\nhead: global_avgpool -> linear(10)",
    "(small.params, 'torch' in sys.modules, 'matplotlib' in sys.modules)",
    "%%arch broken\narch broken\ninput 3x32x32\nconv(8, 3) -> maxpol(2)",
    "'broken' in globals()",
    "%%arch 2nd\narch a\ninput 3x8x8\nrelu",
    "archdsl.diff(archdsl.load('resnet50'), archdsl.load('resnet101'))",
    "archdsl.diff(small, small.with_knobs(width=16))",
    "archdsl.diff(small, small.with_knobs(width=24)).differing[0]",
]


@pytest.fixture(scope="module")
def outputs() -> list[list[nbformat.NotebookNode]]:
    """What each cell leaves."""
    cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "python3"}
    client = NotebookClient(notebook, timeout=60, kernel_name="python3")
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def test_the_kernel_is_this_python(outputs: list[list[nbformat.NotebookNode]]) -> None:
    assert outputs[0] == [] and sys.prefix


def test_an_architecture_shows_its_drawing(outputs: list[list[nbformat.NotebookNode]]) -> None:
    (output,) = outputs[1]
    html = output.data["text/html"]
    assert html.count("<svg ") == 1 and "25.56M parameters" in html
    assert output.data["text/plain"].startswith("<Architecture resnet(depth=50")
    assert html == archdsl.load("resnet50")._repr_html_()


def test_a_cell_is_compiled(outputs: list[list[nbformat.NotebookNode]]) -> None:
    (output,) = outputs[2]
    assert "3x3 conv, 16" in output.data["text/html"]
    (figures,) = outputs[3]
    assert figures.data["text/plain"] == "(650, False, False)"


def test_a_mistake_is_told_as_on_the_command_line(
    outputs: list[list[nbformat.NotebookNode]],
) -> None:
    (output,) = outputs[4]
    assert (output.output_type, output.name) == ("stream", "stderr")
    assert output.text.startswith("error[A101]: ")
    assert " --> <broken>:3:15" in output.text
    assert outputs[5][0].data["text/plain"] == "False"
    assert outputs[6][0].text == "%%arch: '2nd' is not a name for a variable\n"


def test_a_difference_shows_both(outputs: list[list[nbformat.NotebookNode]]) -> None:
    (output,) = outputs[7]
    html = output.data["text/html"]
    assert html.count("<svg ") == 1
    assert all(f">{text}</text>" in html for text in ("bottleneck2-6 x 5", "bottleneck2-23 x 22"))
    assert output.data["text/plain"] == "<Pair: 1 part differs>"
    (same,) = outputs[8]
    assert same.data["text/plain"] == "<Pair: the same network>"
    (path,) = outputs[9]
    assert path.data["text/plain"] == "('conv1', 'conv1')"
