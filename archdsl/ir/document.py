"""A network as JSON, out and in: its different layers and parts, each once.

Kept is all that the network is: parts within parts, repeats, names, shapes, side outputs, what was
chosen, and the place where each layer was written. Not kept are the texts, the definitions and
arguments of blocks, and knobs.
"""

from __future__ import annotations

import json
from typing import Any

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Source, Span
from archdsl.ir.layer_json import (
    plain,
    plain_shape,
    read_layer,
    read_list,
    read_path,
    read_place,
    read_shape,
)
from archdsl.ir.network import Choice, NamedResult, Network, Op, Part, Pick, Shared, Step, pick
from archdsl.ir.verify import verify
from archdsl.layers.arguments import Number, Unreadable, Whole
from archdsl.registry import REGISTRY, Registry

FORMAT = "archdsl-network/1"
MOST_LAYERS = 25_000
MOST_LEVELS = 100
NOWHERE = Span(Source("<network>", ""), 0, 0)


def to_json(network: Network) -> str:
    """The network as JSON text, in the format ``archdsl-network/1``. The root is the last part."""
    parts = list(network.root.parts())
    places = {id(part): place for place, part in enumerate(parts)}
    layers: dict[int, int] = {}
    listed: list[dict[str, Any]] = []
    ops = [step.op for part in parts for step in part.steps]
    for op in (*ops, *(shared.op for part in parts for shared in part.shared)):
        if isinstance(op, Op) and not isinstance(op, Pick) and id(op) not in layers:
            layers[id(op)] = len(listed)
            layer = op.layer
            arguments = {k: plain(v) for k, v in layer.given()}
            listed.append({"layer": layer.name, "arguments": arguments})
    document: dict[str, Any] = {
        "format": FORMAT,
        "name": network.name,
        "doc": network.doc,
        "choices": [
            {"path": c.path, "options": list(c.options), "chosen": c.chosen}
            for c in network.choices
        ],
        "layers": listed,
        "parts": [_part(part, layers, places) for part in parts],
    }
    if network.root.results:
        results = network.root.results
        document["results"] = [
            {"name": r.name, "value": r.value, "weight": r.weight} for r in results
        ]
    if network.inputs != ("",):
        document["inputs"] = list(network.inputs)
    return json.dumps(document, indent=1)


def _part(part: Part, layers: dict[int, int], places: dict[int, int]) -> dict[str, Any]:
    found = {
        "kind": part.kind,
        "name": part.name,
        "input": plain_shape(part.input),
        "imports": [plain_shape(shape) for shape in part.imports],
        "steps": [_step(step, layers, places) for step in part.steps],
        "result": part.result,
        "shape": list(part.shape),
    }
    if part.given:
        found["given"] = list(part.given)
    if part.shared:
        found["shared"] = [_shared(shared, layers, places) for shared in part.shared]
    if part.lent:
        found["lent"] = list(part.lent)
    return found | ({"counts": dict(part.counts)} if part.counts else {})


def _shared(shared: Shared, layers: dict[int, int], places: dict[int, int]) -> dict[str, Any]:
    found = {"name": shared.name, "inputs": [plain_shape(shape) for shape in shared.inputs]}
    return found | _of(shared.op, layers, places)


def _of(op: Op | Part, layers: dict[int, int], places: dict[int, int]) -> dict[str, int]:
    if isinstance(op, Pick):
        return {"pick": op.number}
    return {"layer": layers[id(op)]} if isinstance(op, Op) else {"part": places[id(op)]}


def _step(step: Step, layers: dict[int, int], places: dict[int, int]) -> dict[str, Any]:
    found: dict[str, Any] = dict(_of(step.op, layers, places))
    found |= {"inputs": list(step.inputs), "shape": list(step.shape)}
    found |= {"name": step.name, "number": step.number}
    if step.repeat != 1:
        found["repeat"] = step.repeat
    if step.weight is not None:
        found["weight"] = step.weight
    if step.plain:
        found["plain"] = True
    if step.module is not None:
        found["module"] = step.module
    if step.lends:
        found["lends"] = list(step.lends)
    if step.span is not NOWHERE:
        found["place"] = step.span.place
    return found


