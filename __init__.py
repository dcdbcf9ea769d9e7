"""Stillbrush paints film: shots in, temporally stable neural-painted shots out.

The repository root is this package, under whatever name a host gives it. Importing it loads no
host, no torch and none of the package's own modules.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Open the node graph when it is asked for: ``from stillbrush import graph``."""
    if name == "graph":
        import importlib

        return importlib.import_module(".host_adapters.graph", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
