"""A network computed node by node from its graph, with the weights of the compiled module.

It knows nothing of classes, sequences, names of variables or order of statements: what the
emitted source adds to the layers' own code.
"""

from __future__ import annotations

import importlib
import pkgutil

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archdsl import Architecture
from archdsl.backend import helpers
from archdsl.backend.names import attribute
from archdsl.layers import modules
from archdsl.layers.base import Expression
from archdsl.layers.join import FractalJoin

NAMES: dict[str, object] = {"torch": torch, "nn": nn, "F": F}
for package in (helpers, modules):
    for found in pkgutil.iter_modules(package.__path__):
        NAMES |= vars(importlib.import_module(f"{package.__name__}.{found.name}"))


def key(path: str) -> str:
    """The place of a node's module in the compiled one."""
    return ".".join(map(attribute, path.split(".")))


class ByNode:
    """Evaluates a graph: ``run`` gives the results of all nodes.

    Nothing is done in place, and nothing is dropped. ``modules`` are those of the nodes by the
    paths of their weights, one for all nodes that share it.
    """

    def __init__(self, arch: Architecture, compiled: nn.Module, dtype: torch.dtype) -> None:
        self.flat = arch.flat
        self.modules: dict[str, nn.Module] = {}
        for node in self.flat.nodes[1:]:
            layer = node.layer
            code = layer.torch(*(self.flat.nodes[n].shape for n in node.inputs))
            if isinstance(code, Expression) or isinstance(layer, FractalJoin):
                continue
            given = [repr(a) for a in code.arguments]
            given += [f"{k}={v!r}" for k, v in code.keywords.items()]
            made = f"{code.target}({', '.join(given)})"
            module = eval(f"{code.through}({made})", NAMES).to(dtype)
            if module.state_dict():
                module.load_state_dict(compiled.get_submodule(key(node.module)).state_dict())
            self.modules.setdefault(node.module, module)

    def train(self, mode: bool) -> ByNode:
        for module in self.modules.values():
            still(module.train(mode))
        return self

    def run(self, x: Tensor) -> list[Tensor]:
        values = [x]
        for node in self.flat.nodes[1:]:
            given = [values[n] for n in node.inputs]
            shapes = [self.flat.nodes[n].shape for n in node.inputs]
            if node.module in self.modules and not node.layer.is_tied:
                if node.layer.kind == "linear":
                    given = [given[0].flatten(1)]
                values.append(self.modules[node.module](*given))
            elif isinstance(node.layer, FractalJoin):
                values.append(sum(given) / len(given))
            else:
                code = node.layer.torch(*shapes)
                names = {f"_{i}": y for i, y in enumerate(given)}
                text = code.filled().format(*names, x="_0")
                values.append(eval(text, NAMES | names))
            assert tuple(values[-1].shape[1:]) == node.shape, node.path
        return values

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        """The main output, the others of the results, and the side outputs by their names."""
        values = self.run(x)
        others = (*self.flat.results, *self.flat.side_outputs)
        sides = {s.name: values[s.node] for s in others}
        return {"main": values[self.flat.output], **sides}


def still(module: nn.Module) -> nn.Module:
    """The module, its training without chance: nothing is dropped, no column is drawn."""
    for layer in module.modules():
        if type(layer).__name__ == "StochasticDepth" and layer.training:
            layer.survive = 1.0
        elif type(layer).__name__ == "ColumnMean":
            layer.drop_path = 0.0
        elif isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.p = 0.0
        elif type(layer).__name__.endswith("Attention"):
            layer.dropout = 0.0
        elif isinstance(layer, nn.RReLU):
            layer.lower = layer.upper = (layer.lower + layer.upper) / 2
    if hasattr(module, "draw_path"):
        module.draw_path = lambda x: None
    return module
