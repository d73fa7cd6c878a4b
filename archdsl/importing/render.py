"""Terms as lines of a spec."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from archdsl.importing.link_table import loop
from archdsl.importing.linked import LINKED
from archdsl.importing.ranges import is_range, written
from archdsl.importing.reduction import OWN_STEP
from archdsl.importing.scope import BlockScope
from archdsl.importing.side_by_side import ARM, ARMS
from archdsl.importing.terms import ACTIVATIONS, MISSING, UNUSED, Merged
from archdsl.importing.unify import EITHER
from archdsl.importing.wrapped import INDENT, LONG
from archdsl.syntax.pytorch import is_named


class Renderer:
    """The lines of merged terms in a scope."""

    def __init__(self, scope: BlockScope) -> None:
        self.scope = scope
        self.style = scope.style
        self.within: list[bool] = []  # which instances have the arm that is written

    def lines(self, sequence: list[Merged], depth: int) -> list[str]:
        out: list[str] = []
        pad = INDENT * depth
        open_condition = ""
        for m in sequence:
            varied = m.op == EITHER or (m.op in ACTIVATIONS and not all(m.present))
            if m.kind == "layer" and varied and (m.op == EITHER or not m.args):
                out.append(pad + self._either(m, sequence))
                open_condition = ""
                continue
            lines = self._term(m, depth)
            if m.keep:
                lines[-1] += f" as {m.keep}"
            if all(m.present) or m.present == self.within:
                out += lines
                open_condition = ""
                continue
            condition = self.scope.condition(list(m.present))
            follows = bool(out) and out[-1] == pad + "}"
            if follows and open_condition == condition:
                out.pop()
            elif follows and open_condition and condition == f"not {open_condition}":
                out[-1] = f"{pad}}} else {{"
            else:
                out.append(f"{pad}if {condition} {{")
            out += [INDENT + line for line in lines] + [pad + "}"]
            open_condition = condition
        return out

    def _either(self, m: Merged, sequence: list[Merged]) -> str:
        """An activation that differs, or that some lack: a parameter that is a layer."""
        values = m.args["act"] if m.op == EITHER else [m.op if p else None for p in m.present]
        others = [x for x in sequence if x is not m]
        alive = [p or any(x.present[i] for x in others) for i, p in enumerate(m.present)]
        found = [
            v if p else ("identity" if a else None)
            for v, p, a in zip(values, m.present, alive, strict=True)
        ]
        return self.scope.relate(found, None, "act")

    def call(self, m: Merged) -> str:
        """A layer or a block with its arguments."""
        parts: dict[str, str] = {}
        set_here = self.style.defaults.get(m.op, {})
        block = self.style.blocks.get(m.op)
        order = block.order if block is not None else ()
        needed = [n for n in order if block is not None and n not in block.defaults]
        names = sorted(dict.fromkeys([*m.args, *set_here, *needed]), key=lambda n: _place(order, n))
        for name in names:
            built_in = self.style.built_in(m.op, name)
            usual = self.style.usual(m.op, name)
            given = m.args.get(name, [MISSING] * len(m.present))
            if built_in is MISSING and name.startswith("drop"):
                built_in = 0  # of a block without a branch to drop
            values = [
                (built_in if v is MISSING else v) if p and v is not UNUSED else None
                for v, p in zip(given, m.present, strict=True)
            ]
            known = [v for v in values if v is not None]
            if name == "stride" and m.op in ("maxpool", "avgpool"):
                kernel = m.args["kernel"]
                values = [
                    k if v is None and p else v
                    for v, p, k in zip(values, m.present, kernel, strict=True)
                ]
                if values == kernel:
                    continue
            elif name == "pad" and m.op == "conv":
                if not known:
                    continue
                values = self._paddings(m, values)
            elif all(repr(v) == repr(usual) for v in known) and not self._is_act(name, known):
                continue
            if name == "channels" and not self.scope.outside and self._is_depthwise(m):
                written = "in.channels"
            elif m.op == "reshape":
                written = self._shape(values, m.channels)
            else:
                written = self.scope.relate(values, m.channels, name, inward=name == "groups")
            if usual is not MISSING and block is None and written == self.scope.literal(usual):
                continue
            if name == "kernel" and m.op == "conv" and self._is_knob(m, written):
                self.style.turned.add("kernel")
                written = "kernel"
            if name == "drop" and "survive" in order:
                name, written = "survive", self._chance(written)
            parts[name] = written
        return _called(m.op, parts, self.style.by_place(m.op))

    def _is_depthwise(self, m: Merged) -> bool:
        """Whether a layer has a filter for each channel that comes in, and no others."""
        given = zip(m.args["channels"], m.args.get("groups", []), m.channels, strict=False)
        known = [(c, groups, there) for c, groups, there in given if c is not None]
        return bool(known) and all(c == groups == there != 1 for c, groups, there in known)

    def _is_act(self, name: str, known: list[Any]) -> bool:
        """Whether an argument is the activation that is a knob."""
        return name == "act" and self.style.act in known

    def _shape(self, values: list[Any], local: list[int | None]) -> str:
        """A shape, by the channels that come in where it has as many, or parts of them."""
        known = [(v, c) for v, c in zip(values, local, strict=True) if v is not None]
        (first, *rest), _ = known[0]
        if any(v[1:] != tuple(rest) for v, _ in known) or not rest:
            parts = {v[0] for v, _ in known} | {first}
            if len(parts) == 1 and all(len(v) == 2 and v[0] * v[1] == c for v, c in known):
                return f"[{first}, in.channels / {first}]"
            return self.scope.relate(values, local, "to")
        if all(v[0] == c for v, c in known):
            head = str(first) if self.scope.outside and not self.style.width else "in.channels"
        else:
            head = self.scope.relate([v and v[0] for v in values], local, "channels")
        if head.isdigit():
            return "x".join(map(str, (first, *rest)))
        return f"[{', '.join([head, *map(str, rest)])}]"

    def _is_knob(self, m: Merged, kernel: str) -> bool:
        """Whether a kernel is the knob: that of a convolution of a block that keeps the size."""
        padded = any(pad not in (None, MISSING) for pad in m.args.get("pad", ()))
        return not self.scope.outside and not padded and kernel == str(self.style.kernel)

    def _paddings(self, m: Merged, values: list[Any]) -> list[Any]:
        """The padding of convolutions some of which keep their size by themselves."""
        found = []
        strides = m.args.get("stride", [MISSING] * len(values))
        whole = [v is None and s in (1, MISSING) for v, s in zip(values, strides, strict=True)]
        alike = [
            v == "same" or w or not p for v, w, p in zip(values, whole, m.present, strict=True)
        ]
        if "same" in values and all(alike):  # at a stride of 1 it pads as usual
            return ["same" if p else None for p in m.present]
        for v, p, k in zip(values, m.present, m.args["kernel"], strict=True):
            if p and v is None:
                v = (k - 1) // 2 if isinstance(k, int) else tuple((n - 1) // 2 for n in k)
            found.append(v if p else None)
        return found

    def _term(self, m: Merged, depth: int) -> list[str]:
        pad = INDENT * depth
        if m.kind == "use":
            return [pad + m.op]
        if m.kind == ARM:
            outer, self.within = self.within, m.present
            lines = self._arm(m.subs[0], depth)
            self.within = outer
            return lines
        if m.kind == ARMS:
            turns = self.scope.relate(m.args["n"], None, "n")
            return [f"{pad}repeat {turns} {{", *self._arm(m.subs[0], depth + 1), pad + "}"]
        if m.kind == LINKED:
            return loop(m, self.scope, lambda scope, of, to: Renderer(scope).lines(of, to), depth)
        if m.kind == "layer" and m.op == self.style.act and not m.args:
            self.style.turned.add("act")
            return [pad + "act"]
        if m.kind == "layer":
            return [pad + (written(m, self.scope) if is_range(m) else self.call(m))]
        if m.kind == "shared":
            return [
                f"{pad}let {m.op} = shared {{",
                *self.lines(m.subs[0], depth + 1),
                pad + "}",
                "",
            ]
        if m.kind in ("result", "output"):
            (weight,) = {*m.args["weight"]}
            share = f"weight = {self.scope.literal(weight)}" * (weight != 1)
            when = "when = always" if m.kind == "result" else "when = training" * (weight == 1)
            said = ", ".join(filter(None, (when, share)))
            return [f"{pad}output {m.op}({said}) {{", *self.lines(m.subs[0], depth + 1), pad + "}"]
        if m.kind in ("repeat", "dense"):
            turns = self.scope.relate(m.args["n"], None, "n")
            body = self.lines(m.subs[0], depth + 1)
            counted = any(_counts(line) for line in body)
            head = f"repeat {turns}" if m.kind == "repeat" else f"dense({turns})"
            return [f"{pad}{head}{' as j' * counted} {{", *body, pad + "}"]
        if m.kind == "fractal":
            parts = {name: self.scope.relate(values, None, name) for name, values in m.args.items()}
            usual = "0.5" if parts["drop_path"] != "0" else "0"
            if parts["global_path"] == usual:
                del parts["global_path"]
            if parts["drop_path"] == "0":
                del parts["drop_path"]
            head = f"fractal({', '.join(f'{name} = {text}' for name, text in parts.items())})"
            return [f"{pad}{head} {{", *self.lines(m.subs[0], depth + 1), pad + "}"]
        if m.kind == "branch":
            if m.args:
                return self._list(m, depth)
            return [f"{pad}branch {m.op} {{", *self._arms(m, depth + 1), pad + "}"]
        assert m.kind == "residual", m.kind
        body = self.lines(m.subs[0], depth + 1) or [pad + INDENT + "identity"]
        arguments = [self._shortcut(m), *self._survive(m)]
        given = [a for a in arguments if a]
        inside = f"({', '.join(given)})" if given else ""
        head = f"{pad}residual{inside} {{"
        if len(head) > LONG:
            lines = [f"{pad}{INDENT}{a}{',' * (a is not given[-1])}" for a in given]
            return [f"{pad}residual(", *lines, f"{pad}) {{", *body, pad + "}"]
        return [head, *body, pad + "}"]

    def _survive(self, m: Merged) -> list[str]:
        """Stochastic depth: how likely the body is to take part."""
        given = m.args.get("drop")
        if given is None:
            return []
        values = [
            None if op in (None, "none") else 0 if v is MISSING else v
            for v, op in zip(given, m.ops, strict=True)
        ]
        if self.style.drop_path:
            chance = self._chance(self.scope.relate(values, None, "drop"))
        else:
            literal = [None if v is None else 1 - v for v in values]
            chance = self.scope.relate(literal, None, "survive")
        how = []
        for name in ("per", "scaling"):
            found = {v for v in m.args.get(name, ()) if v not in (None, MISSING)}
            how += [f"{name} = {word}" for word in found]
        return [f"survive = {chance}", *how]

    def _chance(self, place: str) -> str:
        if place == str(self.style.drops):
            return "1 - drop_path"
        place = f"({place})" if " " in place else place
        return f"1 - drop_path * {place} / {self.style.drops}"

    def _shortcut(self, m: Merged) -> str:
        kinds = {op for op in m.ops if op is not None}
        if kinds == {"identity"}:
            return ""
        layers = [i for i, op in enumerate(m.ops) if op == "layer"]
        if layers and "none" not in kinds and all(self._is_auto(m, i) for i in layers):
            return ""
        options = []
        if "identity" in kinds:
            options.append(("identity", "identity"))
        if "layer" in kinds:
            options.append(("layer", self._layer_shortcut(m)))
        if "none" in kinds:
            options.append(("none", '"none"'))
        written = options[-1][1]
        for kind, text in reversed(options[:-1]):
            condition = self.scope.condition([None if op is None else op == kind for op in m.ops])
            text = '"identity"' if text == "identity" and "none" in kinds else text
            text = f"({text})" if "->" in text else text
            simple = len(options) < 3 and "->" not in written
            written = f"{text} if {condition} else {written if simple else f'({written})'}"
        return f"shortcut = {written}"

    def _layer_shortcut(self, m: Merged) -> str:
        parts = []
        for present, group in groupby(m.subs[1], key=lambda x: x.present):
            terms = [" ".join(line.strip() for line in self._term(x, 0)) for x in group]
            text = " -> ".join(terms)
            lacks = [op == "layer" and not p for p, op in zip(present, m.ops, strict=True)]
            if any(lacks):
                some = [p if o == "layer" else None for p, o in zip(present, m.ops, strict=True)]
                text = f"({text})" if len(terms) > 1 else text
                text = f"({text} if {self.scope.condition(some)} else identity)"
            parts.append(text)
        return " -> ".join(parts)

    def _is_auto(self, m: Merged, i: int) -> bool:
        """Whether a shortcut is the one that ``residual`` makes by itself."""
        there = [x for x in m.subs[1] if x.present[i]]
        if [x.op for x in there] != ["conv", "bn"]:
            return False
        conv = self._given(there[0], i)
        norm = self._given(there[1], i)
        if conv["channels"] == m.channels[i] and conv.get("stride", 1) in (1, (1, 1)):
            return False  # where it is the identity
        if m.args.get(OWN_STEP, [MISSING] * len(m.ops))[i] is True:
            return False
        pad = conv.pop("pad", None)
        conv.pop("channels")
        conv.pop("stride", None)
        eps = self.style.usual("bn", "eps")
        same_eps = norm.pop("eps", self.style.built_in("bn", "eps")) == eps
        return conv == {"kernel": 1, "bias": False} and pad in (0, None) and same_eps and not norm

    def _given(self, m: Merged, i: int) -> dict[str, Any]:
        return {n: v[i] for n, v in m.args.items() if v[i] is not MISSING and v[i] is not None}

    def _list(self, m: Merged, depth: int) -> list[str]:
        """Arms, and the layer of several tensors that they meet in."""
        pad = INDENT * depth
        arms = [self._arm(sub, depth + 1) for sub in m.subs]
        parts = [arm[0].strip() for arm in arms if len(arm) == 1]
        whole = f"{pad}[{', '.join(parts)}] -> {self.call(m)}"
        if len(parts) == len(arms) and len(whole) <= LONG:
            return [whole]
        for arm in arms[:-1]:
            arm[-1] += ","
        lines = [line for arm in arms for line in arm]
        return [pad + "[", *lines, f"{pad}] -> {self.call(m)}"]

    def _arms(self, m: Merged, depth: int) -> list[str]:
        """The lines of arms; what is not there in all instances depends on what the others have,
        which are written first."""
        places = range(len(m.subs))
        some = [n for n in places if m.subs[n] and m.subs[n][0].kind == ARM]
        made = {n: self._arm(m.subs[n], depth) for n in (*(set(places) - set(some)), *some)}
        return [line for n in places for line in made[n]]

    def _arm(self, sequence: list[Merged], depth: int) -> list[str]:
        pad = INDENT * depth
        if not sequence:
            return [pad + "identity"]
        lines = self.lines(sequence, depth)
        if len(sequence) == 1 and sequence[0].kind == "repeat":  # whose turns would be arms
            return [pad + "{", *[INDENT + line for line in lines], pad + "}"]
        if len(sequence) == 1:
            return lines
        if not any(line.strip().endswith(("{", "}")) for line in lines):
            chain = pad + " -> ".join(line.strip() for line in lines)
            if len(chain) <= LONG:
                return [chain]
        return [pad + "{", *[INDENT + line for line in lines], pad + "}"]


def _place(order: Any, name: str) -> int:
    return order.index(name) if name in order else len(order)


def _counts(line: str) -> bool:
    """Whether a line speaks of the turn."""
    return any(word in line for word in ("j == 1", "j - 1", "* j", "j + ", "(j", ", j", "= j"))


def _called(op: str, parts: dict[str, str], by_place: list[str]) -> str:
    left = dict(parts)
    given = []
    for name in by_place:
        if name not in left or is_named(op, name, left[name]):
            break
        given.append(left.pop(name))
    given += [f"{name} = {text}" for name, text in left.items()]
    return f"{op}({', '.join(given)})" if given else op
