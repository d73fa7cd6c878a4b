"""A spec in hand, and its architectures: the public face of the compiler's front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any

from archdsl import driver
from archdsl.analysis.family import Families
from archdsl.analysis.figures import NAMED, Figures, LongestPath, longest_path
from archdsl.analysis.memory import Memory, memory
from archdsl.budget.choosing import Choosing
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.diagnostics.source import Source
from archdsl.elaborate.compiler import Loader
from archdsl.elaborate.knobs import Knob
from archdsl.elaborate.published import Variant
from archdsl.elaborate.work import Work
from archdsl.files import Bundle, Library
from archdsl.ir.flat import Flat, flatten
from archdsl.ir.hash import canonical_hash
from archdsl.layers.base import Shape
from archdsl.registry import REGISTRY, Registry
from archdsl.settings import Decisions, evaluate, read_input, read_settings
from archdsl.units import shown_costs

if TYPE_CHECKING:
    from pathlib import Path

    import networkx as nx
    import torch
    from torch import nn


class Spec(Choosing):
    """A spec that has been parsed and compiled: a space of architectures.

    ``with_knobs`` gives one of them. Made by ``archdsl.parse`` and ``archdsl.read``.
    """

    def __init__(
        self, source: Source, load: Loader, registry: Registry = REGISTRY, work: Work | None = None
    ) -> None:
        """``load`` gives the files that it uses; ``work`` bounds all that is done with it, which
        otherwise is bounded for each candidate. Raises ``ArchError`` with every mistake that can
        be seen without a candidate."""
        self.source = source
        self.registry = registry
        self.program = driver.compile(source, load, registry, work)
        self.families = Families(self.program)

    def __repr__(self) -> str:
        return f"<Spec {self.name} from {self.source.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle holds its text and those that it uses: it is parsed where it is read."""
        added = () if self.registry is REGISTRY else (self.registry,)
        return _from_texts, (self.source.name, self.source.text, self.used, *added)

    @property
    def name(self) -> str:
        """The name that stands after `arch`."""
        return self.program.arch.name.text

    @property
    def doc(self) -> str:
        """The ``##`` comment above the header."""
        return self.program.doc

    @property
    def used(self) -> dict[str, str]:
        """The texts of the files that it uses, by their paths as `use` says them."""
        sources = [file.syntax.span.source for file in self.program.files]
        return {source.name: source.text for source in sources if source is not self.source}

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """The knobs of the header, with their defaults and domains."""
        return self.program.knobs

    @property
    def variants(self) -> Mapping[str, Variant]:
        """The named settings, with what was published of them."""
        return {v.name: v for v in self.program.variants}

    def read_knob(self, name: str, text: str) -> Any:
        """The value that a text means for a knob, checked. Raises ``ArchError``."""
        return read_settings(self.program, {name: text})[name]

    def read_constant(self, text: str) -> Any:
        """The value of an expression among the names of this spec. Raises ``ArchError``."""
        return evaluate(self.program, "value", text)

    def with_knobs(self, /, *, input: Any = None, **knobs: Any) -> Architecture:
        """The architecture with these knobs, the others at their defaults.

        ``input`` replaces the shape that the spec says, channels first; of a spec that has a knob
        of this name, it is the knob. Raises ``ArchError``.
        """
        return self.candidate(*self._parted(input, knobs))

    def _parted(
        self, input: Any, knobs: dict[str, Any]
    ) -> tuple[dict[str, Any], Sequence[int] | None]:
        """Knobs, and the shape that replaces the spec's."""
        if input is not None and "input" in self.knobs:
            return {**knobs, "input": input}, None
        return knobs, input

    def candidate(
        self, knobs: Mapping[str, Any], input: Sequence[int] | None = None, first_only: bool = False
    ) -> Architecture:
        """As ``with_knobs``, for knobs whose names are no identifiers (paths of choices)."""
        values = read_settings(self.program, knobs)
        choices = {k: v for k, v in knobs.items() if k not in values}
        shape = None if input is None else read_input(input)
        return Architecture(self, values, choices, shape, first_only)

    def figures(self, /, *, input: Any = None, **knobs: Any) -> Figures:
        """What the candidate with these knobs costs, as ``with_knobs(...).figures`` says it, in
        closed form wherever one is known: of many candidates, each after the first few takes some
        hundredths of a millisecond. Raises ``ArchError`` where it is no network."""
        chosen = self._parted(input, knobs)
        return self.figures_known(*chosen) or self.candidate(*chosen).figures

    def figures_known(
        self, knobs: Mapping[str, Any], input: Sequence[int] | None = None
    ) -> Figures | None:
        """The figures of a candidate in closed form, without elaborating it, which then is a
        network; nothing where there is none yet. Raises ``ArchError`` for a knob's value."""
        values = read_settings(self.program, knobs)
        if len(values) < len(knobs):
            return None
        return self.families.figures(values, None if input is None else read_input(input))

    def variant(self, name: str, /, **knobs: Any) -> Architecture:
        """A named variant, with further knobs. Raises ``ArchError`` for a name it has not."""
        found = self.variants.get(name)
        if found is None:
            help = did_you_mean(name, self.variants)
            raise ArchError([diagnose(codes.UNKNOWN_VARIANT, help=help, spec=self.name, name=name)])
        arch = self.candidate({**found.knobs, **knobs})
        if not knobs:
            arch.title = name
        return arch


