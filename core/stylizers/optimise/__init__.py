"""Painting by optimisation: the pixels themselves are moved until style and content fit."""
