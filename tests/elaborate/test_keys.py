"""Names follow the structure of the spec: what two candidates of a space share, and so its
weights, has one key in both."""

import re
from collections.abc import Iterator

import pytest

import archdsl
from archdsl.files import builtin_names
from archdsl.ir.network import Op, Part, Pick
from archdsl.spec import Spec, read

Trail = tuple[tuple[object, ...], ...]  # the calls that lead to a layer, by their places


def layers(part: Part, prefix: str = "", trail: Trail = (), moved=None) -> Iterator[tuple]:
    """The layers with weights: path, and trail."""
    offsets = moved or {}
    for step in part.steps:
        if isinstance(step.op, Pick):
            continue  # one of the results of the step before it: nothing that has a name
        place = (step.span.source.name, step.span.start, step.span.end)
        number = step.number + offsets.get(step.name, 0)
        for copy in range(step.repeat):
            path = prefix + step.numbered(number + copy)
            if isinstance(step.op, Op):
                if step.op.layer.weights(*(part.shape_of(n) for n in step.inputs)):
                    yield path, (*trail, (*place, step.op.name))
            elif step.op.kind == "turn":
                counts = {k: offsets.get(k, 0) + copy * n for k, n in step.op.counts.items()}
                yield from layers(step.op, prefix, trail, {**offsets, **counts})
            else:
                inner = (*trail, place) if step.op.kind == "block" else trail
                yield from layers(step.op, path + ".", inner)


def candidates(spec: Spec, values: int = 4) -> Iterator[archdsl.Architecture]:
    """The default, and each knob at some of its values."""
    yield spec.with_knobs()
    for name, knob in spec.knobs.items():
        domain = knob.domain
        for value in [] if domain is None else {domain.at(i / values) for i in range(values + 1)}:
            try:
                arch = spec.with_knobs(**{name: value})
                arch.network  # noqa: B018 (elaborated here, for its mistakes)
            except archdsl.ArchError:
                continue  # what the space excludes
            yield arch


def shortens(stem: str, other: str) -> bool:
    """Whether a key is another one in which parts are left out."""
    parts = iter(other.split("."))
    return stem != other and all(part in parts for part in stem.split("."))


def differences(archs: list[archdsl.Architecture]) -> list[str]:
    """What speaks against the keys: a layer whose key has fewer parts somewhere, and a key of two
    layers that can stand beside each other."""
    stems: dict[Trail, set[str]] = {}
    trails: dict[str, set[Trail]] = {}
    together: set[frozenset[Trail]] = set()
    for arch in archs:
        beside: dict[str, set[Trail]] = {}
        for path, trail in layers(arch.network.root):
            stems.setdefault(trail, set()).add(re.sub(r"\d+", "*", path))
            trails.setdefault(path, set()).add(trail)
            beside.setdefault(path.rpartition(".")[0], set()).add(trail)
        for group in beside.values():
            together |= {frozenset((a, b)) for a in group for b in group if a != b}
    found = [f"{a} and {b}" for s in stems.values() for a in s for b in s if shortens(a, b)]
    for path, places in trails.items():
        if any(frozenset((a, b)) in together for a in places for b in places if a != b):
            found.append(f"{path} is several layers")
    return found


@pytest.mark.parametrize("name", builtin_names())
def test_a_layer_that_two_candidates_share_has_one_key(name: str) -> None:
    assert differences(list(candidates(read(name)))) == []


HEAD = "arch net(n = 2 in 0..3, wide = false in {false, true})\ninput 4x8x8\n"
UNIT = "block unit(c) { conv(c, 3) -> bn }\n"


def keys(body: str, **knobs: object) -> list[str]:
    network = archdsl.parse(HEAD + UNIT + body).with_knobs(**knobs).network
    return [path for path, _ in layers(network.root)]


def test_a_label_around_a_loop_is_a_part_at_any_count() -> None:
    body = "stage: repeat n { unit(4) }"
    assert keys(body, n=1) == ["stage.unit1.conv1", "stage.unit1.bn1"]
    assert keys(body, n=2)[:2] == keys(body, n=1)


def test_a_turn_of_several_layers_is_a_part() -> None:
    body = "repeat n { residual { conv(4, 3) -> bn } }\nconv(2, 1)"
    assert keys(body, n=1) == ["turn1.conv1", "turn1.bn1", "conv1"]
    assert keys(body, n=3)[-1] == "conv1"


def test_a_condition_that_does_not_hold_keeps_its_numbers() -> None:
    body = "if wide { conv(8, 1) -> bn }\nconv(4, 3) -> bn"
    assert keys(body) == ["conv2", "bn2"]
    assert keys(body, wide=True) == ["conv1", "bn1", "conv2", "bn2"]


def test_alternatives_take_the_same_numbers() -> None:
    body = "if wide { conv(8, 1) -> conv(8, 3) } else { conv(4, 1) }\nconv(4, 3)"
    assert keys(body) == ["conv1", "conv3"]
    assert keys(body, wide=True) == ["conv1", "conv2", "conv3"]


def test_an_arm_that_is_not_there_keeps_its_number() -> None:
    body = "branch add { if wide { bn }; conv(4, 3); conv(4, 1) }"
    assert keys(body) == ["branch2", "branch3"]
    assert keys(body, wide=True) == ["branch1", "branch2", "branch3"]


def test_a_shortcut_that_is_not_there_keeps_its_number() -> None:
    body = 'let s = "project" if wide else "none"\n'
    body += "residual(shortcut = s) { conv(4, 3) } -> residual(shortcut = conv(4, 1)) { bn }"
    assert keys(body)[-1] == "shortcut2"
    assert keys(body, wide=True)[-1] == "shortcut2"


def test_one_layer_takes_the_name_of_its_label() -> None:
    body = "stem: conv(4, 3)\nnext: { let c = 4; conv(c, 3) }\nbody: unit(4)"
    assert keys(body) == ["stem", "next", "body.conv1", "body.bn1"]


def test_a_few_layers_in_a_row_need_no_part() -> None:
    assert keys("repeat 2 { conv(4, 3) -> bn }") == ["conv1", "bn1", "conv2", "bn2"]


def test_layers_that_are_passed_on_keep_their_numbers() -> None:
    body = "block wide_unit(norm) { if wide { conv(8, 1) -> norm }\nconv(4, 3) -> norm }\n"
    calls = "wide_unit(bn) -> wide_unit(layer_norm(over = channels))\n"
    assert keys(body + calls)[:2] == ["wide_unit1.conv2", "wide_unit1.bn2"]
    assert keys(body + calls)[3] == "wide_unit2.layer_norm2"
    assert keys(body + calls, wide=True)[6:] == ["wide_unit2.conv2", "wide_unit2.layer_norm2"]
