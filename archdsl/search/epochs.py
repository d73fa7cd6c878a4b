"""How far the tasks of a cluster say they are: an actor of Ray, which loads no PyTorch."""

from __future__ import annotations

from typing import Any


class Epochs:
    """Epochs by task, each as a dictionary, in the order in which they were said."""

    def __init__(self) -> None:
        self.said: dict[str, list[dict[str, Any]]] = {}
        self.steps: dict[str, tuple[Any, ...]] = {}  # the last one of each task since its epoch

    def add(self, task: str, epoch: dict[str, Any]) -> None:
        self.said.setdefault(task, []).append(epoch)
        self.steps.pop(task, None)

    def step(self, task: str, step: tuple[Any, ...]) -> None:
        self.steps[task] = step

    def after(self, task: str, count: int) -> tuple[list[dict[str, Any]], tuple[Any, ...] | None]:
        """What was said of a task beside so many epochs, and its last step, once."""
        return self.said.get(task, [])[count:], self.steps.pop(task, None)

    def forget(self, task: str) -> None:
        self.said.pop(task, None)
        self.steps.pop(task, None)
