"""The yardstick: clips times looks times methods, measured alike and laid side by side."""
