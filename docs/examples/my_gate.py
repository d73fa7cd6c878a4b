"""A layer with a PyTorch module of its own: docs/extending.md goes through it."""

from archdsl.layers.arguments import Positive
from archdsl.layers.base import Example, Layer, Module, Shape, Weight


class Gate(Layer):
    """Each channel times how strongly it fires: a learned power of its mean."""

    power: Positive = 1.0

    name = "gate_by_mean"
    kind = "norm"
    modules = "my_gate_module.py"
    examples = (Example("gate_by_mean(2)", ((16, 8, 8),), (16, 8, 8)),)

    def weights(self, *inputs: Shape) -> tuple[Weight, ...]:
        return (Weight("power", (inputs[0][0],)),)

    def torch(self, *inputs: Shape) -> Module:
        return Module("MeanGate", (inputs[0][0],), {"power": self.power}, {"power": 1.0})
