"""Lists of layers, and the several tensors that they leave."""

import pytest

import archdsl
from archdsl import ArchError, Architecture
from archdsl.analysis.space import prove
from archdsl.ir.document import from_json, to_json
from archdsl.ir.hash import canonical_hash
from archdsl.ir.network import Part, Pick

BLOCKS = """
block unit { residual { conv(in.channels, 3) -> relu } }
block cell(c) {
  let (a, b) = in.tensors
  branch add { a -> conv(c, 3); b -> conv(c, 1) }
  [b, identity]
}
block fuse(i) {
  branch add { for x in in.tensors as j { if i == j { x } else { x -> conv(8, 1) } } }
}
block module { [x -> unit for x in in.tensors]; [fuse(i) for i in 1..len(in.tensors)] }
"""
BODIES = {
    "a block": "cell(8)",
    "two blocks": "cell(8); module",
    "nothing": "identity",
    "a swap": "[in.tensors[2], in.tensors[1]]",
    "a swap with a layer": "[in.tensors[2] -> relu, in.tensors[1]]",
    "each": "[x -> conv(8, 3) for x in in.tensors]",
    "streams": "module",
    "a label": "part: { cell(8); module }",
    "a loop in it": "repeat 2 { cell(8) }; module",
    "a name": "module as kept; kept[1] -> conv(8, 1) as made; [kept[2], made]",
    "a choice": "if width > 4 { cell(8) } else { module }",
}
STARTS = {
    "two": "[conv(8, 1), conv(8, 3)]",
    "one twice": "conv(8, 1) as x; [x, x]",
    "named": "conv(8, 1) as x; x -> conv(8, 3) as y; [y, x]",
}
END = "branch concat { for x in in.tensors { x -> gelu } }"


def arch(start: str, layers: str) -> Architecture:
    head = f"arch net(width = 8)\ninput 3x8x8\n{BLOCKS}"
    return archdsl.parse(f"{head}{start}\n{layers}\n{END}\n").with_knobs()


def written_out(body: str, count: int) -> str:
    """The body as often as the loop runs it; names that it gives are its own each time."""
    texts = [body.replace("part:", f"p{i}:") for i in range(count)]
    return "\n".join(
        t.replace("kept", f"k{i}").replace("made", f"m{i}") for i, t in enumerate(texts)
    )


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_loop_is_its_turns(body: str, start: str, count: int) -> None:
    folded = arch(start, f"repeat {count} {{ {body} }}")
    written = arch(start, written_out(body, count))
    assert folded.hash == written.hash
    assert folded.figures == written.figures
    assert folded.path == written.path
    assert folded.network.root.size == written.network.root.size == len(folded.flat.nodes) - 1
    assert len(folded.shapes) == len(folded.flat.nodes), "every node has a path of its own"
    again = from_json(to_json(folded.network))
    assert canonical_hash(again) == folded.hash


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS.keys())
def test_turns_are_one_step(start: str) -> None:
    root = arch(start, "repeat 7 { cell(8) }").network.root
    (step,) = [s for s in root.steps if isinstance(s.op, Part) and s.op.name == "cell"]
    assert step.repeat == 7
    assert len([s for s in root.steps if isinstance(s.op, Pick)]) == 2


SPACE = f"""
arch net(width = 4 in 2..8 step 2, depth = 5 in 1..9, side = 8 in {{8, 16}})
input (3, side, side)
{BLOCKS}
[conv(width, 1), conv(width, 3)]
repeat depth {{ cell(width) }}
in.tensors[2] -> relu
"""


def test_depth_and_width_are_knobs_of_a_proof() -> None:
    spec = archdsl.parse(SPACE)
    proof = prove(spec.program)
    assert proof.complete and proof.holds and proof.total == 72
    for depth in (1, 2, 9):
        found = spec.with_knobs(width=6, depth=depth, side=16).figures
        assert found.params == 4 * 6 + 28 * 6 + depth * (9 * 36 + 6 + 36 + 6)


def faults(layers: str) -> list[tuple[str, str]]:
    with pytest.raises(ArchError) as caught:
        archdsl.parse(f"arch net\ninput 3x8x8\n{BLOCKS}{layers}\n").with_knobs()
    return [(d.code, d.message) for d in caught.value.diagnostics]


TWO = "[conv(8, 1), conv(8, 3)]\n"
SEVERAL = ("A244", "there are 2 tensors here, but one is needed")


@pytest.mark.parametrize(
    "layers",
    [
        "relu",
        "conv(8, 1)",
        "residual { relu }",
        "dense(2) { relu }",
        "fractal(2) { relu }",
        "let f = shared { relu }\nf",
        "in.tensors[1] -> residual { [relu, relu] }",
        "in.tensors[1] -> branch add { [relu, relu] }",
        "[in.tensors[1], identity]",
        "conv(in.channels, 1)",
        "output aux { relu }",
        "",
    ],
)
def test_one_is_wanted(layers: str) -> None:
    assert SEVERAL in faults(TWO + layers)


@pytest.mark.parametrize("taken", ["true", "false"])
def test_what_a_condition_leaves_out_keeps_its_numbers(taken: str) -> None:
    body = f"if {taken} {{ [in.tensors[1] -> conv(8, 1), in.tensors[2] -> conv(8, 5)] }}"
    found = arch(TWO, f"{body}\n[x -> conv(8, 7) for x in in.tensors]")
    assert {n.path for n in found.flat.nodes if "kernel=7" in repr(n.layer)} == {"conv5", "conv6"}


def test_results_that_are_left() -> None:
    assert [code for code, _ in faults(TWO + "in.tensors[1] -> relu")] == ["A140"]
    left = (
        TWO + "repeat 4 { [in.tensors[1] -> relu, in.tensors[2] -> relu] }\nin.tensors[1] -> relu"
    )
    assert [code for code, _ in faults(left)] == ["A140"]
    assert [code for code, _ in faults(TWO + "repeat 4 { unit2 }\nrelu")] == ["A101"]
    assert [code for code, _ in faults("[]\nrelu")] == ["A119"]
    assert faults(TWO + "let (a, b, c) = in.tensors\na -> relu")[0][0] == "A306"


def test_of_one_and_of_a_choice() -> None:
    one = arch("conv(8, 1)", "[identity]\nrepeat 3 { [x -> unit for x in in.tensors] }")
    assert one.hash == arch("conv(8, 1)", "repeat 3 { unit }").hash
    picked = "choose mix { a: { cell(8) }; b: { module } }"
    assert arch("[conv(8, 1), conv(8, 3)]", picked).hash == arch(TWO, "cell(8)").hash
