"""Help pages, made from the schemas, which are made from the declarations."""

from __future__ import annotations

from typing import Any

MORE = {
    "StillbrushPriorWarper": "Wired to a *Stylizer*, leave *previous* empty: the Stylizer holds "
    "the painted picture itself.\n\nIn a graph of your own, give *previous*: a clip that somebody "
    "painted, or one picture. Of a clip, frame t-1 is carried onto frame t. Begin your sampler "
    "with *warped*, and let it work where *trusted* is 0.",
    "StillbrushRead": "*file* is a path inside ComfyUI's input folder, or a whole one: "
    "`plate.####.exr`, `plate.%04d.exr`, `plate.[1001-1100].exr`, a folder, a still or a video. "
    "`name [output]` lies in the output folder.\n\nAll frames lie in memory at once. For long "
    "shots there is *Stylize Shot (Stream)*.",
    "StillbrushWrite": "*file* is a path inside ComfyUI's output folder. Other folders are written "
    "to only if they are listed in `models/stillbrush/folders.txt`, one a line.\n\nWith the plate "
    "wired, everything but RGB is kept from the files that were read: alpha, layers, windows, "
    "types, compression, timecode.",
    "StillbrushStylizeShotStream": "*file* and *output* are paths as for *Read* and *Write*. A "
    "render that was stopped, or that ComfyUI did not survive, goes on where it was when the node "
    "is run again. A report lies beside the frames.\n\n*matte* and *vector files* are paths, too; "
    "where neither *vectors* nor *vector files* says otherwise, motion is estimated. A video is "
    "written without sound.",
    "StillbrushStylizer": "Wired as *Flow Estimator*, *Occlusion Mask*, *Prior Warper*, "
    "*Stylizer*, it gives the very pixels of *Stylize Shot*. With *state*, a shot in "
    "chunks is one shot: wire the state that comes out of one run into the next.",
    "StillbrushStabilizer": "*painted* is what a sampler, EbSynth or a painter made of *source*, "
    "frame by frame; it may have another size. With *keys*, it is a few frames, and *key_frames* "
    "says which; give a *look* to paint what none of them shows.",
    "StillbrushMultiPassBlender": "Frames lie in the system's temporary folder between passes.",
    "StillbrushFlowEstimator": "The first frame, and a frame that begins a new shot, have an "
    "unknown flow: no mask trusts it, and the Stylizer begins afresh there.",
    "StillbrushVectorFlow": "Wire the *plate* and the motion layers of its own files are read; "
    "their names say who rendered them. Or give vectors as pictures, red is x and green is y, and "
    "say in *convention* who rendered them.",
    "StillbrushSaveLook": "Looks are saved in `models/stillbrush` and are in the list of *Load "
    "Look* once the page is refreshed (R). The command line finds them there by path.",
    "StillbrushLoadLook": "Your own looks lie in `models/stillbrush`. One that is put there is "
    "offered once the page is refreshed (R); one that is touched is read again.",
    "StillbrushStylePicture": "Wire *Load Image* to *picture*, or name a *file* inside ComfyUI's "
    "input folder. It is for looks that take any style; several of these nodes in a row mix their "
    "pictures.",
    "StillbrushFlickerMeter": "Wire the *look* that the clip was painted with, or style is not "
    "judged, and *report* says so. The numbers are means over the clip, as in a report of the "
    "command line: temporal 0 is steadiest; style and content 0 are the look's own painting and "
    "the plate. Compare paint with paint: no number says much alone.",
    "StillbrushDemoShot": "It is made once and lies in ComfyUI's temporary folder.",
}


def page(schema: Any) -> str:
    """Write a node's page.

    Args:
        schema: what `define_schema` gives.
    """
    parts = [f"# {schema.display_name}", schema.description.strip()]
    if schema.node_id in MORE:
        parts.append(MORE[schema.node_id])
    sockets = [field for field in schema.inputs if not is_widget(field)]
    knobs = [field for field in schema.inputs if is_widget(field)]
    if sockets:
        rows = [(name(s), ("optional. " if s.optional else "") + s.tooltip) for s in sockets]
        parts.append(table("Inputs", ("Input", "What it is"), rows))
    if knobs:
        rows = [(name(k) + ("\\*" if k.advanced else ""), span(k), k.tooltip) for k in knobs]
        parts.append(table("Knobs", ("Knob", "Range and default", "What it does"), rows))
        if any(k.advanced for k in knobs):
            parts.append("\\* for experts; folded away in the new node design.")
    rows = [(name(o), o.tooltip) for o in schema.outputs]
    parts.append(table("Outputs", ("Output", "What it is"), rows))
    return "\n\n".join(parts) + "\n"


def is_widget(field: Any) -> bool:
    """Say whether an input is a knob."""
    return field.io_type in ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")


def name(field: Any) -> str:
    """Return what the node shows."""
    return str(field.display_name or field.id)


def span(field: Any) -> str:
    """Return the values that a knob takes, and its default."""
    if field.io_type == "COMBO":
        if field.id == "name":
            return "what there is"
        listed = ", ".join(f"`{option}`" for option in field.options)
        return f"{listed}; default `{field.default}`"
    if field.io_type == "STRING":
        return f"text; default `{field.default}`" if field.default else "text"
    if field.io_type == "BOOLEAN":
        return "on or off; default " + ("on" if field.default else "off")
    return f"{field.min:g} to {field.max:g}; default {field.default:g}"


def table(title: str, head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write a table."""
    lines = [f"## {title}", "", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines)
