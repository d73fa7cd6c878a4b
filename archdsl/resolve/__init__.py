"""Which name means what, as a table: definitions, uses and scopes of a file and of those it uses.

It is made of the syntax tree alone, and of a text with mistakes too. Elaboration resolves names for
itself while it compiles, by the same rules: that both agree is tested on every spec.
"""