def from_json(text: str, registry: Registry = REGISTRY) -> Network:
    """The network of a JSON text. Raises ``ArchError`` (A009) where it is not one, or not whole.

    The text may come from anywhere: nothing in it is taken on trust.
    """
    try:
        network = _read(json.loads(text), registry)
    except Unreadable as problem:
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=f"expected {problem}")]) from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as problem:
        reason = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        raise ArchError([diagnose(codes.BAD_GRAPH, reason=reason)]) from None
    verify(network)
    return network


def _read(document: Any, registry: Registry) -> Network:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    ops = [
        Op(read_layer(item["layer"], item["arguments"], registry))
        for item in read_list(document["layers"])
    ]
    parts: list[Part] = []
    for item in read_list(document["parts"]):
        part = _read_part(item, ops, parts)
        if part.size > MOST_LAYERS or part.levels > MOST_LEVELS:
            raise ValueError(f"`{part.name}` has more than {MOST_LAYERS:,} layers, or levels")
        parts.append(part)
    if not parts:
        raise ValueError("it has no parts")
    choices = [
        Choice(str(c["path"]), tuple(map(str, read_list(c["options"]))), c["chosen"], NOWHERE)
        for c in read_list(document["choices"])
    ]
    for choice in choices:
        if type(choice.chosen) is not int or not 0 <= choice.chosen < len(choice.options):
            raise ValueError(f"`{choice.path}` has no option {choice.chosen!r}")
    name = read_path(document["name"])
    parts[-1].results = tuple(
        NamedResult(read_path(r["name"]), _index(r["value"]), Number(0).read(r["weight"]))
        for r in read_list(document.get("results", []))
    )
    inputs = tuple(read_path(n) for n in read_list(document.get("inputs", []))) or ("",)
    return Network(name, parts[-1], {}, tuple(choices), str(document["doc"]), inputs)


def _read_part(item: dict[str, Any], ops: list[Op], parts: list[Part]) -> Part:
    steps = tuple([_read_step(step, ops, parts) for step in read_list(item["steps"])])
    part = Part(
        item["kind"],
        read_path(item["name"]),
        read_shape(item["input"]),
        tuple(read_shape(shape) for shape in read_list(item["imports"])),
        steps,
        _index(item["result"]),
        read_shape(item["shape"]),
        sum(step.size * step.repeat for step in steps),
    )
    counts = item.get("counts", {})
    part.counts = {read_path(name): Whole(0).read(count) for name, count in counts.items()}
    part.shared = tuple(_read_shared(s, ops, parts) for s in read_list(item.get("shared", [])))
    part.given = tuple(_index(n) for n in read_list(item.get("given", [])))
    part.lent = tuple(read_path(name) for name in read_list(item.get("lent", [])))
    return part


def _read_shared(item: dict[str, Any], ops: list[Op], parts: list[Part]) -> Shared:
    shapes = tuple(read_shape(shape) for shape in read_list(item["inputs"]))
    return Shared(read_path(item["name"]), _read_op(item, ops, parts), shapes, NOWHERE)


def _read_op(item: dict[str, Any], ops: list[Op], parts: list[Part]) -> Op | Part:
    if "pick" in item:
        return pick(Whole(0).read(item["pick"]))
    known: list[Op] | list[Part] = ops if "layer" in item else parts
    place = _index(item["layer"] if "layer" in item else item["part"])
    if not 0 <= place < len(known):
        raise ValueError(f"there is no layer or part {place} before it is used")
    return known[place]


def _read_step(item: dict[str, Any], ops: list[Op], parts: list[Part]) -> Step:
    weight = item.get("weight")
    module = item.get("module")
    return Step(
        _read_op(item, ops, parts),
        tuple(_index(n) for n in read_list(item["inputs"])),
        read_shape(item["shape"]),
        "" if "pick" in item else read_path(item["name"]),
        Whole(1).read(item["number"]),
        read_place(item.get("place")) or NOWHERE,
        Whole(1).read(item.get("repeat", 1)),
        None if weight is None else Number(0).read(weight),
        item.get("plain", False) is True,
        None if module is None else _index(module),
        tuple(_index(n) for n in read_list(item.get("lends", []))),
    )


def _index(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{json.dumps(value)[:40]} stands where a number should be")
    return value
