"""Warnings: what a spec may say, but seldom means. They never fail a check by
themselves."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from archdsl import driver
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, Diagnostic, diagnose, in_order
from archdsl.diagnostics.source import Span
from archdsl.elaborate.functions import FUNCTIONS
from archdsl.elaborate.program import Program
from archdsl.ir.flat import Flat, FlatNode, flatten
from archdsl.ir.network import Network
from archdsl.layers.base import axes_of, show_shape
from archdsl.layers.filters import LEAST_CHANNELS, in_pytorch_order
from archdsl.resolve.resolver import resolve
from archdsl.resolve.table import Definition, Names
from archdsl.settings import Decisions
from archdsl.syntax import tree

CENTERING = ("bn", "instance_norm")  # they take away the mean of each channel
WEIGHTED = ("conv", "conv_transpose", "linear")
MEANT = re.compile(r"\bbias\s*=\s*true\b")  # a call that asks for its bias knows why
CONVOLUTIONS = {  # from what kernel on it may be channels; and where an image's come in
    "conv": (LEAST_CHANNELS, 4),  # that as few go out is rare
    "conv_transpose": (8, 8),  # it mostly halves them
}
THREE_NUMBERS = re.compile(r"\(([^=,()]+,){2}[^=,()]+[,)]")  # that no name stands before
WINDOWED = ("conv", "maxpool", "avgpool")


def warnings(program: Program, network: Network, gpu: bool = False) -> list[Diagnostic]:
    """The warnings of a spec's own text, each place once, for one network of it. ``gpu``: of
    widths, too."""
    file = program.main.syntax
    source = file.span.source
    names = resolve(file, program.compiler.load, program.compiler.registry)
    flat = flatten(network)
    found = [*_unused(file, names), *_passed_on(file, names), *_inputs(program, network)]
    found += program.compiler.warned
    found += [*_biases(flat, _usual(program, network)), *_strides(flat), *_channels_twice(flat)]
    found += _after_head(flat)
    if gpu:
        found += _widths(flat)
    own = {(d.code, d.span): d for d in found if d.span is not None and d.span.source is source}
    return in_order(own.values())


def _usual(program: Program, network: Network) -> Flat | None:
    """The network of the defaults, if it is another one."""
    defaults = {name: knob.default for name, knob in program.knobs.items()}
    if dict(network.knobs) == defaults:
        return None
    try:
        return flatten(driver.elaborate(program, {}, Decisions({}, program.fixed, {})))
    except ArchError:
        return None


def _unused(file: tree.File, names: Names) -> Iterator[Diagnostic]:
    """Blocks, functions, values and knobs that nothing uses, but for what is itself not used."""
    kinds = {"block": "block", "fn": "function", "knob": "knob", "let": "value"}
    found = [d for d in names.definitions if d.kind in kinds]
    used = _reached(file, names, found)
    bodies = [d.whole for d in found if d.kind in ("block", "fn") and d not in used]
    bodies.sort(key=lambda span: span.start)
    for definition in found:
        if definition in used or definition.name == "_":
            continue
        place = bisect_right(bodies, definition.span.start, key=lambda span: span.start)
        inside = place and _within(definition.span, bodies[place - 1])
        if not (definition.kind == "let" and inside):
            what = kinds[definition.kind]
            yield diagnose(codes.UNUSED, definition.span, what=what, name=definition.name)


def _reached(file: tree.File, names: Names, found: Sequence[Definition]) -> set[Definition]:
    """The definitions whose names are used, but for uses within what itself is not used. All names
    that a `let` gives at once are used where one is; a variant uses nothing."""
    values = {d.span: d for d in found if d.kind == "let"}
    homes = [(n.span, list[Definition]()) for n in file.statements if isinstance(n, tree.Variant)]
    homes += [(d.whole, [d]) for d in found if d.kind in ("block", "fn")]
    for node in file.walk():
        if isinstance(node, tree.Let) and all(t.span in values for t in node.targets):
            homes.append((node.span, [values[t.span] for t in node.targets]))
    homes.sort(key=lambda home: (home[0].start, -home[0].end))
    owned = defaultdict[Definition, list[int]](list)
    for place, (_, owners) in enumerate(homes):
        for owner in owners:
            owned[owner].append(place)
    uses = [use for use in names.uses if use.definition is not None]
    uses.sort(key=lambda use: use.span.start)
    held: list[int] = []  # within how many homes that nothing has reached each use stands
    inside: list[list[int]] = [[] for _ in homes]
    around: list[int] = []
    place = 0
    for number, use in enumerate(uses):
        while place < len(homes) and homes[place][0].start <= use.span.start:
            while around and homes[around[-1]][0].end <= homes[place][0].start:
                around.pop()
            around.append(place)
            place += 1
        while around and homes[around[-1]][0].end < use.span.end:
            around.pop()
        held.append(len(around))
        for home in around:
            inside[home].append(number)
    left = [uses[n] for n, count in enumerate(held) if not count]
    reached: set[Definition] = set()
    opened: set[int] = set()
    while left:
        definition = left.pop().definition
        target = definition and definition.target
        if target is None or target in reached:
            continue
        reached.add(target)
        for home in set(owned[target]) - opened:
            opened.add(home)
            reached.update(homes[home][1])
            for number in inside[home]:
                held[number] -= 1
                if not held[number]:
                    left.append(uses[number])
    return reached


def _within(span: Span, around: Span) -> bool:
    return around.start <= span.start and span.end <= around.end


def _passed_on(file: tree.File, names: Names) -> Iterator[Diagnostic]:
    """`in` of a layer that is written among the arguments of a block: it is another tensor's."""
    used = {use.span: use for use in names.uses}

    def is_block(call: tree.Call) -> bool:
        use = used.get(call.callee.span)
        return use is not None and use.definition is not None and use.definition.kind == "block"

    def is_layer(call: tree.Call) -> bool:
        use = used.get(call.callee.span)
        is_number = call.callee.text in FUNCTIONS  # `max(1, in.channels)`, and no join
        return is_block(call) or (use is not None and use.kind == "layer" and not is_number)

    for block in (n for n in file.walk() if isinstance(n, tree.Call) and is_block(n)):
        given = [n for a in block.arguments for n in a.value.walk() if isinstance(n, tree.Call)]
        for call in filter(is_layer, given):
            here = [n for a in call.arguments for n in a.walk() if isinstance(n, tree.Here)]
            if here:
                said = {"field": here[0].field, "block": block.callee.text}
                yield diagnose(codes.IN_PASSED_ON, here[0].span, fields=said)


