"""What the name of a model means: ``torchvision.models:NAME``, ``timm:NAME``, ``file.py:Net``."""

from __future__ import annotations

import importlib
import inspect
import runpy
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose, did_you_mean
from archdsl.files import named_like

if TYPE_CHECKING:
    from torch import nn

TRUSTED = ("torchvision", "timm")  # packages whose models are imported without further permission
FILES = (".pt2", ".onnx")  # which are read, and run nothing
INPUTS = {"inception_v3": (3, 299, 299)}  # of torchvision, where it is not the usual
USUAL = (3, 224, 224)


class ModelSource(NamedTuple):
    """A source: a package or a file, and what in it makes the model."""

    module: str
    attribute: str

    @property
    def is_file(self) -> bool:
        return self.module.endswith(".py")

    @property
    def is_saved(self) -> bool:
        """Whether it is a file that runs no code."""
        return not self.attribute and self.module.endswith(FILES)

    @property
    def needs_permission(self) -> bool:
        """Whether it runs code that is neither torchvision's nor timm's."""
        if self.is_saved:
            return False
        return self.is_file or self.module.split(".")[0] not in TRUSTED

    @property
    def title(self) -> str:
        """What the spec is called."""
        if self.is_saved:
            return Path(self.module).stem
        return self.attribute.rpartition(".")[2] or "network"


def read_name(text: str) -> ModelSource:
    """A source as it is written. Raises ``ArchError`` (A651)."""
    if text.endswith(FILES):
        return ModelSource(text, "")
    module, colon, attribute = text.rpartition(":")
    if text.endswith(WEIGHTS):
        raise no_model(text, "such a file holds weights or a pickled module, not a program", SAVE)
    if not module or not attribute:
        lacks = "nothing stands before or after its `:`" if colon else "it has no `:`"
        raise no_model(text, lacks, HELP)
    return ModelSource(module, attribute)


WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
SAVE = "import the Python code that makes the model, or save it by `torch.export.save` as .pt2"
HELP = "write torchvision.models:resnet50, timm:resnet50, my_model.py:Net, net.pt2 or net.onnx"


def no_model(name: str, reason: str, *help: str) -> ArchError:
    fields = {"name": name, "reason": reason}
    return ArchError([diagnose(codes.NO_MODEL, fields=fields, help=help)])


def load_model(name: ModelSource, call: str | None) -> nn.Module:
    """Makes the model. This runs its code. Raises ``ArchError`` (A651); what else the code raises
    comes through."""
    from torch import nn

    if name.is_saved:
        from archdsl.importing.saved import load_program

        return load_program(Path(name.module))
    text = f"{name.module}:{name.attribute}"
    if name.module == "timm" and call is None:
        model = _timm(name.attribute)
    else:
        names = _names(name, text)
        if call is not None:
            model = _called(call, names, text)
        else:
            model = _made(name, names, text)
    if not isinstance(model, nn.Module):
        raise no_model(text, f"it is of type `{type(model).__name__}`, not a module of PyTorch")
    return model


def _called(call: str, names: Mapping[str, Any], text: str) -> Any:
    """What an expression makes: the user's own words, who allowed to run Python."""
    try:
        return eval(call, dict(names))
    except SyntaxError as problem:
        raise no_model(text, f"`{call}` is not an expression of Python: {problem.msg}") from None
    except NameError as problem:
        if problem.name is None or problem.name not in call:
            raise
        known = [name for name in names if not name.startswith("_")]
        hints = did_you_mean(problem.name, known)
        raise no_model(
            text, f"`{call}` names `{problem.name}`, which it does not define", *hints
        ) from None
    except TypeError as problem:
        if problem.__traceback__ is None or _depth(problem) > 2:
            raise  # of the model's own code, which is shown with its line
        raise no_model(text, f"`{call}` does not fit: {problem}") from None


def _depth(problem: BaseException) -> int:
    """How many calls deep an exception was raised."""
    return len(traceback.extract_tb(problem.__traceback__))


def _timm(attribute: str) -> Any:
    try:
        import timm
    except ImportError:
        raise no_model(f"timm:{attribute}", "timm is not installed", "`pip install timm`") from None
    if attribute.split(".")[0] not in timm.list_models():
        hints = did_you_mean(attribute, timm.list_models())
        raise no_model(f"timm:{attribute}", "timm has no model of this name", *hints)
    return timm.create_model(attribute, pretrained=False)


def _names(name: ModelSource, text: str) -> Mapping[str, Any]:
    """The names that a file or a package defines."""
    if not name.is_file:
        try:
            return vars(importlib.import_module(name.module))
        except ModuleNotFoundError as problem:
            if problem.name is None or not name.module.startswith(problem.name):
                raise
            raise no_model(text, f"there is no package `{problem.name}`") from None
    path = Path(name.module)
    if not path.is_file():
        raise no_model(text, f"there is no file `{name.module}`", *named_like(path))
    sys.path.insert(0, str(path.parent.resolve()))
    return runpy.run_path(str(path), run_name=path.stem)


def _made(name: ModelSource, names: Mapping[str, Any], text: str) -> Any:
    first, *rest = name.attribute.split(".")
    if first not in names:
        known = [n for n, v in names.items() if callable(v) and not n.startswith("_")]
        raise no_model(text, f"it defines no `{first}`", *did_you_mean(first, known))
    found = names[first]
    for part in rest:
        found = getattr(found, part)
    if not callable(found) or (hasattr(found, "parameters") and not isinstance(found, type)):
        return found
    required = _required(found)
    if required:
        shown = f"{name.attribute}({', '.join(f'{n} = ...' for n in required)})"
        help = f'say with which arguments: --call "{shown}"'
        raise no_model(text, f"it needs {' and '.join(f'`{n}`' for n in required)}", help)
    if not name.module.startswith("torchvision"):
        return found()
    options = ("weights", "weights_backbone")  # for segmentation the trunk has weights of its own
    taken = inspect.signature(found).parameters
    return found(**{name: None for name in options if name in taken})


def _required(made: Any) -> list[str]:
    """The arguments without which it cannot be called."""
    try:
        parameters = inspect.signature(made).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [
        p.name for p in parameters if p.default is inspect.Parameter.empty and p.kind not in kinds
    ]


def input_of(name: ModelSource, model: nn.Module) -> tuple[int, ...]:
    """The shape of an image for a model, where the user says none."""
    config = getattr(model, "pretrained_cfg", None)
    if name.module == "timm" and isinstance(config, dict) and config.get("input_size"):
        return tuple(config["input_size"])
    return INPUTS.get(name.attribute, USUAL) if name.module.startswith("torchvision") else USUAL
