"""How steady, how true to style and plate, and how sharp paint is."""
