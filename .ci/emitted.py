"""What is emitted, in another PyTorch: the source of every spec, variant and layer.

python .ci/emitted.py write FOLDER    with archdsl: the sources, and what each gives
python .ci/emitted.py run FOLDER      with torch and numpy alone: each runs, and gives the same

Networks of much work or many weights run without numbers, on PyTorch's device ``meta``; those of
token ids are only built there, as it takes no ``repeat_interleave`` in PyTorch 2.0.
"""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

MOST_MACS, MOST_PARAMS = 1e9, 5e7
SMALL = {  # networks that are large in every variant
    "gpt": {"width": 96, "depth": 2, "head": 16, "length": 32},
    "llama": {"width": 256, "depth": 2, "head": 32, "shared": 2, "inner": 512, "length": 32},
}


def networks() -> Iterator[tuple[str, "archdsl.Architecture"]]:  # noqa: F821
    """All specs and variants; and each layer's examples, in networks of their own."""
    import archdsl
    from archdsl.files import builtin_names
    from archdsl.layers.base import show_shape
    from archdsl.layers.ids import Ids
    from archdsl.layers.join import Join
    from archdsl.registry import REGISTRY

    def sized(shape: tuple[int, ...]) -> str:
        size = show_shape(shape) if len(shape) > 1 else f"({shape[0]},)"
        return f"x(ids = {shape.vocabulary}): {size}" if isinstance(shape, Ids) else size

    def arm(shape: tuple[int, ...]) -> str:
        if len(shape) == 1:
            return f"linear({shape[0]})"
        return f"adaptive_avgpool({show_shape(shape[1:])}) -> conv({shape[0]}, 1)"

    for name in builtin_names():
        spec = archdsl.read(name)
        yield name, spec.with_knobs()
        yield from ((f"{name}-{variant}", spec.variant(variant)) for variant in spec.variants)
    for name, knobs in SMALL.items():
        yield f"{name}-small", archdsl.load(name, **knobs)
    for name, layer in REGISTRY.layers.items():
        for i, example in enumerate(layer.examples):
            call = example.call
            if issubclass(layer, Join):
                if "(" in call:
                    continue  # patterns alone write its arguments
                call = f"branch {call} {{ {'; '.join(map(arm, example.inputs))} }}"
            text = f"arch one\ninput {sized(example.inputs[0])}\n{call} -> relu\n"
            yield f"layer-{name}-{i}", archdsl.parse(text).with_knobs()


def write(folder: Path) -> None:
    from archdsl.backend.build import source_of, top_class

    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    for name, arch in networks():
        text = source_of(arch)
        (folder / f"{name}.py").write_text(text, "utf-8")
        small = arch.macs <= MOST_MACS and arch.params <= MOST_PARAMS
        inputs = [[list(s), getattr(s, "vocabulary", 0)] for s in arch.inputs.values()]
        index[name] = [top_class(text), inputs, "cpu" if small else "meta"]
        if small:
            np.savez(folder / f"{name}.npz", *given(folder, name, *index[name]))
    (folder / "index.json").write_text(json.dumps(index), "utf-8")
    print(f"{len(index)} sources written by PyTorch {torch.__version__}")


def run(folder: Path) -> int:
    sys.modules["archdsl"] = None  # type: ignore[assignment]
    index, wrong = json.loads((folder / "index.json").read_text("utf-8")), 0
    for name, row in index.items():
        try:
            found = given(folder, name, *row)
            if row[2] == "cpu":
                with np.load(folder / f"{name}.npz") as kept:
                    assert len(kept.files) == len(found)
                    for wanted, array in zip(kept.values(), found):  # noqa: B905
                        np.testing.assert_allclose(array, wanted, rtol=1e-3, atol=1e-4)
        except Exception as problem:
            wrong += 1
            print(f"{name}: {type(problem).__name__}: {problem}")
    print(f"{len(index) - wrong} passed, {wrong} failed")
    print(f"PyTorch {torch.__version__}, numpy {np.__version__}")
    return 1 if wrong else 0


def given(folder: Path, name: str, cls: str, inputs: list, device: str) -> list[np.ndarray]:
    """What a source gives in evaluation, with weights that are always the same; it trains too."""
    found = importlib.util.spec_from_file_location("emitted", folder / f"{name}.py")
    assert found is not None and found.loader is not None
    file = importlib.util.module_from_spec(found)
    found.loader.exec_module(file)
    with torch.device(device):
        module = getattr(file, cls)()
    if device == "cpu":
        fill(module)
    elif any(vocabulary for _, vocabulary in inputs):
        return []
    draw = np.random.default_rng(1)
    batch = [torch.from_numpy(drawn(draw, (2, *s), v)).to(device) for s, v in inputs]
    with torch.no_grad():
        result = tensors(module.eval()(*batch))
        module.train()(*batch)
    return [t.numpy().reshape(-1)[:9999] for t in result] if device == "cpu" else []


def drawn(draw: np.random.Generator, size: tuple[int, ...], vocabulary: int) -> np.ndarray:
    return draw.integers(0, vocabulary, size) if vocabulary else draw.standard_normal(size, "f")


def fill(module: nn.Module) -> None:
    draw = np.random.default_rng(0)
    for key, tensor in sorted(module.state_dict().items()):
        if tensor.is_floating_point():
            numbers = torch.from_numpy(draw.standard_normal(tuple(tensor.shape), "f"))
            if tensor.dim() > 1:
                numbers /= tensor[0].numel() ** 0.5
            elif key.endswith(("weight", "var")):
                numbers = 1 + numbers.abs() / 10
            tensor.copy_(numbers)


def tensors(result: Tensor | dict | tuple) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    return [result[k] for k in sorted(result)] if isinstance(result, dict) else list(result)


if __name__ == "__main__":
    torch.set_num_threads(1)
    task, folder = sys.argv[1], Path(sys.argv[2])
    sys.exit(write(folder) if task == "write" else run(folder))
