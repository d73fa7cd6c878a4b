"""A compiled spec: what makes a network of each candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from archdsl.costs.base import Cost
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import (
    ArchError,
    Diagnostic,
    Fault,
    diagnose,
    in_order,
)
from archdsl.elaborate.arithmetic import truth
from archdsl.elaborate.builder import PartBuilder
from archdsl.elaborate.callgraph import close_over
from archdsl.elaborate.code import BlockCode, BodyCode, FnCode
from archdsl.elaborate.compiler import Compiler, Loader
from archdsl.elaborate.file_code import CostRequirement, FileCode
from archdsl.elaborate.inputs import check_used
from archdsl.elaborate.knobs import Interval, Knob, option_number, values_near
from archdsl.elaborate.machine import (
    MAX_DEPTH,
    UNSET,
    Decide,
    Frame,
    Machine,
    Skip,
    StopElaboration,
)
from archdsl.elaborate.published import Variant, read_fixed, read_variants
from archdsl.elaborate.scope import Scope, Unit, Variable
from archdsl.elaborate.side_outputs import results_of
from archdsl.elaborate.statements import unmet
from archdsl.elaborate.values import Tensors, one, show
from archdsl.elaborate.work import ENDLESS, Weigher, Work
from archdsl.ir.network import Network, Op, Part
from archdsl.layers.base import Layer, Shape
from archdsl.registry import REGISTRY, Registry
from archdsl.syntax import tree


@dataclass(eq=False, slots=True)
class Elaborated:
    """What elaboration of one candidate leaves: the network, and the budgets still to judge."""

    network: Network
    frame: Frame
    budgets: list[CostRequirement]
    work: int  # steps that it took
    options: int  # of the choices that it met, with those of options that were tried

    def judge(self, costs: Mapping[str, Cost]) -> None:
        """Raises ``ArchError`` where a budget is not met."""
        names = [n for n in costs if any(n in budget.slots for budget in self.budgets)]
        figures = {name: costs[name].of(self.network) for name in names}
        found: list[Diagnostic] = []
        for budget in self.budgets:
            for name, slot in budget.slots.items():
                self.frame.v[slot] = figures[name]
            try:
                met = truth(budget.condition(self.frame), budget.span)
            except Fault as error:
                found.append(error.diagnostic)
                continue
            if not met:
                known = [f"{n} is {figures[n]:,}" for n in names if n in budget.slots]
                knobs = {k: show(v) for k, v in self.network.knobs.items()}
                found.append(unmet(budget.span, budget.message, known).within((), knobs))
        if found:
            raise ArchError(found)


class Program:
    """A compiled spec. It is compiled once, and elaborated for each candidate."""

    def __init__(
        self, file: tree.File, load: Loader, registry: Registry = REGISTRY, work: Work | None = None
    ) -> None:
        """``work``: what may be done with the text in all. Raises ``ArchError`` with every mistake
        that can be seen without a candidate."""
        self.compiler = compiler = Compiler(load, registry, work or Work())
        self.work = compiler.work
        self.spent = 0  # on candidates so far
        self.found = compiler.found
        self.memo: dict[Any, Part] = {}
        self.ops: dict[Layer | type[Layer], Op] = {}  # a class: without arguments
        try:
            self.main = compiler.compile_file(file)
        except RecursionError:
            name = compiler.arch.name if compiler.arch else tree.Word(file.span, "the file")
            raise ArchError(
                [diagnose(codes.TOO_DEEP, name.span, limit=MAX_DEPTH, name=name.text)]
            ) from None
        compiler.check_whole()
        self.stop_if_found()
        assert compiler.arch is not None
        self.arch: tree.Arch = compiler.arch
        self.doc = self.main.syntax.doc(self.arch)  # the comment above it
        self.files = compiler.files
        close_over(
            e
            for f in self.files
            for e in f.scope.names.values()
            if isinstance(e, (BlockCode, FnCode))
        )
        self.knobs = self.read_knobs()
        self.variants: tuple[Variant, ...] = read_variants(file, self)
        self.fixed = read_fixed(file, self)
        self.stop_if_found()
        self.work = compiler.work = work or ENDLESS

    def fixed_option(self, path: str, options: Sequence[str]) -> int | None:
        """The number of the option that the file fixes at a path, if it does."""
        return option_number(self.fixed[path][0], options) if path in self.fixed else None

    def given_input(self, knobs: Mapping[str, Any]) -> Shape | None:
        """The input shape that the spec itself says for these knobs: what comes after it is not
        run. Nothing where it says none, for a mistake."""
        machine = self.machine(lambda path, options, span: 0, True)
        try:
            frame = self.begin(machine, knobs)
            for statement in self.main.statements:
                machine.attempt(statement.run, frame)
                if frame.x is not None:
                    return frame.x.shape
        except (Fault, StopElaboration):
            pass
        finally:
            self.take(machine.done)
        return None

    def begin(self, machine: Machine, values: Mapping[str, Any]) -> Frame:
        """What comes before the statements: the values of libraries, and the knobs."""
        frame = Frame(machine, PartBuilder(None, "", ()), machine.files[0], machine.files[0], None)
        for library in self.files[1:]:
            self.run_library(library, machine)
        for code in self.main.knobs:
            name = code.variable.name
            value = values[name] if name in values else code.default(frame)
            machine.knobs[name] = frame.v[code.variable.slot] = value
        return frame

    def take(self, amount: int) -> None:
        """Counts work that was done."""
        self.spent += amount
        self.work.take(amount)

    def stop_if_found(self) -> None:
        if self.found:
            raise ArchError(in_order(self.found))

    def constant(self, node: tree.Node) -> Any:
        """The value of an expression that depends on no candidate; mistakes are noted."""
        return self.compiler.constant(node, self.main.scope)

    def evaluate(self, node: tree.Node) -> Any:
        """The value of an expression among the names of the file. It is compiled apart: nothing
        of the program changes. Raises ``ArchError``."""
        scope = self.main.scope
        given = dict(scope.context.given)
        context = replace(scope.context, found=[], warned=[], given=given, weigher=Weigher())
        apart = Scope(context, Unit("block", 0), names=scope.names, defaults=scope.defaults)
        value = self.compiler.constant(node, apart)
        if context.found:
            raise ArchError(context.found)
        return value

    def read_knobs(self) -> dict[str, Knob]:
        """The knobs with the values of their defaults, each checked against its domain."""
        machine = self.machine(lambda path, names, span: 0, False)
        frame = Frame(
            machine, PartBuilder(None, "", (1,)), machine.files[0], machine.files[0], None
        )
        found: dict[str, Knob] = {}
        for code in self.main.knobs:
            try:
                value = code.default(frame)
            except (Fault, Skip, StopElaboration) as error:
                frame.v[code.variable.slot] = None  # unknown: what uses it says nothing more
                self.found += [error.diagnostic] if isinstance(error, Fault) else machine.found
                continue
            frame.v[code.variable.slot] = value
            name = code.variable.name
            if code.domain is not None and value not in code.domain:
                counts = isinstance(code.domain, Interval) and code.domain.step == 1
                fraction = counts and isinstance(value, Fraction)
                help = ["a range between whole numbers holds whole numbers only: give it a `step`"]
                self.found.append(
                    diagnose(
                        codes.DEFAULT_OUTSIDE,
                        code.node.default.span,
                        help=help if fraction else values_near(code.domain, value),
                        name=name,
                        given=show(value),
                        domain=str(code.domain),
                    )
                )
            found[name] = Knob(name, value, code.domain, code.node.span, code.doc)
        self.take(self.main.weight + machine.done)
        return found

    @property
    def has_choices(self) -> bool:
        """Whether any body chooses: then there are knobs beside those of the header."""
        blocks = (e for f in self.files for e in f.scope.names.values())
        return self.main.scope.unit.chooses or any(
            isinstance(b, BlockCode) and b.chooses for b in blocks
        )

    # ------------------------------------------------------------------- elaborating

    def machine(self, decide: Decide, first_only: bool) -> Machine:
        if len(self.memo) > 20_000:
            self.memo.clear()
        machine = Machine(decide, self.memo, self.ops, first_only, self.work.of_one())
        machine.files = [[UNSET] * f.scope.unit.slots for f in self.files]
        machine.top = [
            e.slot
            for e in self.main.scope.names.values()
            if isinstance(e, Variable) and e.kind != "tensor"
        ]
        return machine

    def elaborate(
        self,
        values: Mapping[str, Any],
        decide: Decide,
        input: Shape | None = None,
        first_only: bool = False,
    ) -> Elaborated:
        """The network of one candidate.

        ``values`` are the knobs that are not at their defaults; ``decide`` answers a
        ``choose`` by its path, its options and its place. Raises ``ArchError`` with every
        mistake that was found, or with the first alone.
        """
        machine = self.machine(decide, first_only)
        machine.given_input = input
        frame: Frame | None = None
        try:
            frame = self.begin(machine, values)
            machine.run(
                BodyCode(self.main.statements, self.main.syntax.span, self.main.weight), frame
            )
            machine.spend(0, self.arch.name.span)  # layers are counted, and not looked at each time
        except StopElaboration:
            pass
        except Fault as error:
            machine.found.append(machine.placed(error.diagnostic))
        except RecursionError:
            arch = self.arch
            machine.found.append(
                diagnose(codes.TOO_DEEP, arch.name.span, limit=MAX_DEPTH, name=arch.name.text)
            )
        finally:
            self.take(machine.done)
        if not machine.found and frame is not None and not frame.b.steps:
            word = self.arch.name
            machine.found.append(diagnose(codes.NO_LAYERS, word.span, name=word.text))
        if machine.found or frame is None or frame.x is None:
            raise ArchError(machine.found)
        try:
            last = frame.x
            if isinstance(last, Tensors) and machine.results:  # what leads to none is found below
                last = [tensor for tensor, _ in machine.results.values()][-1]
            last = one(last, self.arch.name.span)
            result, results = results_of(frame.b, last, machine.results)
            others = [tensor for tensor, _ in machine.results.values()]
            check_used(frame.b, (result, *others), machine.inputs, self.compiler.input)
            name, first = self.arch.name.text, machine.shared_first
            root = frame.b.close("arch", name, result, others, first)
            root.results = results
        except Fault as error:
            raise ArchError([machine.placed(error.diagnostic)]) from None
        choices = tuple(machine.choices)
        network = Network(
            self.arch.name.text, root, machine.knobs, choices, self.doc, machine.inputs
        )
        return Elaborated(
            network, frame, self.compiler.budgets, machine.whole - machine.fuel, machine.options
        )

    def run_library(self, library: FileCode, machine: Machine) -> None:
        """The values that an imported file gives names to, its knobs at their defaults."""
        variables = machine.files[library.index]
        frame = Frame(machine, PartBuilder(None, "", (1,)), variables, variables, None)
        for code in library.knobs:
            variables[code.variable.slot] = code.default(frame)
        machine.run(BodyCode(library.lets, library.syntax.span, library.weight), frame)
