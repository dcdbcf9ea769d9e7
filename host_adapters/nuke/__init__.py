"""The pack for Nuke: a gizmo made from the declarations, and what its buttons do.

`panel` and `selftest` run inside Nuke: standard library only, Python 3.9, `nuke` is passed in.
`pack` runs in Stillbrush's own Python and writes the pack.
"""
