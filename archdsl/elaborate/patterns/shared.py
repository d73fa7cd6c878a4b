"""Layers with one set of weights."""

from __future__ import annotations

from archdsl.diagnostics import codes
from archdsl.elaborate.application import layer_value, skip
from archdsl.elaborate.code import Action, Getter
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.making import bind_layer
from archdsl.elaborate.patterns.base import Pattern
from archdsl.elaborate.scope import Scope
from archdsl.elaborate.values import Closure, SharedLayer
from archdsl.syntax import tree


class Share(Pattern):
    """One module, however often it is applied: ``let f = shared { conv(64, 3) }``."""

    name = "shared"
    is_value = True

    @classmethod
    def compile(cls, node: tree.Call, scope: Scope) -> Action:
        """As a statement it would be applied once."""
        scope.context.report(codes.SHARED_IN_PLACE, node.callee.span)
        cls.value(node, scope)
        return skip

    @classmethod
    def value(cls, node: tree.Call, scope: Scope) -> Getter:
        bind_layer(cls, node, scope)
        cls.check_words(node, scope)
        assert node.body is not None
        get = layer_value(node.body, scope)
        span = node.callee.span

        def make(frame: Frame) -> SharedLayer:
            body = get(frame)
            assert isinstance(body, Closure)
            return SharedLayer(body, frame.b, span)

        return make
