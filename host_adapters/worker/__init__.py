"""What a host without torch needs: a job as text, and Stillbrush at work in a process of its own.

Standard library only, and Python 3.9: this package is copied into the packs for Nuke and Natron.
"""
