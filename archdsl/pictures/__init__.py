"""Pictures: of networks, of what differs between two, and of what they cost.

A picture is a ``Scene`` of simple shapes. What makes one knows nothing of files; SVG, HTML, PNG
and PDF are written from the same scene.
"""
