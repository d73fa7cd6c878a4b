"""Turns of a loop that are alike are folded into one: the network is that of all turns."""

import pytest

import archdsl
from archdsl import Architecture

BODIES = {
    "a layer": "relu",
    "several layers": "conv(8, 3) -> bn -> relu",
    "a block": "unit(8)",
    "a label": "part: { conv(8, 3); relu }",
    "a join of one tensor": "branch add { identity; identity }",
    "a join beside a layer": "branch mean { identity; conv(8, 3) }",
    "a pattern": "residual { conv(8, 3) -> bn }",
    "a loop": "repeat 3 { conv(8, 3) }",
    "a loop of several": "repeat 3 { conv(8, 3); relu }",
    "a loop of a join": "repeat 3 { branch add { identity; identity } }",
    "a loop and more": "bn; repeat 2 { conv(8, 3) }; relu",
    "a loop in a loop": "repeat 2 { repeat 3 { conv(8, 3); relu } }",
    "a kept tensor": "conv(8, 3) as kept; branch add { identity; kept }",
    "nothing": "identity",
}


def arch(layers: str) -> Architecture:
    return archdsl.parse(
        "arch net\ninput 8x8x8\nblock unit(c) { conv(c, 3) -> relu }\n"
        f"conv(8, 1) as first\n{layers}\ngelu\n"
    ).with_knobs()


def written_out(body: str, count: int) -> str:
    """The body as often as the loop runs it; names that it gives are its own each time."""
    return "\n".join(body.replace("part", f"p{i}").replace("kept", f"k{i}") for i in range(count))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_loop_is_its_turns(body: str, count: int) -> None:
    folded, written = arch(f"repeat {count} {{ {body} }}"), arch(written_out(body, count))
    assert folded.hash == written.hash
    assert folded.figures == written.figures
    assert folded.path == written.path
    assert folded.network.root.size == written.network.root.size == len(folded.flat.nodes) - 1
    assert len(folded.shapes) == len(folded.flat.nodes), "every node has a path of its own"


@pytest.mark.parametrize(
    "condition", ["i == 1", "i > 2", "i % 2 == 0", "3 <= i", "i != 3", "i < n"]
)
def test_what_the_counter_decides(condition: str) -> None:
    loop = f"repeat n as i {{ if {condition} {{ relu }} else {{ conv(8, 3); bn }} }}"
    turns = "\n".join(
        f"if {condition.replace('i', str(i), 1)} {{ relu }} else {{ conv(8, 3); bn }}"
        for i in range(1, 6)
    )
    assert arch(f"let n = 5\n{loop}").hash == arch(f"let n = 5\n{turns}").hash


def test_what_is_used_from_outside_the_loop() -> None:
    body = "conv(8, 3); branch add { identity; first }"
    assert arch(f"repeat 3 {{ {body} }}").hash == arch("\n".join([body] * 3)).hash


def test_what_is_kept_inside_the_loop() -> None:
    body = "identity as k; conv(8, 3); branch add { identity; k }"
    written = "\n".join(body.replace("k", f"k{i}") for i in range(4))
    assert arch(f"repeat 4 {{ {body} }}").hash == arch(written).hash


def test_most_turns_are_not_run() -> None:
    network = arch("bn; repeat 10000 { conv(8, 3); relu }").network
    assert [step.repeat for step in network.root.steps] == [1, 1, 10_000, 1]
