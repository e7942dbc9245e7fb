"""Edits by image processing: each operation does one thing to a photograph, or refuses with a reason.

`editor.ProceduralEditor` is the adapter; `operations` lists what it can be asked for.
"""
