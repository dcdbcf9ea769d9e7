"""What Nuke needs beside a TorchScript file: the script that bakes it, its gizmo, cat.json."""

from __future__ import annotations

import json
from pathlib import Path

from ...core.export.torchscript import export
from ...core.knobs import PriorKnobs, StylizerKnobs
from ...core.look import Look
from ...core.media.atomic import write_text_atomic
from ...core.spec import KnobField, read_knobs
from .gizmo import quoted, user_knob

PACKED = (
    "rgba.red,rgba.green,rgba.blue,rgba.alpha,forward.u,forward.v,depth.Z,backward.u,backward.v"
)
PAINTED = "rgba.red,rgba.green,rgba.blue"


def knobs() -> list[KnobField]:
    """Return the knobs that the scripted network has as attributes."""
    fields = (*read_knobs(StylizerKnobs, "stylizer"), *read_knobs(PriorKnobs, "prior_warper"))
    return [field for field in fields if field.name in ("strength", "temporal")]


def baking_script(name: str, model: Path) -> str:
    """Return the .nk that makes a .cat of a TorchScript file, with NukeX."""
    lines = ["CatFileCreator {", f" torchScriptFile {quoted(model.as_posix())}",
             f" catFile {quoted(model.with_suffix('.cat').as_posix())}",
             f" channelsIn {quoted(PACKED)}", f" channelsOut {quoted(PAINTED)}",
             f" modelId {quoted(name)}"]  # fmt: skip
    lines += [line for field in knobs() for line in user_knob(field)]
    return "\n".join([*lines, " name CatFileCreator1", "}"]) + "\n"


def inference_gizmo(name: str) -> str:
    """Return a gizmo around the .cat: to sRGB, through the network, and back to linear.

    Inputs: the plate with its matte in alpha and motion in backward.u and .v; and the last painted
    picture. Nuke has a short list of channel names: the painted picture travels in `forward` and
    `depth`.
    """
    serialised = "".join(f'{f.name}:{{"parent.{f.name}"}};' for f in knobs())
    lines = [
        "Gizmo {",
        *(line for field in knobs() for line in user_knob(field)),
        "}",
        " Input { inputs 0 name last number 1 }",
        " Colorspace { colorspace_out sRGB name ToDisplayLast }",
        "set Nlast [stack 0]",
        " Input { inputs 0 name plate }",
        " Colorspace { colorspace_out sRGB name ToDisplay }",
        "push $Nlast",
        " ShuffleCopy { inputs 2 red red green green out forward name CarryFirst }",
        "push $Nlast",
        " ShuffleCopy { inputs 2 black blue out depth name CarryLast }",
        f" Inference {{ modelFile {quoted(name + '.cat')} channelsIn {quoted(PACKED)} "
        f"channelsOut {quoted(PAINTED)} serialiseKnob {quoted(serialised)} name Inference1 }}",
        " Colorspace { colorspace_in sRGB name ToLinear }",
        " Output { name Output1 }",
        "end_group",
    ]
    return "\n".join(lines) + "\n"


def write_cat(look: Look, folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Write a look's network and all that Nuke needs to make a .cat of it; return the files.

    Raises:
        WriteRefused: a file is there already, or the system refused.
    """
    model = folder / f"{look.name}.pt"
    export(look, model, overwrite=overwrite)
    packed = {"minimum_nuke_version_required": 13.2, "version": 1, "category": "Style transfer",
              "description": look.title,
              "cats": [{"filepath": f"{look.name}.gizmo", "name": look.title}]}  # fmt: skip
    texts = {
        folder / f"{look.name}-bake.nk": baking_script(look.name, model.resolve()),
        folder / f"{look.name}.gizmo": inference_gizmo(look.name),
        folder / "cat.json": json.dumps(packed, indent=1) + "\n",
    }
    for path, text in texts.items():
        write_text_atomic(path, text, overwrite=overwrite)
    return [model, *texts]
