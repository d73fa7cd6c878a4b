"""What a layer is.

A layer is a record, a frozen dataclass. Its fields are its arguments in the language, in their
order; its methods are the rule for its shape, its weights, its cost, and its PyTorch
code. Nothing else knows its name: docs/adding-a-layer.md adds one from start to end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any, ClassVar, NamedTuple, get_args, get_type_hints

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import Kind, did_you_mean
from archdsl.layers.arguments import Reader
from archdsl.layers.ids import Ids
from archdsl.layers.init import Init
from archdsl.records import Record, complete
from archdsl.registered import Registered

Steps = tuple[int | Fraction, ...]
Meaning = tuple[str, dict[str, Any]]  # of a layer: an operation, and its arguments by name
Shape = tuple[int, ...]  # channels first, without the batch: 64x56x56 is (64, 56, 56)

KINDS = ("conv", "linear", "norm", "activation", "attention", "pool", "drop", "join", "shape")


def show_shape(shape: Shape) -> str:
    """``64x56x56``."""
    return "x".join(map(str, shape))


def show_shapes(shapes: Sequence[Shape]) -> str:
    """``64x56x56, 64x28x28 and 3x28x28``."""
    shown = [show_shape(s) for s in shapes]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


class Misfit(Exception):
    """A layer met a tensor that it cannot take. The place is added by the caller.

    ``in_other_order``: the layer's arguments may be meant as PyTorch has them.
    """

    in_other_order = False

    def __init__(self, kind: Kind, help: str = "", **values: object) -> None:
        super().__init__(kind.message.format_map(values))
        self.kind = kind
        self.help = help
        self.fields = values


class Weight(NamedTuple):
    """A tensor that a layer owns: trainable, or a buffer such as a running mean."""

    name: str
    shape: Shape
    trainable: bool = True
    init: Init | None = None

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Module:
    """PyTorch code that makes a module: ``nn.Conv2d(64, 128, 3, stride=2)``.

    ``usual`` are the values that keywords have where they are left out. ``helpers`` names
    classes and functions that the emitted file has to define for it, beside a ``target`` without
    a dot: see ``Layer.modules``. ``through`` is such a function, which takes the module that is
    made and gives it back: ``without_bias(nn.BatchNorm2d(64))``. ``general`` does the same, for
    where others of its kind need one.
    """

    target: str
    arguments: tuple[object, ...] = ()
    keywords: Mapping[str, object] = field(default_factory=dict)
    usual: Mapping[str, object] = field(default_factory=dict)
    helpers: tuple[str, ...] = ()
    through: str = ""
    general: "Module | None" = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Expression:
    """PyTorch code without state: a format text over ``{x}`` (or ``{0}``, ``{1}``, ...).

    ``values`` are numbers that the text names too: those that differ between the places
    where the code stands. ``module`` does the same, for where others of its kind need one.
    ``idle`` are values with which the code changes nothing, if there are any.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    module: Module | None = None
    helpers: tuple[str, ...] = ()
    idle: Mapping[str, object] = field(default_factory=dict)

    def filled(self) -> str:
        """The text with its values put in, and its operands still open."""
        text = self.text
        for name, value in self.values.items():
            text = text.replace(f"{{{name}}}", repr(value))
        return text


@dataclass(frozen=True, slots=True)
class Example:
    """A call as it is written, and the shapes it is applied to: documentation and test."""

    call: str
    inputs: tuple[Shape, ...]
    output: Shape


class Idle(NamedTuple):
    """An argument that does nothing where another one has a value."""

    name: str
    other: str
    value: Any


class Columns(NamedTuple):
    """Columns of a fractal that meet: their places from 0 on, of ``of``; the probability of local
    drop-path, and the share of mini-batches that train one column of the network alone."""

    places: tuple[int, ...]
    of: int
    drop_path: float
    global_path: float