class Architecture:
    """One architecture: a spec whose knobs are decided. Its figures cost no tensor. ``title`` is
    what pictures call it: the name of the variant that it is, or that of its spec."""

    title: str

    def __init__(
        self,
        spec: Spec,
        values: Mapping[str, Any],
        choices: Mapping[str, Any],
        input: Shape | None = None,
        first_only: bool = False,
        kept: Mapping[str, str] | None = None,
    ) -> None:
        """Raises ``ArchError`` where it is not a network."""
        self.spec = spec
        self._decided = values, choices, input, kept or {}
        decide = Decisions(choices, spec.program.fixed, kept or {})
        self.network = driver.elaborate(spec.program, values, decide, input, first_only)
        self.title = spec.name

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle holds the spec and the knobs: it is elaborated where it is read."""
        values, *others = self._decided
        knobs = self.spec.knobs
        plain = {k: v for k, v in values.items() if _is_plain(v)}
        shown = {k: knobs[k].show(v) for k, v in values.items() if not _is_plain(v)}
        return _from_knobs, (self.spec, plain, shown, *others), {"title": self.title}

    def __repr__(self) -> str:
        knobs = ", ".join(f"{k}={v}" for k, v in self.shown_knobs.items())
        found = shown_costs(self.params, self.macs, exact=True)
        return f"<Architecture {self.name}({knobs}): {found}>"

    def _repr_html_(self) -> str:
        """Its drawing, as notebooks show it."""
        from archdsl.pictures.svg import svg
        from archdsl.pictures.views import draw

        scene = draw(self.network, self.shown_knobs, title=self.title)
        return f'<div style="max-height: 45em; overflow: auto">{svg(scene)}</div>'

    @property
    def name(self) -> str:
        """The name of its spec."""
        return self.spec.name

    @property
    def knobs(self) -> Mapping[str, Any]:
        """What each knob was decided to be; choices inside bodies by their path."""
        inner = {c.path: c.options[c.chosen] for c in self.network.choices}
        return {**self.network.knobs, **inner}

    @property
    def shown_knobs(self) -> dict[str, str]:
        """The knobs as they would be written."""
        known = self.spec.knobs
        header = {k: known[k].show(v) for k, v in self.network.knobs.items()}
        return header | {c.path: c.options[c.chosen] for c in self.network.choices}

    @cached_property
    def figures(self) -> Figures:
        """All counts for one image."""
        return driver.analyse(self.network)

    @property
    def params(self) -> int:
        """Trainable elements, side outputs included."""
        return self.figures.params

    @property
    def buffers(self) -> int:
        """Elements that are kept but not trained, such as running means."""
        return self.figures.buffers

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions, linear layers and attention for one image, in
        evaluation."""
        return self.figures.macs

    @property
    def attention_macs(self) -> int:
        """Those of attention among them: of queries with keys, and of the result with values."""
        return self.figures.attention_macs

    @property
    def activations(self) -> int:
        """Outputs of convolutions and linear layers for one image, as fvcore and timm count."""
        return self.figures.activations

    @property
    def conv_activations(self) -> int:
        """Outputs of convolutions alone."""
        return self.figures.conv_activations

    def cost(self, name: str) -> float:
        """A cost by its name, of those that follow from the spec.

        Raises ``KeyError`` for a name that is none's.
        """
        cost = self.spec.registry.static_costs[name]
        known: float = getattr(self.figures, name) if name in NAMED else cost.of(self.network)
        return known

    @cached_property
    def path(self) -> LongestPath:
        """The longest way from the input to the result."""
        return longest_path(self.network)

    @property
    def depth(self) -> int:
        """Convolutions and linear layers on the longest path."""
        return self.path.depth

    @property
    def receptive_field(self) -> tuple[int, ...]:
        """Pixels of the input, for each axis, that an element of the result can see."""
        return tuple(ceil(r) + 1 for r in self.path.reach)

    @property
    def input(self) -> Shape:
        """The shape of the input, channels first; of several, that of the first."""
        return self.network.root.input

    @property
    def inputs(self) -> dict[str, Shape]:
        """The shapes of all that comes in, by name; of one without a name, as ``input``."""
        root, names = self.network.root, self.network.inputs
        shapes = (root.input, *root.imports)
        return {name or "input": shape for name, shape in zip(names, shapes, strict=True)}

    @property
    def given_input(self) -> Shape | None:
        """The input that replaces the spec's; nothing where the spec says it, or its knobs do."""
        return self._decided[2]

    @property
    def output(self) -> Shape:
        """The shape of the result; of several, of `main`, or of the last."""
        return self.network.root.shape

    @property
    def outputs(self) -> dict[str, Shape]:
        """The shapes of all results in evaluation, by name; one alone is ``output``."""
        root = self.network.root
        return {r.name: root.shape_of(r.value) for r in root.results} or {"output": root.shape}

    @cached_property
    def flat(self) -> Flat:
        """Every layer and join in the order in which they run."""
        return flatten(self.network)

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shape at every node, by its path, channels first."""
        return {node.path: node.shape for node in self.flat.nodes}

    @property
    def side_outputs(self) -> dict[str, float]:
        """Side outputs, and their weights in the loss."""
        return {s.name: s.weight for s in self.flat.side_outputs}

    @property
    def graph(self) -> nx.MultiDiGraph[str]:
        """The networkx graph: see ``archdsl.graph.build``."""
        from archdsl.graph.build import build

        return build(self.network)

    @cached_property
    def hash(self) -> str:
        """Equal for equal graphs, whatever the knobs and parts are called."""
        return canonical_hash(self.network)

    def source(self) -> str:
        """The architecture as Python source that needs nothing but torch."""
        return driver.emit(self)

    def build(
        self,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        memory_format: torch.memory_format | None = None,
    ) -> nn.Module:
        """The PyTorch module: the source, run. Its ``state_dict`` has the keys of the file's."""
        from archdsl.backend.build import build

        return build(self, device, dtype, memory_format)

    def memory(self, batch: int = 1, dtype: str = "float32") -> Memory:
        """The estimated peak memory in bytes, for inference and for training."""
        return memory(self.flat, self.params, self.buffers, batch, dtype)

    def with_knobs(self, /, *, input: Any = None, **knobs: Any) -> Architecture:
        """The same spec with these knobs changed, and its input, as by ``Spec.with_knobs``."""
        knobs, shape = self.spec._parted(input, knobs)
        shape = self.given_input if shape is None else read_input(shape)
        inner = {c.path: c.options[c.chosen] for c in self.network.choices}
        values = {**self.network.knobs, **read_settings(self.spec.program, knobs)}
        choices = {k: v for k, v in knobs.items() if k not in values}
        return Architecture(self.spec, values, choices, shape, kept=inner)


