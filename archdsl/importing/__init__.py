"""From a PyTorch module to a spec that computes the same, written as a person would write it.

A run of the module is recorded (``record``), its operations become layers (``lower``), the graph
becomes nested terms (``series``), terms that are alike become blocks and loops (``blocks``,
``fold``), and those become text (``text``). Then the text is compiled, and both graphs are compared
(``proof``), and both networks are run (``running``): what is not the same is not written.
"""
