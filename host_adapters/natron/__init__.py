"""The pack for Natron: a PyPlug with the knobs that StylizeShot declares.

`stillbrush_plug` runs inside Natron: standard library only, Python 3.9. `pack` writes the pack.
"""
