"""Pictures as pages: one file, which asks nothing of any other place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from importlib.resources import files
from typing import Any

from archdsl.analysis.figures import figures
from archdsl.ir.network import Network
from archdsl.pictures.drawing import BlockFigure, Drawing
from archdsl.pictures.fonts import FAMILY
from archdsl.pictures.limits import drawable
from archdsl.pictures.palette import COLOURS, KINDS
from archdsl.pictures.pen import Direction, Template
from archdsl.pictures.scene import Scene
from archdsl.pictures.svg import svg
from archdsl.pictures.views import SIZES, figures_line, levels, once, view

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def colours() -> str:
    """The palette as CSS variables, for paper and for a dark screen."""
    light, dark = (
        "".join(f"--{role}: {pair[i]}; " for role, pair in COLOURS.items()) for i in (0, 1)
    )
    return (
        f":root {{ color-scheme: light dark; {light}}}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n"
        f"@media screen {{ :root[data-theme=light] {{ color-scheme: light; {light}}}\n"
        f":root[data-theme=dark] {{ color-scheme: dark; {dark}}} }}\n"
    )


def page(
    title: str,
    body: str,
    script: str = "",
    data: Any = None,
    style: str | None = None,
    policy: str = POLICY,
) -> str:
    """An HTML file. ``body`` is markup; ``data`` is what the script reads; ``style`` stands in the
    place of the style sheet of drawings, and ``policy`` says what the page may load."""
    css = colours() + (_asset("page.css") if style is None else style).replace("FAMILY", FAMILY)
    held = (
        "" if data is None else f'<script type="application/json" id="data">{_json(data)}</script>'
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n{body}\n{held}\n"
        + (f"<script>\n{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def still(scene: Scene, more: str = "") -> str:
    """A page with a picture that does not change; ``more`` is markup to stand below it."""
    return page(scene.title, f"<main><div id=drawing>{svg(scene, themed=True)}</div></main>{more}")


def _asset(name: str) -> str:
    return files("archdsl.pictures").joinpath(name).read_text("utf-8")


def _json(data: Any) -> str:
    """JSON that may stand in a script element, whatever is in its texts."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def drawing_page(
    network: Network,
    knobs: Mapping[str, str],
    *,
    depth: int = 2,
    down: bool = True,
    size: str = "",
    title: str = "",
    first_only: bool = False,
) -> str:
    """The drawing of a network as a page on which its blocks open and close. The arguments are
    those of ``draw``, and say what is open at first."""
    drawing = Drawing(network, Direction(down), size)
    found: dict[int, int] = {}
    order: list[BlockFigure] = []

    def number(figure: BlockFigure) -> int:
        if id(figure) not in found:
            found[id(figure)] = len(order)
            order.append(figure)
            _ = figure.open  # its children are known then
            for _, child in figure.children:
                number(child)
        return found[id(figure)]

    with drawable():
        number(drawing.root)
    opened: list[str] = []

    at_first = once(drawing.root, depth) if first_only else levels(depth)

    def is_open(path: str, level: int) -> bool:
        if at_first(path, level):
            opened.append(path)
        return at_first(path, level)

    view(drawing.root, is_open)
    costs = figures(network)
    data = {
        "figures": [
            {
                "closed": _template(f.closed),
                "open": _template(f.open),
                "children": [[name, found[id(child)]] for name, child in f.children],
                "note": f.note,
            }
            for f in order
        ],
        "notes": [asdict(n) for n in drawing.notes],
        "opened": opened,
        "params": costs.params,
        "macs": costs.macs,
    }
    body = _body(network, knobs, drawing, size, title or network.name)
    return page(title or network.name, body, _asset("page.js"), data)


def _template(template: Template) -> dict[str, Any]:
    return {
        "code": template.program.code,
        "shapes": template.shapes,
        "slots": template.slots,
        "size": template.size,
    }


def _body(
    network: Network, knobs: Mapping[str, str], drawing: Drawing, size: str, title: str
) -> str:
    said = escape(", ".join(f"{k} = {v}" for k, v in knobs.items()))
    legend = "".join(
        f'<span style="--kind: var(--{kind})">{name}</span>'
        for kind, name in KINDS.items()
        if drawing.kinds[kind]
    )
    rule = f'<p class="faint">{SIZES[size]}</p>' if size else ""
    doc = f"<p>{escape(network.doc)}</p>" if network.doc else ""
    return f"""<header><h1>{escape(title)}</h1><p>{figures_line(network)}</p>{doc}
<p class="faint">{said}</p></header>
<div class="tools" role="toolbar" aria-label="drawing">
<input id="search" type="search" placeholder="Search layers and blocks" aria-label="search">
<span id="count" class="faint" role="status"></span>
<button id="more">Open a level</button><button id="less">Close a level</button>
<button id="smaller" aria-label="smaller">&minus;</button>
<button id="larger" aria-label="larger">+</button><button id="dark">Light or dark</button></div>
<main><div id="drawing"><svg xmlns="http://www.w3.org/2000/svg" role="tree"
 aria-label="{escape(title)}" font-family="{FAMILY}"></svg></div>
<div id="side"><div id="about" aria-live="polite"><p class="faint">Point at a box to
 see its figures; click one, or press Tab, to move with the arrow keys.</p></div>
<ol id="found" aria-label="matches"></ol></div></main>
<footer><div class="legend">{legend}</div>{rule}<p class="faint keys"><kbd>/</kbd> search,
 <kbd>Enter</kbd> next match; in the drawing <kbd>&uarr;</kbd> <kbd>&darr;</kbd> move,
 <kbd>&rarr;</kbd> open, <kbd>&larr;</kbd> close, <kbd>Enter</kbd> either</p></footer>"""
