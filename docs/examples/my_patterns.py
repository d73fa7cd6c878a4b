"""A connection pattern of one's own: docs/extending.md goes through it."""

from archdsl.elaborate.groups import run_named
from archdsl.elaborate.machine import Frame
from archdsl.elaborate.patterns.base import Pattern, Use, join_arms, last_span
from archdsl.layers.arguments import Count
from archdsl.layers.join import Mean


class Ensemble(Pattern):
    """Its body several times side by side, each with weights of its own; their mean."""

    members: Count

    name = "ensemble"

    def run(self, use: Use, frame: Frame) -> None:
        x, span = frame.x, last_span(use.body)
        results = []
        for _ in range(self.members):
            frame.x = x
            run_named(lambda f: f.m.run(use.body, f), frame, "member", span)
            if frame.x is None:
                return
            results.append((frame.x, span))
        join_arms(frame.m.intern(Mean()), results, use, frame)
