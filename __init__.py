"""Stillbrush paints film: shots in, temporally stable neural-painted shots out.

The repository root is this package, under whatever name a host gives it. Importing it loads no
host, no torch and none of the package's own modules.
"""

__version__ = "0.1.0"

WEB_DIRECTORY = "./web"  # ComfyUI serves it: help pages, and the colours of our sockets


async def comfy_entrypoint():
    """Return the ComfyUI extension; ComfyUI finds this function by its name."""
    from .host_adapters.comfyui import build_extension

    return build_extension()


def __getattr__(name: str) -> object:
    """Open the node graph when it is asked for: ``from stillbrush import graph``."""
    if name == "graph":
        import importlib

        return importlib.import_module(".host_adapters.graph", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
