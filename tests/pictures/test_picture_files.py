"""Pictures as files: SVG that any program reads, images of the right size, DOT, pages; and that
nothing a spec says becomes markup."""

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import archdsl
from archdsl.diagnostics.model import ArchError
from archdsl.pictures.dot import dot
from archdsl.pictures.fonts import fit, text_width
from archdsl.pictures.page import drawing_page, still
from archdsl.pictures.palette import COLOURS, KINDS
from archdsl.pictures.raster import raster
from archdsl.pictures.saving import save
from archdsl.pictures.scene import Area, Box, Disc, Scene, Wire, Words, arrow_head
from archdsl.pictures.svg import path, svg
from archdsl.pictures.views import draw

SVG = "{http://www.w3.org/2000/svg}"
ALL = Scene(
    200,
    100,
    "all shapes",
    (
        Box(10, 10, 60, 30, "conv", note="a box"),
        Words(40, 25, "a & b", anchor="middle", bold=True),
        Wire(((40, 40), (40, 60), (90, 60)), arrow=True, dashed=True),
        Wire(((100, 10), (110, 10), (140, 10), (140, 60), (110, 60), (100, 60)), curved=True),
        Disc(160, 50, 9, sign="+"),
        Disc(160, 80, 9, sign="*", opacity=0.5),
        Area(((10, 80), (30, 80), (20, 95)), "pool"),
        Words(190, 90, "up", upright=True),
    ),
)


def tree(scene: Scene, **options: Any) -> ElementTree.Element:
    return ElementTree.fromstring(svg(scene, **options))


def test_svg_is_xml_with_a_size_a_title_and_no_script() -> None:
    root = tree(ALL)
    assert (root.get("width"), root.get("height")) == ("200", "100")
    assert root.get("viewBox") == "0 0 200 100"
    assert root.findtext(f"{SVG}title") == "all shapes"
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags == {"svg", "title", "style", "rect", "text", "path", "circle"}
    assert "http" not in svg(ALL).replace("http://www.w3.org/2000/svg", "")


def test_a_line_without_rounding_goes_through_its_corners() -> None:
    points = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0))
    assert path(Wire(points, radius=0)) == "M0 0 L10 0 L10 10"
    assert path(Wire(points, radius=2)) == "M0 0 L8 0 Q10 0 10 2 L10 10"


def test_styles_hold_for_the_picture_alone() -> None:
    """A notebook that shows one keeps its own look."""
    style = tree(ALL).findtext(f"{SVG}style") or ""
    selectors = re.findall(r"([^{}]+)\{", style)
    assert selectors and all(
        part.startswith(".archdsl ") for s in selectors for part in s.split(",")
    )


def test_notes_can_be_left_out() -> None:
    assert [e.text for e in tree(ALL).iter(f"{SVG}title")] == ["all shapes", "a box"]
    assert [e.text for e in tree(ALL, notes=False).iter(f"{SVG}title")] == ["all shapes"]


def test_lines_have_rounded_corners() -> None:
    assert path(Wire(((0, 0), (0, 20), (30, 20)), radius=5)) == "M0 0 L0 15 Q0 20 5 20 L30 20"
    assert path(Wire(((0, 0), (0, 4), (30, 4)), radius=5)) == "M0 0 L0 2 Q0 4 5 4 L30 4"


def test_an_arrow_points_along_its_line() -> None:
    tip, left, right = arrow_head(((0, 0), (0, 20)), 6, 3)
    assert tip == (0, 20)
    assert {left, right} == {(-3.0, 14.0), (3.0, 14.0)}


def png_size(data: bytes) -> tuple[int, int]:
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def pixels(data: bytes) -> set[tuple[int, ...]]:
    """The different colours in a PNG image."""
    from matplotlib.image import imread

    image = (imread(io.BytesIO(data)) * 255).round().astype(int)[..., :3]
    return {tuple(p) for row in image for p in row.tolist()}


def test_png_has_the_scene_at_twice_its_size() -> None:
    data = raster(ALL, "png")
    assert png_size(data) == (400, 200)
    found = pixels(data)
    for role in ("conv", "pool", "paper"):
        assert tuple(bytes.fromhex(COLOURS[role][0][1:])) in found


def test_png_and_pdf_are_the_same_each_time() -> None:
    assert raster(ALL, "png") == raster(ALL, "png")
    assert raster(ALL, "pdf") == raster(ALL, "pdf")


def test_pdf_has_the_size_of_the_scene() -> None:
    data = raster(ALL, "pdf")
    assert data.startswith(b"%PDF-")
    text = data + b"".join(_inflated(data))
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", text)
    assert box is not None
    assert [float(n) for n in box.groups()] == pytest.approx([150, 75])


def _inflated(data: bytes) -> list[bytes]:
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return found


def test_a_picture_that_is_very_long_is_made_smaller() -> None:
    tall = Scene(100, 80_000, "tall", ())
    assert max(png_size(raster(tall, "png"))) < 2**16
    large = Scene(9_000, 9_000, "large", ())
    assert png_size(raster(large, "png")) == (5_792, 5_792)  # 2^25 pixels


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".html"])
def test_the_ending_says_what_is_written(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"picture{suffix}"
    save(ALL, file)
    starts = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF", ".html": b"<!DOCTYPE html>"}
    assert file.read_bytes().startswith(starts[suffix])


def test_an_ending_that_says_nothing(tmp_path: Path) -> None:
    with pytest.raises(ArchError) as error:
        save(ALL, tmp_path / "picture.bmp")
    assert error.value.diagnostics[0].code == "A901"
    assert list(tmp_path.iterdir()) == []


def test_matplotlib_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ArchError) as error:
        raster(ALL, "png")
    assert "pip install '.[viz]'" in str(error.value)


