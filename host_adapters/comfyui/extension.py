"""What ComfyUI asks for: the list of nodes."""

# pyright: reportMissingImports=false

from __future__ import annotations

import logging

from comfy_api.v0_0_2 import ComfyExtension, io

from . import (
    files_nodes,
    look_nodes,
    motion_nodes,
    paint_nodes,
    steady_nodes,
    stream_node,
    view_nodes,
)
from .folders import register_folders

log = logging.getLogger(__name__)

NODES: tuple[type[io.ComfyNode], ...] = (
    stream_node.StylizeShotStream,
    paint_nodes.StylizeShot,
    look_nodes.LoadLook,
    look_nodes.StylePicture,
    look_nodes.SaveLook,
    files_nodes.DemoShot,
    files_nodes.Read,
    files_nodes.Write,
    motion_nodes.FlowEstimator,
    motion_nodes.VectorFlow,
    motion_nodes.OcclusionMask,
    motion_nodes.PriorWarper,
    paint_nodes.Stylizer,
    steady_nodes.Stabilizer,
    steady_nodes.MultiPassBlender,
    view_nodes.FlowViewer,
    view_nodes.MaskViewer,
    view_nodes.PlateViewer,
    view_nodes.FlickerMeter,
)


class StillbrushExtension(ComfyExtension):
    """Stillbrush, as ComfyUI sees it."""

    async def on_load(self) -> None:
        """Say where looks are."""
        try:
            register_folders()
        except OSError:  # ComfyUI itself would show one line and no traceback
            log.exception("the folder of looks cannot be made; looks that ship can be used")

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Return every node."""
        return list(NODES)