def _inputs(program: Program, network: Network) -> Iterator[Diagnostic]:
    """Images that were given with a batch size, or with the channels last."""
    shape = network.root.input
    nodes = [n for n in program.main.syntax.statements if isinstance(n, tree.Input)]
    if len(shape) == 4 and shape[0] == 1 and shape[1] in (1, 3) and len(nodes) == 1:
        said = {"shape": show_shape(shape), "depth": shape[1], "image": show_shape(shape[1:])}
        yield diagnose(codes.BATCH_IN_INPUT, nodes[0].span, fields=said)
    if len(shape) == 3 and shape[2] in (1, 3) and shape[0] == shape[1] > 3 and len(nodes) == 1:
        named = dict(zip(("channels", "height", "width"), shape, strict=True))
        meant = show_shape((shape[2], *shape[:2]))
        said = {"shape": show_shape(shape), "image": meant, **named}
        yield diagnose(codes.CHANNELS_LAST, nodes[0].span, fields=said)


def _biases(flat: Flat, usual: Flat | None) -> Iterator[Diagnostic]:
    """Biases whose sum a normalisation takes away again, wherever their line stands: neither
    there nor in the network of the defaults is it of use."""
    vain, needed = _vain_biases(flat)
    if usual is not None:
        needed |= _vain_biases(usual)[1]
    for span, (layer, norm) in vain.items():
        if span not in needed:
            yield diagnose(codes.BIAS_BEFORE_NORM, span, layer=layer, norm=norm)