class Layer(Record, Registered):
    """The base of all layers: records, whose fields are their arguments.

    Class attributes: ``name`` in the language; ``kind`` for counting and colouring, one of
    ``KINDS``; ``inplace``, whether the PyTorch module has an in-place form;
    ``overwritable``, whether a layer after it may work in place on its result (not where
    the backward pass needs that again); ``summed_in_place``, whether a sum may be taken in place
    on its result; ``is_identity``, whether it is nothing and leaves no step; ``takes_ids``, whether
    what comes in may be token ids, a shape that is ``Ids``; ``is_tied``, whether it has the weights
    of a shared layer, its one argument (``tied_to``), which its code calls ``{module}``;
    ``modules``, the file beside its own that has the source of its PyTorch module, which else is in
    the layer's own file; ``late``, arguments that came when networks had their hashes already, and
    which are no part of a ``meaning`` where they have their default; ``idle``, arguments that do
    nothing where another one has a certain value; ``leads``, the optional argument that is written
    without its name; ``synonyms``, other spellings that an error
    should recognise.
    """

    group = "layers"
    noun = "layer"
    kind: ClassVar[str] = "shape"
    inplace: ClassVar[bool] = False
    overwritable: ClassVar[bool] = True
    summed_in_place: ClassVar[bool] = False
    is_identity: ClassVar[bool] = False
    takes_ids: ClassVar[bool] = False
    is_tied: ClassVar[bool] = False
    modules: ClassVar[str] = ""
    late: ClassVar[tuple[str, ...]] = ()
    leads: ClassVar[str] = ""
    idle: ClassVar[tuple[Idle, ...]] = ()
    synonyms: ClassVar[tuple[str, ...]] = ()
    examples: ClassVar[tuple[Example, ...]] = ()

    @classmethod
    def check(cls) -> None:
        super().check()
        signature(cls)
        if cls.kind not in KINDS:
            near = did_you_mean(str(cls.kind), KINDS) or [f"there are {', '.join(KINDS)}"]
            raise ValueError(f"`{cls.kind}` is no kind of layer: {near[0]}")

    def shape(self, *inputs: Shape) -> Shape:
        """The shape of the output; raises ``Misfit`` where the inputs do not fit."""
        return inputs[0]

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        """The tensors it owns, in the order of its module's ``state_dict``."""
        return ()

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        """Multiply-adds for one image: of convolutions, linear layers and attention, no bias."""
        return 0

    def window(self, input: Shape) -> tuple[Steps, Steps]:
        """What an output pixel sees of the input, for each spatial axis: how many pixels,
        and how far on its neighbour looks (less than 1 where the layer enlarges)."""
        axes = len(input) - 1
        return (1,) * axes, (1,) * axes

    def window_of(self, place: int, inputs: Sequence[Shape]) -> tuple[Steps, Steps]:
        """What it adds to a path from one of several inputs: as a rule its window there. A layer
        that moves pixels along an axis adds all of it, as what were neighbours are far apart."""
        return self.window(inputs[place])

    def torch(self, *inputs: Shape) -> Module | Expression:
        """Its PyTorch code; a layer that has none can be analysed, not compiled."""
        raise NotImplementedError(f"{type(self).__name__}.torch: see has_code")

    @classmethod
    def has_code(cls) -> bool:
        """Whether there is PyTorch code of it."""
        return cls.torch is not Layer.torch

    @classmethod
    def tied_to(cls, layer: "Layer", input: Shape) -> "Layer | None":
        """The layer of this class that has the weights of another, into which a tensor of this
        shape comes; nothing where it cannot have them."""
        return None

    def meaning(self, *inputs: Shape) -> Meaning:
        """What it computes on inputs of these shapes, and how it starts: an operation, and its
        arguments with nothing left to a default.

        Layers that compute the same have one meaning, however they are written; those that do
        not have another. The hash of a network is made of it. A layer says more than its
        fields do where it works a default out of others, or of its input.
        """
        named = {p.name: getattr(self, p.name) for p in signature(type(self))}
        late = {p.name: p.default for p in signature(type(self)) if p.name in self.late}
        return self.name, {k: v for k, v in named.items() if k not in late or v != late[k]}

    def commutes(self) -> bool:
        """Whether its inputs may change places. Said of layers of several inputs."""
        return False

    @property
    def is_sum(self) -> bool:
        """Whether its result is the sum of its inputs and nothing else."""
        return False

    @property
    def is_associative(self) -> bool:
        """Whether one of it within another is one of all their inputs, in their order."""
        return self.is_sum

    @property
    def columns_met(self) -> Columns | None:
        """The columns of a fractal that meet in it, where it is the joint of one."""
        return None

    def does_nothing(self, *inputs: Shape) -> bool:
        """Whether it gives back its input for these shapes: it then is no code."""
        return False

    @classmethod
    def is_free(cls) -> bool:
        """Whether it has neither weights nor a cost that is counted, whatever its input."""
        plain = cls.weights is Layer.weights and cls.macs is Layer.macs
        return plain and cls.kind not in ("conv", "linear")

    def given(self) -> Iterator[tuple[str, Any]]:
        """The arguments that differ from their defaults, in order."""
        for parameter in signature(type(self)):
            value = getattr(self, parameter.name)
            if parameter.required or value != parameter.default:
                yield parameter.name, value