# ----------------------------------------------------------------------------------- dot


def test_dot_has_clusters_for_what_is_open() -> None:
    text = dot(archdsl.load("resnet50").network, depth=2)
    assert text.startswith('digraph "resnet" {\n  rankdir=TB\n')
    assert text.count("subgraph") == 6
    assert '  "stem.maxpool1" -> "stage1.bottleneck1" [label="64x56x56"]' in text
    assert '"stage3.bottleneck2-6" [label="bottleneck2-6 x 5\\nbottleneck(256, 1)"' in text
    assert text.count("{") == text.count("}")


def test_dot_is_balanced_for_loops_and_imports() -> None:
    body = "block m { relu -> conv(8, 3) }\nconv(8, 3) as a\nrepeat 3 { relu -> m }\n"
    body += "part: { branch add { a -> conv(8, 1); identity } }\n"
    arch = archdsl.parse(f"arch a\ninput 8x8x8\n{body}").with_knobs()
    text = dot(arch.network, depth=9, down=False)
    assert "rankdir=LR" in text and '\\nx 2", fillcolor' in text
    nodes = set(re.findall(r'^ *("[^"]*") \[', text, re.MULTILINE))
    ends = {e for edge in re.findall(r'("[^"]*") -> ("[^"]*")', text) for e in edge}
    assert ends == nodes


# ---------------------------------------------------------------------------------- text


def test_widths_of_texts_are_those_of_the_font() -> None:
    """Measured by the font that PNG and PDF are set in."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    for weight in ("normal", "bold"):
        for text in ("3x3 conv, 64, /2", "Wide WWW", "iiiiill", "bottleneck2-23 x 22"):
            drawn = TextPath((0, 0), text + ".", 100, prop=FontProperties(weight=weight))
            width = text_width(text + ".", 100, weight == "bold")
            assert drawn.get_extents().width <= width + 1
            assert drawn.get_extents().width >= 0.93 * width - 25


@pytest.mark.parametrize("room", [0, 10, 40, 80, 300])
def test_a_text_is_cut_to_its_room(room: float) -> None:
    text = fit("a rather long text", 11, room)
    assert text_width(text, 11) <= max(room, text_width("…", 11))
    assert text in ("a rather long text", "…") or text.endswith("…")


def test_wide_characters_take_their_room() -> None:
    assert text_width("ネット", 10) == 30
    assert text_width("e\u0301", 10) == text_width("e", 10)


def test_every_kind_of_layer_has_a_colour() -> None:
    from archdsl.registry import REGISTRY

    assert {layer.kind for layer in REGISTRY.layers.values()} <= set(COLOURS)
    assert set(KINDS) <= set(COLOURS)


def luminance(colour: str) -> float:
    def linear(part: int) -> float:
        c = part / 255
        return c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4

    r, g, b = (linear(n) for n in bytes.fromhex(colour[1:]))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", [*KINDS, "join", "block", "frame", "inner", "paper"])
def test_texts_can_be_read_on_their_grounds(ground: str, theme: int) -> None:
    """A contrast of 4.5 at least, as WCAG 2 wants it."""
    a, b = (luminance(COLOURS[role][theme]) for role in ("ink", ground))
    assert (max(a, b) + 0.05) / (min(a, b) + 0.05) >= 4.5


# ------------------------------------------------------------------------------- hostile

HOSTILE = """## </script><script>alert(1)</script> <img src=x onerror=alert(2)> ]]> &amp;
arch a(act = "</title><script>alert(3)</script>" in {"</title><script>alert(3)</script>", "b"})
input 3x8x8
conv(4, 3)  # "--><script>alert(4)</script>
part: { relu -> conv(4, 1) -> bn }
"""


def hostile() -> Any:
    return archdsl.parse(HOSTILE, '"><script>alert(5)</script>.arch').with_knobs()


WRITERS: dict[str, Callable[[Any], str]] = {
    "svg": lambda a: svg(draw(a.network, a.shown_knobs, title="<script>alert(6)</script>")),
    "page": lambda a: drawing_page(a.network, a.shown_knobs, title="<script>alert(6)</script>"),
    "still": lambda a: still(draw(a.network, a.shown_knobs, title="<script>alert(6)</script>")),
    "notebook": lambda a: a._repr_html_(),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_what_a_spec_says_is_no_markup(writer: str) -> None:
    text = WRITERS[writer](hostile())
    assert "<script>alert" not in text and "<img" not in text
    scripts = re.findall(r"<script[^>]*>", text)
    assert scripts == {
        "page": ['<script type="application/json" id="data">', "<script>"],
    }.get(writer, [])
    if writer == "svg":
        ElementTree.fromstring(text)


def test_control_characters_make_no_broken_xml() -> None:
    scene = Scene(10, 10, "a\x00b\x1b", (Words(1, 5, "\x08 \ufffe"),))
    ElementTree.fromstring(svg(scene))


def test_a_page_may_fetch_nothing() -> None:
    text = drawing_page(hostile().network, {})
    assert "default-src 'none'" in text
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:|@import|url\(""", text)