def _vain_biases(flat: Flat) -> tuple[dict[Span, tuple[str, str]], set[Span]]:
    """The places of biases before a normalisation, with the layer and the normalisation; and of
    those that have an effect."""
    users: defaultdict[int, list[FlatNode]] = defaultdict(list)
    for node in flat.nodes:
        for place in node.inputs:
            users[place].append(node)
    kept = {flat.output, *(output.node for output in flat.side_outputs)}
    vain: dict[Span, tuple[str, str]] = {}
    needed: set[Span] = set()
    for place, node in enumerate(flat.nodes):
        layer = node.layer
        if layer is None or node.span is None or layer.name not in WEIGHTED:
            continue
        if not getattr(layer, "bias", False) or MEANT.search(node.span.text):
            continue
        after = [u.layer.name for u in users[place] if u.layer is not None]
        if after and place not in kept and all(name in CENTERING for name in after):
            vain[node.span] = layer.name, after[0]
        else:
            needed.add(node.span)
    return vain, needed


def _strides(flat: Flat) -> Iterator[Diagnostic]:
    """Windows that stand further apart than they are wide."""
    for node in flat.nodes:
        layer = node.layer
        if layer is None or node.span is None or layer.name not in WINDOWED:
            continue
        axes = len(node.shape) - 1
        kernel = axes_of(getattr(layer, "kernel", 1), axes, layer.name, "kernel")
        given = getattr(layer, "stride", None)
        stride = kernel if given is None else axes_of(given, axes, layer.name, "stride")
        if max(kernel) > 1 and any(k < s for k, s in zip(kernel, stride, strict=True)):
            said = {"kernel": show_shape(kernel), "stride": show_shape(stride)}
            yield diagnose(codes.PIXELS_SKIPPED, node.span, fields=said)


def _channels_twice(flat: Flat) -> Iterator[Diagnostic]:
    """Convolutions whose arguments look like PyTorch's: the channels that come in stand first."""
    for node in flat.nodes:
        layer = node.layer
        if layer is None or node.span is None or layer.name not in CONVOLUTIONS:
            continue
        channels, kernel, stride = (getattr(layer, n) for n in ("channels", "kernel", "stride"))
        comes_in = flat.nodes[node.inputs[0]].shape[0]
        by_place = THREE_NUMBERS.search(node.span.text) is not None
        least = CONVOLUTIONS[layer.name][channels in (1, 3)]
        is_twice = in_pytorch_order(kernel, stride, least) or channels == kernel == stride
        if by_place and channels == comes_in and is_twice:
            said = {"layer": layer.name, "kernel": kernel, "stride": stride}
            yield diagnose(codes.CHANNELS_TWICE, node.span, fields=said)


def _after_head(flat: Flat) -> Iterator[Diagnostic]:
    """An activation at the very end, after a linear layer."""
    last = flat.nodes[flat.output]
    if last.layer is None or last.span is None or last.layer.kind != "activation":
        return
    before = flat.nodes[last.inputs[0]].layer
    if before is not None and before.name == "linear":
        yield diagnose(codes.AFTER_HEAD, last.span, layer=last.layer.name)


def _widths(flat: Flat) -> Iterator[Diagnostic]:
    """Widths that GPUs pad, the last layer's apart: that has as many as there are classes."""
    for place, node in enumerate(flat.nodes):
        layer = node.layer
        if layer is None or node.span is None or layer.name not in WEIGHTED:
            continue
        if node.shape[0] % 8 and place != flat.output:
            yield diagnose(codes.ODD_WIDTH, node.span, channels=node.shape[0])
