"""What a cost is."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from archdsl.costs.sums import Sums
from archdsl.registered import Registered
from archdsl.units import human, human_bytes, short, time_text

if TYPE_CHECKING:
    from archdsl.ir.network import Network
    from archdsl.layers.base import Layer, Shape
    from archdsl.spec import Architecture

COUNT, BYTES, SECONDS = "", "bytes", "seconds"  # units


class Cost(Registered):
    """The base of costs: what a network is measured by, for one image.

    Class attributes: ``name`` in a spec, a search and an option; ``title`` in a sentence, after
    a number; ``heading`` above a column; ``about`` in a line, ``axis`` in a
    shorter one, if that is needed; ``unit``, one of ``COUNT``, ``BYTES``
    and ``SECONDS``. A cost that follows from the spec adds up what its layers have
    (``of_layer``), or says what a network has (``of``). ``in_sides``: whether side outputs
    count, which run in training alone. ``once``: whether a module that is applied several times
    counts once, as its weights do. ``of_free_layers``: whether layers may have any that have
    neither weights nor MACs. One that is ``measured`` instead says how (``measure``).
    """

    group = "costs"
    noun = "cost"
    title: ClassVar[str]
    heading: ClassVar[str]
    about: ClassVar[str]
    axis: ClassVar[str] = ""
    unit: ClassVar[str] = COUNT
    in_sides: ClassVar[bool] = False
    once: ClassVar[bool] = False
    of_free_layers: ClassVar[bool] = True
    measured: ClassVar[bool] = False

    @classmethod
    def check(cls) -> None:
        super().check()
        for attribute in ("title", "heading", "about"):
            if not isinstance(getattr(cls, attribute, None), str):
                raise TypeError(f"{cls.__name__} has no `{attribute}`")
        says = (cls.measure is not Cost.measure) if cls.measured else (
            cls.of_layer is not Cost.of_layer or cls.of is not Cost.of
        )  # fmt: skip
        if not says:
            method = "measure" if cls.measured else "of_layer"
            raise TypeError(f"{cls.__name__} has no method `{method}`")

    def of_layer(self, layer: Layer, inputs: tuple[Shape, ...], output: Shape) -> int:
        """What one layer has, on inputs of these shapes."""
        return 0

    @cached_property
    def sums(self) -> Sums:
        """This cost, to be added up over a network or a part of it."""
        return Sums((self,))

    def of(self, network: Network) -> float:
        """What a whole network has: the sum over its layers."""
        total: float = self.sums.of_part(network.root)[0]
        return total

    def measure(self, arch: Architecture, batch: int, device: str) -> float:
        """What is measured of a network that is built on a device."""
        raise NotImplementedError(f"{type(self).__name__}.measure")

    def show(self, value: float) -> str:
        """A value in a table or a sentence: ``25.56M``, ``97.7 MiB``, ``3.2 ms``."""
        if self.unit == BYTES:
            return human_bytes(value)
        return time_text(value) if self.unit == SECONDS else human(value)

    def show_short(self, value: float) -> str:
        """A value as it would be written, such as a budget: ``5M``, ``20ms``."""
        if self.unit == SECONDS:
            return f"{float(value) * 1000:.4g}ms"
        return human_bytes(value) if self.unit == BYTES else short(value)
