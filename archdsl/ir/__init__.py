"""The intermediate representation: what elaboration makes and all else reads.

A ``Network`` is a tree of *parts* (``network``). A part is a straight piece of dataflow, a list
of *steps*; a step applies an *operation* (a layer on tensors of known shapes) or another part.
Equal parts are one object, so that what is worked out over a network grows with its different
blocks. ``flat`` spells all repetitions out; ``hash`` names what a network computes. Nothing here
knows the language, or the text that a network came from.
"""
