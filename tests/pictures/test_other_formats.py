"""Drawings for programs that set or lay them out: TikZ, Mermaid, DOT."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import archdsl
from archdsl.files import builtin_names
from archdsl.pictures.mermaid import _quoted, mermaid
from archdsl.pictures.scene import Disc, Scene, Wire, Words
from archdsl.pictures.structure import Closed, Opened, OutlineNode, outline
from archdsl.pictures.tikz import tikz
from archdsl.pictures.views import draw

SPEC = """arch odd
input 3x8x8
stem: { conv(4, 3) -> relu -> maxpool(3, stride = 1, pad = 1) }
residual { conv(4, 3) }
global_avgpool -> linear(2)
"""


def test_mermaid() -> None:
    assert mermaid(archdsl.parse(SPEC).with_knobs().network) == (
        "flowchart TB\n"
        '  n0["input 3x8x8"]:::paper\n'
        '  subgraph b0 ["stem"]\n'
        '    n1["3x3 conv, 4<br/>relu"]:::conv\n'
        '    n2["3x3 maxpool"]:::pool\n'
        "  end\n"
        '  n3["3x3 conv, 4"]:::conv\n'
        '  n4(("+")):::paper\n'
        '  n5["global_avgpool"]:::pool\n'
        '  n6["linear 2"]:::linear\n'
        '  n7["output 2"]:::paper\n'
        '  n0 -->|"3x8x8"| n1\n'
        '  n1 -->|"4x8x8"| n2\n'
        '  n2 -->|"4x8x8"| n3\n'
        '  n2 -->|"4x8x8"| n4\n'
        '  n3 -->|"4x8x8"| n4\n'
        '  n4 -->|"4x8x8"| n5\n'
        '  n5 -->|"4x1x1"| n6\n'
        "  n6 --> n7\n"
        "  classDef conv fill:#77aadd,stroke:#4a525c,color:#1a1d21\n"
        "  classDef linear fill:#ffaabb,stroke:#4a525c,color:#1a1d21\n"
        "  classDef paper fill:#ffffff,stroke:#4a525c,color:#1a1d21\n"
        "  classDef pool fill:#44bb99,stroke:#4a525c,color:#1a1d21\n"
    )


@pytest.mark.parametrize("name", builtin_names())
def test_every_edge_is_between_nodes_that_are_there(name: str) -> None:
    network = archdsl.load(name).network
    for depth in (2, 9):
        marks, edges = outline(network, depth)
        nodes = [m.path for m in marks if isinstance(m, OutlineNode)]
        assert len(nodes) == len(set(nodes))
        assert {e.source for e in edges} | {e.target for e in edges} <= set(nodes)
        later = {n for n in nodes if n.partition(".")[0] != "input"}
        assert {e.target for e in edges} == later  # nothing hangs in the air
        opened = sum(isinstance(m, Opened) for m in marks)
        assert opened == sum(isinstance(m, Closed) for m in marks)


def test_tikz_has_every_shape_at_its_place() -> None:
    network = archdsl.parse(SPEC).with_knobs().network
    scene = draw(network, {})
    text = tikz(scene)
    assert text.count(r"\node[") == sum(isinstance(s, Words) for s in scene.shapes)
    arrows = sum(isinstance(s, Wire) and s.arrow for s in scene.shapes)
    assert len(re.findall(r"\\fill\[wire\]", text)) == arrows
    assert text.count("circle[") == sum(isinstance(s, Disc) for s in scene.shapes)
    assert f"rectangle ({scene.width:g},{round(scene.height, 2):g});" in text
    assert text.count("{") == text.count("}")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("name", ["resnet", "unet_2015", "googlenet"])
def test_latex_sets_it(name: str, tmp_path: Path) -> None:
    """In the usual fonts, which lack some signs, without another package than TikZ."""
    (tmp_path / "net.tex").write_text(tikz(draw(archdsl.load(name).network, {})), "utf-8")
    paper = r"\documentclass{article}\usepackage{tikz}\begin{document}\input{net.tex}\end{document}"
    (tmp_path / "paper.tex").write_text(paper, "utf-8")
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert ran.returncode == 0 and "Missing character" not in ran.stdout, ran.stdout[-1500:]


def test_what_a_spec_says_is_no_command_of_tex_or_mermaid() -> None:
    text = tikz(Scene(10, 10, "a\nb", (Words(1, 1, r"\input{x} 50% #1 a_b ~^ é" + '"\n'),)))
    assert (
        r"\textbackslash{}input\{x\} 50\% \#1 a\_b \textasciitilde{}\textasciicircum{} ?\char34{}?"
        in text
    )
    assert text.startswith("% a?b\n")
    assert _quoted('a"<b>#end\n`x`_*') == '"a#34;#60;b#62;#35;end<br/>#96;x#96;_*"'


def test_a_picture_without_title_and_legend(run: Any, tmp_path: Path) -> None:
    arch = archdsl.load("resnet18")
    whole = draw(arch.network, {})
    bare = draw(arch.network, {}, head=False, foot=False)
    said = [s.text for s in bare.shapes if isinstance(s, Words)]
    assert "resnet" not in said and "convolution" not in said
    assert bare.height < whole.height - 60 and bare.width < whole.width
    assert (bare.shapes[0].extent[1], bare.title) == (16, "resnet")
    target = tmp_path / "x.dot"
    ran = run("draw", "resnet18", "--no-title", "-o", str(target))
    assert ran.code == 2 and "--no-title is for a picture" in ran.err and not target.exists()


def test_fonts_of_a_pdf_are_true_type(tmp_path: Path, run: Any) -> None:
    target = tmp_path / "x.pdf"
    assert run("draw", "resnet18", "-o", str(target)).code == 0
    data = target.read_bytes()
    assert b"/Type42" not in data and b"/CIDFontType2" in data and b"/Type3" not in data


def test_a_terminal_gets_a_file(run: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("draw", "resnet18").out.startswith("<svg")
    ran = run("draw", "resnet18", tty=True)
    assert ran.out == "resnet.svg: resnet18, 472 x 1306 pixels\n"
    assert Path("resnet.svg").read_text().startswith("<svg")


def test_three_levels_are_open_where_blocks_are_new(run: Any, tmp_path: Path) -> None:
    """Unless told otherwise: what `--depth 3 --once` draws."""
    texts = []
    for name, options in (("a", []), ("b", ["--depth", "3", "--once"]), ("c", ["--depth", "2"])):
        assert run("draw", "resnet18", *options, "-o", str(tmp_path / f"{name}.svg")).code == 0
        texts.append((tmp_path / f"{name}.svg").read_text())
    assert texts[0] == texts[1] != texts[2]


def test_a_side_output_of_what_is_no_chain_is_drawn() -> None:
    spec = archdsl.parse(
        "arch web\ninput 3x16x16\nconv(8, 3) as a\nconv(8, 3) as b\n"
        "branch add { a -> conv(8, 3); b } as c\noutput aux { global_avgpool -> linear(4) }\n"
        "branch add { c -> conv(8, 3); a; b -> conv(8, 3) }\nglobal_avgpool -> linear(10)\n"
    )
    network = spec.with_knobs().network
    scene = draw(network, {}, depth=3)
    said = [s.text for s in scene.shapes if isinstance(s, Words)]
    assert "aux" in said and "linear 4" in said
    boxes = [m for m in outline(network, 3)[0] if isinstance(m, OutlineNode) and not m.sign]
    assert all(line in said for box in boxes for line in box.lines)