def _from_texts(name: str, text: str, used: dict[str, str], registry: Registry = REGISTRY) -> Spec:
    return Spec(Source(name, text), Bundle(used), registry)


def _is_plain(value: Any) -> bool:
    """Whether a knob's value is a number or a text, and none that a spec has to be asked for."""
    return isinstance(value, (int, float, Fraction, str))


def _from_knobs(
    spec: Spec,
    values: Mapping[str, Any],
    shown: Mapping[str, str],
    choices: Mapping[str, Any],
    input: Shape | None,
    kept: Mapping[str, str],
) -> Architecture:
    read = {k: spec.read_knob(k, text) for k, text in shown.items()}
    return Architecture(spec, {**values, **read}, choices, input, kept=kept)


def read(name: str | Path, registry: Registry = REGISTRY, work: Work | None = None) -> Spec:
    """The spec of a path, of a built-in name, or (``-``) of standard input.

    ``work`` bounds all that is done with it: for a command, which answers soon or not at all.
    Raises ``ArchError``.
    """
    source, load = driver.read(str(name))
    return Spec(source, load, registry, work)


def parse(text: str, name: str = "<text>", registry: Registry = REGISTRY) -> Spec:
    """The spec of a text; its `use` reaches the built-in library alone. Raises ``ArchError``."""
    return Spec(Source(name, text), Library(None), registry)
