"""What an editor asks of a text: mistakes, hints, descriptions, names, corrections.

Pure functions of a text (``reading.read``) to plain values with offsets in it. The protocol of
language servers is in ``archdsl.server``; a page in a browser uses the same functions.
"""
