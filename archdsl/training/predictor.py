"""A trained network as it is used: from weights that carry their spec, or an export."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from archdsl.backend.export import ERRORS
from archdsl.backend.out_of_memory import is_shortage, no_more_than_there_is, shortage
from archdsl.backend.transfer import load_weights
from archdsl.diagnostics import codes
from archdsl.diagnostics.model import ArchError, diagnose
from archdsl.diagnostics.source import Source
from archdsl.files import Bundle, opened
from archdsl.importing.exported import read_pt2
from archdsl.importing.extent import DamagedFile, check_run
from archdsl.importing.file_module import ProgramModule
from archdsl.importing.onnx_bounds import check_onnx
from archdsl.modelcard import KEY, TOKENS, WHITE, ModelCard, bad, card_from, card_in
from archdsl.registry import REGISTRY, Registry
from archdsl.spec import Architecture, Spec
from archdsl.training.packages import missing
from archdsl.training.tasks import TASKS

WEIGHTS = (".pt", ".pth", ".safetensors")
KNOWN = (*WEIGHTS, ".pt2", ".onnx", ".arch")
TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64"}

Run = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Predictor:
    """A network and its card. ``run`` gives its results ``(N, classes)`` for normalised images."""

    card: ModelCard
    run: Run
    name: str = "the network"

    def logits(self, images: Tensor) -> Tensor:
        """The results ``(N, classes)`` of examples ``(N, *card.image)``, whose values are those of
        the card, as float32 on the CPU. Raises ``ArchError`` for a network that is not what its
        card says."""
        given = images
        if self.card.values != TOKENS:
            ones = (-1, *[1] * (len(self.card.image) - 1))
            mean, std = (torch.tensor(v).view(ones) for v in (self.card.mean, self.card.std))
            given = (images.float() / WHITE[self.card.values] - mean) / std
        try:
            with torch.inference_mode():
                found: Any = self.run(given)
        except ArchError:
            raise
        except Exception as problem:  # onnxruntime has no one error
            if is_shortage(problem):
                what = f"{len(images)} examples in {self.name}"
                raise shortage("the machine", what) from None
            raise _unreadable(self.name, f"its run fails: {_first_line(problem)}") from None
        wanted = (len(images), len(self.card.classes))
        if not isinstance(found, Tensor) or tuple(found.shape[:2]) != wanted:
            raise bad(self.name, ValueError("it is of another network"))
        return found.float().cpu()


def read_model(
    path: Path, registry: Registry = REGISTRY, device: torch.device | str = "cpu"
) -> Predictor:
    """The network of a file: weights, an export, or a frozen spec that its weights lie beside; or
    of a folder that has one of these specs.

    All are read as data: nothing of them is run. Raises ``ArchError``.
    """
    device = torch.device(device)
    if path.is_dir():
        path = _inside(path)
    ending = path.suffix.lower()
    if ending not in KNOWN:
        raise _no_card(path, f"its ending is not one of {', '.join(KNOWN)}")
    try:
        opened(path).close()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        raise _unreadable(str(path), reason) from None
    if ending == ".arch":
        path = _beside(path)
        ending = path.suffix
    if ending == ".onnx":
        return _of_onnx(path, device)
    card = card_in(path)
    if card is None:
        raise _no_card(path, "it carries no model card", *_HELP)
    _check_task(path, card)
    run = (
        _of_program(path, device) if ending == ".pt2" else _of_weights(path, card, registry, device)
    )
    return Predictor(card, run, str(path))


_HELP = [
    "train it with archdsl, and export it with `archdsl compile ... --weights`",
    "your own training says with `candidate.describe(...)` what a card has to",
]


def _no_card(path: Path, reason: str, *help: str) -> ArchError:
    fields = {"name": str(path), "reason": reason}
    return ArchError([diagnose(codes.NO_CARD, fields=fields, help=help)])


def _unreadable(name: str, reason: str) -> ArchError:
    return ArchError([diagnose(codes.UNREADABLE, name=name, reason=reason)])


def _first_line(problem: Exception) -> str:
    return str(problem).strip().split("\n", 1)[0] or type(problem).__name__


def _inside(folder: Path) -> Path:
    """The spec in a folder, as a training leaves it. Raises ``ArchError`` unless there is one."""
    specs = sorted(folder.glob("*.arch"))
    if len(specs) != 1:
        has = ", ".join(spec.name for spec in specs) or "no .arch"
        raise _no_card(folder, f"it is a folder with {has}", "name the weights instead")
    return specs[0]


def _beside(spec: Path) -> Path:
    """The weights of a frozen spec."""
    for ending in WEIGHTS:
        if spec.with_suffix(ending).is_file():
            return spec.with_suffix(ending)
    names = " or ".join(str(spec.with_suffix(ending)) for ending in (".pt", ".safetensors"))
    raise _no_card(spec, f"its weights are not beside it, as {names}", "name the weights instead")


def _check_task(path: Path, card: ModelCard) -> None:
    """Raises ``ArchError`` (A822) for a task that is none."""
    if card.task not in TASKS:
        raise bad(str(path), ValueError(f"its task is `{card.task:.80}`"))


def network_of(path: Path, card: ModelCard, registry: Registry = REGISTRY) -> Architecture:
    """The network that a card has the spec of. Raises ``ArchError``."""
    if not card.texts:
        raise _no_card(path, "its model card has no spec")
    (name, text), *_ = card.texts.items()
    spec = Spec(Source(name, text), Bundle(card.texts), registry)
    return spec.candidate({}, card.image)


def _of_weights(path: Path, card: ModelCard, registry: Registry, device: torch.device) -> Run:
    arch = network_of(path, card, registry)
    if not card.is_of(arch.input, arch.output):
        raise bad(str(path), ValueError("it is of another network than its spec"))
    module = arch.build()
    load_weights(path, module)
    module.to(device).eval()
    return lambda images: module(images.to(device))


def _of_program(path: Path, device: torch.device) -> Run:
    """What runs a program of ``torch.export``: not PyTorch's loader, which would run code."""
    try:
        described = read_pt2(path, exact=True)
        unknown = [step.op for step in described.steps if step.function is None]
        module = ProgramModule(described).eval()
        whole = not unknown and check_run(module)
    except (DamagedFile, KeyError, TypeError, ValueError, RuntimeError) as problem:
        reason = str(problem) if isinstance(problem, DamagedFile) else "its graph is damaged"
        raise _unreadable(str(path), reason) from None
    if not whole or len(described.inputs) != 1:
        reason = (
            f"nothing here runs its operation `{unknown[0]}`"
            if unknown
            else "it takes several inputs"
        )
        help = ["use the weights that it was made of, a .pt or a .safetensors"]
        fields = {"name": str(path), "reason": reason}
        raise ArchError([diagnose(codes.UNREADABLE, fields=fields, help=help)])
    if described.device != device.type:
        reason = f"the program was exported for {described.device}"
        fields = {"name": str(device), "reason": reason}
        raise ArchError([diagnose(codes.NO_DEVICE, fields=fields)])
    module.to(device)
    return lambda images: module(images.to(device, described.dtype))


def _of_onnx(path: Path, device: torch.device) -> Predictor:
    try:
        import onnxruntime
    except ImportError:
        raise missing("onnxruntime", "onnx") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS
    providers = onnxruntime.get_available_providers()
    # GPUs map their memory into addresses that have none of the machine's.
    bounded = nullcontext if {"CUDAExecutionProvider"} & {*providers} else no_more_than_there_is
    try:
        check_onnx(path)
        with bounded():
            session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    except ArchError:
        raise
    except Exception as problem:  # onnxruntime has no one error
        raise _unreadable(str(path), _first_line(problem)) from None
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise _no_card(path, "it carries no model card", *_HELP)
    try:
        card = card_from(json.loads(text))
    except (ValueError, RecursionError) as problem:
        raise bad(str(path), problem) from None
    _check_task(path, card)
    entry = session.get_inputs()[0]
    dtype: Any = getattr(torch, TYPES.get(entry.type, "float32"))

    def run(images: Tensor) -> Tensor:
        with bounded():
            found = session.run(None, {entry.name: images.to(dtype).numpy()})
        return torch.from_numpy(found[0])

    return Predictor(replace(card, texts={}), run, str(path))
