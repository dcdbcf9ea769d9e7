"""The pack for Nuke: a gizmo made from the declarations, and what its buttons do.

`panel`, `plate`, `looks` and `selftest` run inside Nuke: standard library only, Python 3.9.
`pack` runs in Stillbrush's own Python and writes the pack.
"""
