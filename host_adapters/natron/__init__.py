"""The pack for Natron: a PyPlug with the knobs that StylizeShot declares.

All but `pack` runs inside Natron: standard library only, Python 3.9. `pack` writes the pack.
"""
