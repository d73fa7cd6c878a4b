"""What the tasks of a cluster say of their epochs: an actor of Ray, which loads no PyTorch."""

from __future__ import annotations

from typing import Any


class Epochs:
    """Epochs by task, each as a dictionary, in the order in which they were said."""

    def __init__(self) -> None:
        self.said: dict[str, list[dict[str, Any]]] = {}

    def add(self, task: str, epoch: dict[str, Any]) -> None:
        self.said.setdefault(task, []).append(epoch)

    def after(self, task: str, count: int) -> list[dict[str, Any]]:
        """What was said of a task beside so many."""
        return self.said.get(task, [])[count:]

    def forget(self, task: str) -> None:
        self.said.pop(task, None)