def differs(value: Any, usual: Any) -> bool:
    """Whether code has to say a value. One that stands for an expression, of which it is the value
    in one place, may be another in others: it is said where it is as usual too."""
    return value != usual or (isinstance(value, (int, float)) and type(value) is not type(usual))


def shape_of(layer: Layer, shapes: Sequence[Shape]) -> Shape:
    """What a layer makes of tensors of these shapes; raises ``Misfit`` where they do not fit."""
    if not layer.takes_ids:
        for shape in shapes:
            if isinstance(shape, Ids):
                raise Misfit(codes.TOKEN_IDS, layer=layer.name, count=shape.vocabulary)
    return layer.shape(*shapes)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    reader: Reader
    required: bool
    default: Any


def _reader(hint: Any) -> Reader | None:
    """The reader that a type carries: ``Annotated[int, reader]``, or that ``| None``."""
    for part in (hint, *get_args(hint)):
        for note in getattr(part, "__metadata__", ()):
            if isinstance(note, Reader):
                return note
    return None


def signature(cls: type[Any]) -> tuple[Parameter, ...]:
    """The arguments of a layer, or of another record, from its fields.

    Raises ``TypeError`` for a field whose type carries no reader.
    """
    key: Any = cls
    return _signature(key)


@cache
def _signature(cls: Any) -> tuple[Parameter, ...]:
    title: str = cls.__name__
    complete(cls)
    _made(cls)
    hints: dict[str, Any] = {}
    found = []
    for slot in fields(cls):
        hint: Any = slot.type
        if isinstance(hint, str):
            hints = hints or get_type_hints(cls, include_extras=True)
            hint = hints[slot.name]
        reader = _reader(hint)
        if reader is None:
            raise TypeError(
                f"{title}.{slot.name}: its type says not how to read it; "
                "use one of archdsl.layers.arguments, such as Count or Real, or for a text "
                "Text of archdsl.training.settings"
            )
        required = slot.default is MISSING
        found.append(Parameter(slot.name, reader, required, None if required else slot.default))
    return tuple(found)


def _made(cls: Any) -> None:
    """Makes a class without ``@dataclass`` one, as layers are: its fields are its arguments."""
    own = vars(cls)
    if "__dataclass_fields__" in own or (is_dataclass(cls) and "__annotations__" not in own):
        return
    parameters = [getattr(base, "__dataclass_params__", None) for base in cls.__mro__[1:]]
    dataclass(frozen=all(found.frozen for found in parameters if found is not None))(cls)


def required(cls: type[Any]) -> frozenset[str]:
    """The names of the arguments that have no default."""
    key: Any = cls
    return _required(key)


@cache
def _required(cls: Any) -> frozenset[str]:
    return frozenset(p.name for p in signature(cls) if p.required)


def image(shape: Shape, name: str) -> tuple[int, Shape]:
    """Channels and spatial sizes; raises ``Misfit`` for a tensor without spatial axes."""
    if len(shape) < 2:
        raise Misfit(codes.NEEDS_IMAGE, layer=name, shape=show_shape(shape))
    if len(shape) > 4:
        raise Misfit(codes.TOO_MANY_AXES, layer=name, shape=show_shape(shape))
    return shape[0], shape[1:]


def everything(input: Shape) -> tuple[Steps, Steps]:
    """The window of a layer each of whose outputs sees the whole input."""
    return tuple(2 * n - 1 for n in input[1:]), (1,) * (len(input) - 1)


def alike(values: Sequence[int]) -> int | tuple[int, ...]:
    """Numbers per axis in the one form that arguments have: a single one where all are equal."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def axes_of(value: int | tuple[int, ...], axes: int, name: str, argument: str) -> tuple[int, ...]:
    """A per-axis argument, one number an axis; raises ``Misfit`` where the counts differ."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise Misfit(
            codes.WRONG_AXES,
            layer=name,
            argument=argument,
            given=show_shape(value),
            count=len(value),
            axes=axes,
        )
    return value
