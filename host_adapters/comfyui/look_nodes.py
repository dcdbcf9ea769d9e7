"""Looks: Load Look, Save Look."""

# pyright: reportMissingImports=false

from __future__ import annotations

from pathlib import Path
from typing import Any

from comfy_api.v0_0_2 import io
from torch import Tensor

from ...core.look import Look
from ...core.looks import find_look
from ...core.spec import REGISTRY
from .failures import told, verdict
from .folders import look_names, looks_folder, source, stamp
from .schema import described, inputs, knob, outputs, values, widgets


class LoadLook(io.ComfyNode):
    """Load Look."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration; the name becomes a list of what there is."""
        node, name = "load_look", knob("load_look", "name")
        names = look_names()
        chosen = name.default if name.default in names else None
        return io.Schema(
            node_id="StillbrushLoadLook",
            **described(
                node,
                aliases=("style", "preset", "style model"),
                inputs=[
                    io.Combo.Input(
                        name.name,
                        options=names,
                        display_name="Look",
                        default=chosen,
                        tooltip=name.knob.tip,
                    )
                ],
                outputs=outputs(node),
            ),
        )

    @classmethod
    def fingerprint_inputs(cls, name: str) -> str:
        """Run again when the look's file or its weights were touched."""
        look = find_look(name, looks_folder())
        return stamp([path for path in (look.path, *look.paint_files()) if path])

    @classmethod
    def validate_inputs(cls, name: str) -> bool | str:
        """Say what is wrong with a look before anything runs; unlike a list, it names the file."""
        return verdict(lambda: find_look(name, looks_folder()).paint_files())

    @classmethod
    @told
    def execute(cls, name: str) -> io.NodeOutput:
        """Take a look."""
        node = REGISTRY["load_look"]
        knobs = node.make_knobs(name=name, folder=str(looks_folder()))
        return io.NodeOutput(node.step(node.inputs_type(), knobs).look)


class StylePicture(io.ComfyNode):
    """Style Picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "style_picture"
        return io.Schema(
            node_id="StillbrushStylePicture",
            **described(
                node,
                aliases=("reference", "style image", "any style"),
                inputs=[*inputs(node), *widgets(node)],
                outputs=outputs(node),
            ),
        )

    @classmethod
    def fingerprint_inputs(cls, file: str = "", **given: Any) -> str:
        """Run again when the file was touched."""
        found = Path(source(file)) if file else Path()
        return stamp([found]) if found.is_file() else ""

    @classmethod
    @told
    def execute(cls, look: Look, picture: Tensor | None = None, **given: Any) -> io.NodeOutput:
        """Give a look its picture."""
        node = REGISTRY["style_picture"]
        file = given.get("file", "")
        knobs = values("style_picture", given | {"file": source(file) if file else ""})
        return io.NodeOutput(node.step(node.inputs_type(look, picture), knobs).look)


class SaveLook(io.ComfyNode):
    """Save Look."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Translate the declaration."""
        node = "save_look"
        return io.Schema(
            node_id="StillbrushSaveLook",
            is_output_node=True,
            **described(
                node,
                aliases=("preset", "export style"),
                inputs=[*inputs(node), *widgets(node)],
                outputs=outputs(node),
            ),
        )

    @classmethod
    @told
    def execute(cls, look: Look, **given: Any) -> io.NodeOutput:
        """Save a look into the user's own folder, and nowhere else."""
        node = REGISTRY["save_look"]
        folder = looks_folder()
        folder.mkdir(parents=True, exist_ok=True)
        knobs = values("save_look", given | {"folder": str(folder)})
        return io.NodeOutput(node.step(node.inputs_type(look), knobs).look)
