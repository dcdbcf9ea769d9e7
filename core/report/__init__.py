"""The page of a render: one self-contained HTML file."""
