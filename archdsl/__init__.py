"""archdsl: a small language for neural network architectures.

``load("resnet", depth=101)`` gives an ``Architecture`` with its figures; ``parse(text)`` and
``read(path)`` give a ``Spec``, whose ``with_knobs(...)`` makes many. Every failure is an
``ArchError`` that carries its diagnostics. ``transfer`` loads other implementations'
weights into a compiled module; ``freeze`` writes an architecture as a spec; ``diff`` says in what
two differ; ``import_module`` makes a spec of a PyTorch module, ``import_family`` one of several,
``import_file`` of a file; ``latency`` is a cost to be held; ``study`` reads what a search has
found.

In a notebook ``%load_ext archdsl`` adds the cell magic ``%%arch``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.__about__ import VERSION
from archdsl.backend.transfer import transfer
from archdsl.diagnostics.model import ArchError, Diagnostic
from archdsl.freeze import freeze
from archdsl.named import load
from archdsl.spec import Architecture, Spec, parse, read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import nn

    from archdsl.importing.convert import Imported, ImportedFamily
    from archdsl.pictures.pair import Pair
    from archdsl.report.judged import TableVerdict
    from archdsl.report.view import StudyView
    from archdsl.search.session import Search

__all__ = [
    "ArchError",
    "Architecture",
    "Diagnostic",
    "Search",
    "Spec",
    "diff",
    "freeze",
    "import_family",
    "import_file",
    "import_module",
    "judge",
    "latency",
    "load",
    "parse",
    "read",
    "study",
    "transfer",
]
__version__ = VERSION


def diff(a: Architecture, b: Architecture, depth: int = 2) -> Pair:
    """In what two architectures differ: ``differing`` are the parts that do.

    Shown in a notebook, it is the two side by side, so many levels open where they differ, and
    what differs marked.

        archdsl.diff(archdsl.load("resnet50"), archdsl.load("resnet101"))
    """
    from archdsl.pictures.pair import Pair

    return Pair(a, b, (a.title, b.title), depth)


def import_family(
    modules: Mapping[str, nn.Module],
    examples: Any,
    *,
    name: str = "family",
    run: bool = True,
) -> ImportedFamily:
    """Several PyTorch modules, by their names, as one spec with a variant for each; what differs
    between them are knobs. ``examples`` is the shape of an image, or that of each by its name. Each
    variant is checked as by ``import_module``. Raises ``ArchError`` where they differ in more than
    numbers.

        nets = {"small": Net(depth=2), "large": Net(depth=4)}
        family = archdsl.import_family(nets, (3, 224, 224), name="net")
        family.variants["large"].weights
    """
    from archdsl.importing.convert import import_family

    return import_family(modules, examples, name=name, run=run)


def import_file(
    path: str | Path,
    shape: Any = None,
    *,
    name: str | None = None,
    knobs: bool = False,
    run: bool = True,
    partial: bool = False,
) -> Imported:
    """The network of a ``.pt2`` or ``.onnx`` file as a spec that is the same network: as
    ``import_module``, and nothing in the file is run or unpickled. ``shape`` is that of an image,
    or of several tensors by their names, where it is not the file's. Raises ``ArchError``.

        imported = archdsl.import_file("net.pt2")
    """
    from archdsl.importing.convert import import_file

    return import_file(path, shape, name=name, knobs=knobs, run=run, partial=partial)


def import_module(
    module: nn.Module,
    example: Any,
    *,
    name: str | None = None,
    knobs: bool = False,
    run: bool = True,
    partial: bool = False,
) -> Imported:
    """A PyTorch module as a spec that is the same network, with the module's weights in its names.

    ``example`` is a batch of images, or the shape of one image. The graph is proven equal; with
    ``run`` both networks run in double precision, and their results and gradients are compared, in
    evaluation and in training. ``knobs`` makes its width and its depths knobs. Raises ``ArchError``
    with all that has no counterpart in the language; with ``partial`` that becomes layers of one's
    own, the text of whose file is ``imported.layers``.

        imported = archdsl.import_module(torchvision.models.resnet50(), (3, 224, 224))
        print(imported.text)
        network = imported.architecture.build()
        network.load_state_dict(imported.weights)
    """
    from archdsl.importing.convert import import_module

    return import_module(module, example, name=name, knobs=knobs, run=run, partial=partial)


def latency(device: str = "cpu", on: str = "eager") -> Callable[[Architecture], float]:
    """The seconds of an inference of one image on this machine, as a cost to be held: measured,
    once for equal networks. ``on`` says what runs it: ``eager``, ``compile`` or ``onnxruntime``.
    Raises ``ArchError``, and ``ValueError`` for another ``on``.

        network = spec.fit(cost=archdsl.latency("cuda"), budget=3e-3, by="width", within=0.1)
    """
    from archdsl.training.packages import need

    need("torch")
    from archdsl.training.devices import choose_device
    from archdsl.training.latency import ON, latency_on

    if on not in ON:
        raise ValueError(f"on={on!r}: it is one of {', '.join(ON)}")
    return latency_on(choose_device(device), on)


def study(path: str | Path, storage: str | None = None) -> StudyView:
    """A study by its folder, with or without ``.study``, or by its name in a ``storage``.

    Shown in a notebook, it is its answer and the main chart of its report. ``words`` says the
    answer as text and ``verdict`` in numbers; ``rows`` are its trials, ``best`` the best of
    them, and ``architecture(row)`` is a trial's network; ``save(path)`` writes the whole report.
    Nothing of the study is touched, even while it is searched. Raises ``ArchError``.

        study = archdsl.study("wide_or_deep")
        print(study.words)
        network = study.architecture(study.best)
    """
    from archdsl.training.packages import need_for_reading

    need_for_reading()
    from archdsl.report.view import read_study

    return read_study(path, storage)


def judge(
    table: Any,
    measure: str = "accuracy",
    maximize: bool | None = None,
    target: float | None = None,
) -> TableVerdict:
    """The verdict on results that were made elsewhere: whether one shape beats another.

    ``table`` is a CSV, ``.npz`` or Parquet file, a data frame, columns by their names, or rows. Its
    columns are ``shape`` and ``score``, and, where they are known, ``budget`` (``"5M macs"``, or a
    number), ``seed``, ``setting``, ``depth`` (weighted layers), ``width`` (their mean channels) and
    ``test``; ``fresh`` says which rows were trained after two shapes were chosen, where there are
    more. In the place of a score there may be what holds of each example, 1 where it is right and
    else 0, or its error, in one order for all rows: the interval then covers other examples too.
    Beside an accuracy ``loss`` may be the log-losses of the examples, ``test_loss`` those of the
    test data: they decide what the accuracy leaves open. ``measure`` is
    what the score is, and ``maximize`` whether more of it is better: if it is not said, that is so
    unless the name ends in that of an error, such as ``mse``, ``val_loss`` or ``perplexity``.
    ``target`` is the smallest difference of interest. ``words`` says it, and ``save(path)`` writes
    it as a page with a chart and all results. Raises ``ValueError`` for what is no such table.

        print(archdsl.judge("results.csv").words)
        archdsl.judge("results.csv").save("report.html")
    """
    from archdsl.training.packages import need_for_reading

    need_for_reading()
    from archdsl.report.judged import TableVerdict
    from archdsl.verdict.table import judge_table

    return TableVerdict.of(table, *judge_table(table, measure, maximize, target))


def __getattr__(name: str) -> Any:
    """``archdsl.Search`` needs PyTorch and Optuna, and is loaded where it is asked for."""
    if name == "Search":
        from archdsl.training.packages import need_for_search

        need_for_search()
        from archdsl.search.session import Search

        return Search
    raise AttributeError(f"module 'archdsl' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext archdsl``: see ``archdsl.notebook``."""
    from archdsl.notebook import register

    register(shell)
