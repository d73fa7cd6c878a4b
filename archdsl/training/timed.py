"""Costs that are measured, with PyTorch on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archdsl.costs.base import SECONDS, Cost

if TYPE_CHECKING:
    from archdsl.spec import Architecture


class Latency(Cost):
    """The time of an inference."""

    name = "latency"
    title = "time of inference"
    heading = "latency"
    about = "time of inference"
    axis = "latency of one image"
    unit = SECONDS
    measured = True

    def measure(self, arch: Architecture, batch: int, device: str) -> float:
        from archdsl.training.timing import measure_inference

        return measure_inference(arch, arch.input, device, batch=batch)


class TrainStep(Cost):
    """The time of a training step: forward, loss, backward, and the optimizer's update."""

    name = "train_step"
    title = "time of a training step"
    heading = "train step"
    about = "time of a training step"
    unit = SECONDS
    measured = True

    def measure(self, arch: Architecture, batch: int, device: str) -> float:
        from archdsl.training.timing import measure

        return measure(arch, arch.input, batch, device).training_step_seconds
