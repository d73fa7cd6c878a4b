"""Ways to run a network, each measured in a process of its own.

``python -m archdsl.training.ways`` reads a job as JSON (``Job``) from its standard input, and
prints what it found as its last line. What runs an exported file loads no PyTorch: its memory is
that of a deployment.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

EAGER, LAST, COMPILED, FROZEN, ONNX, OPENVINO = (
    "eager",
    "channels_last",
    "torch.compile",
    "torch.compile, frozen",
    "onnxruntime",
    "openvino",
)
WAYS = (EAGER, LAST, COMPILED, FROZEN, ONNX, OPENVINO)  # the simplest first
EXPORTED = {ONNX: "onnxruntime", OPENVINO: "openvino"}  # the packages that run a file
WARM_UP = 3
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")

Run = Callable[[], list[Any]]  # gives arrays


@dataclass(frozen=True)
class Job:
    """``folder`` holds `module.pt`, `network.onnx` and the arrays that come in, `0.npy` and on."""

    way: str
    folder: str
    count: int  # of what comes in
    device: str
    threads: int
    runs: int


@dataclass(frozen=True)
class WayRun:
    """Seconds for a batch, bytes at the peak while it ran (None where the system does not say),
    and why there is nothing of both."""

    seconds: float = 0.0
    memory: int | None = None
    problem: str = ""


def measured(job: Job) -> WayRun:
    """Runs a network in a way; its results go to `WAY.npz` in the job's folder."""
    import numpy as np

    folder = Path(job.folder)
    given = [np.load(folder / f"{n}.npy") for n in range(job.count)]
    if job.way in EXPORTED:
        run, before = _exported(job, given)
        wait: Callable[[], None] = _nothing
        cuda = False
    else:
        import torch

        run, before = _in_torch(job, given)
        cuda = torch.device(job.device).type == "cuda"
        wait = torch.cuda.synchronize if cuda else _nothing
    for _ in range(WARM_UP):
        results = run()
    wait()
    _forget_peak()
    seconds = []
    for _ in range(job.runs):
        started = perf_counter()
        run()
        wait()
        seconds.append(perf_counter() - started)
    if cuda:
        peak: int | None = torch.cuda.max_memory_allocated()
    else:
        peak = None if before is None else _status("VmHWM") - before
    np.savez(folder / f"{job.way}.npz", *[_array(r) for r in results])
    return WayRun(median(seconds), peak)


def _in_torch(job: Job, given: Sequence[Any]) -> tuple[Run, int | None]:
    import torch

    torch.set_num_threads(job.threads)
    if job.way == FROZEN:
        import torch._inductor.config as inductor

        inductor.freezing = True
    before = _resident()
    module: Any = torch.load(Path(job.folder) / "module.pt", weights_only=False)  # we wrote it
    layout = torch.channels_last if job.way == LAST else torch.contiguous_format
    module = module.to(job.device, memory_format=layout).eval()
    tensors = [torch.from_numpy(a).to(job.device) for a in given]
    tensors = [t.contiguous(memory_format=layout) if t.ndim == 4 else t for t in tensors]
    call = torch.compile(module) if job.way in (COMPILED, FROZEN) else module

    def run() -> list[Any]:
        # Freezing takes no inference mode: what it folds are tensors of their own.
        with torch.no_grad():
            outputs = call(*tensors)
        return list(outputs.values()) if isinstance(outputs, dict) else [outputs]

    return run, before


def _exported(job: Job, given: Sequence[Any]) -> tuple[Run, int | None]:
    path = str(Path(job.folder) / "network.onnx")
    if job.way == ONNX:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = job.threads
        options.log_severity_level = 3
        before = _resident()
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        named = {i.name: a for i, a in zip(session.get_inputs(), given, strict=True)}
        return lambda: session.run(None, named), before
    import openvino

    before = _resident()
    settings = {"INFERENCE_NUM_THREADS": job.threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(path, "CPU", settings)
    return lambda: list(model(list(given)).values()), before


def _array(result: Any) -> Any:
    return result.float().cpu().numpy() if hasattr(result, "cpu") else result


def _nothing() -> None:
    """What a processor waits for."""


def _status(name: str) -> int:
    """Bytes, as Linux counts them for this process."""
    found = re.search(rf"^{name}:\s*(\d+) kB", STATUS.read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def _resident() -> int | None:
    return _status("VmRSS") if STATUS.exists() else None


def _forget_peak() -> None:
    """Lets the peak of the memory begin anew: compiling took more than running does."""
    try:
        CLEAR.write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is that from the start
        return


def main() -> None:
    job = Job(**json.load(sys.stdin))
    try:
        found = measured(job)
    except Exception as problem:  # whatever the way raises: it is one line of the table
        text = str(problem).strip().split("\n", 1)[0]
        found = WayRun(problem=f"{type(problem).__name__}: {text}"[:200])
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
