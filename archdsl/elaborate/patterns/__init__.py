"""Connection patterns: functions from layers to a layer.

A pattern is a frozen dataclass, like a layer: its fields are its arguments. Its method
``run`` puts the pattern's steps into the part that is being built.
"""
