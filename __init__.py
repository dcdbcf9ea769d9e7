"""Stillbrush paints film: shots in, temporally stable neural-painted shots out.

The repository root is this package, under whatever name a host gives it. Importing it loads no
host, no torch and none of the package's own modules.
"""

__version__ = "0.1.0"
