"""The example workflows as short descriptions; a real frontend turns them into files.

STILLBRUSH_COMFYUI=... python tests/support/examples.py     writes example_workflows/*.json
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]

from support.browser import browsing  # noqa: E402
from support.comfyui import api_defaults, running  # noqa: E402

FOLDER = ROOT / "example_workflows"


@dataclass(frozen=True)
class Box:
    """One node of a description."""

    kind: str
    at: tuple[int, int]
    wires: dict[str, tuple[str, str]] = field(default_factory=dict)  # input -> (node, output)
    widgets: dict[str, Any] = field(default_factory=dict)
    title: str = ""
    size: tuple[int, int] | None = None


def note(text: str, at: tuple[int, int], size: tuple[int, int]) -> Box:
    """Write a note."""
    return Box("MarkdownNote", at, {}, {"0": text}, "Note", size)


DEMO = {"length": 12, "width": 512}
QUICK = {"length": 8, "width": 384}

FIRST = {
    "note": note(
        "## First shot\n\nPress **Run**. The demo plate is painted, and a video of it lies in "
        "`output/stillbrush`.\n\nThen put your own shot in place of *Demo Shot*: **Read** takes "
        "EXR and image sequences and videos; or wire *Get Video Components* to *images* and leave "
        "*plate* empty.\n\nLooks that you may wish to try: see the list in *Load Look*. "
        "*Temporal* at 1 is steadiest; at 0 every frame is painted by itself.",
        (40, 630),
        (340, 230),
    ),
    "demo": Box("StillbrushDemoShot", (40, 60), {}, DEMO),
    "look": Box("StillbrushLoadLook", (40, 490), {}, {"name": "starry-night"}),
    "paint": Box(
        "StillbrushStylizeShot",
        (430, 60),
        {"images": ("demo", "images"), "look": ("look", "look"), "plate": ("demo", "plate")},
    ),
    "write": Box(
        "StillbrushWrite",
        (840, 60),
        {"images": ("paint", "images"), "plate": ("demo", "plate")},
        {"file": "stillbrush/first-shot.mp4", "overwrite": True},
        size=(460, 620),
    ),
}

MODULAR = {
    "note": note(
        "## The chain, node by node\n\nWired like this it gives the very pixels of *Stylize Shot*. "
        "Change what flows between the nodes: rendered motion (*Vector Flow*) in place of "
        "estimated, a mask of your own, a matte on the Stylizer.\n\nMagenta in the mask is where "
        "paint begins anew: what was uncovered, and where motion cannot be trusted.",
        (40, 650),
        (330, 220),
    ),
    "demo": Box("StillbrushDemoShot", (40, 60), {}, QUICK),
    "look": Box("StillbrushLoadLook", (40, 490), {}, {"name": "the-scream"}),
    "flow": Box(
        "StillbrushFlowEstimator",
        (420, 60),
        {"frame": ("demo", "images"), "look": ("look", "look"), "plate": ("demo", "plate")},
    ),
    "mask": Box("StillbrushOcclusionMask", (790, 60), {"flow": ("flow", "flow")}),
    "prior": Box(
        "StillbrushPriorWarper",
        (1130, 60),
        {"flow": ("flow", "flow"), "mask": ("mask", "mask")},
    ),
    "paint": Box(
        "StillbrushStylizer",
        (1480, 60),
        {
            "frame": ("demo", "images"),
            "look": ("look", "look"),
            "prior": ("prior", "prior"),
            "plate": ("demo", "plate"),
        },
    ),
    "view": Box(
        "StillbrushPlateViewer",
        (1850, 60),
        {"frame": ("paint", "frame"), "plate": ("demo", "plate")},
    ),
    "seen": Box("PreviewImage", (1850, 400), {"images": ("view", "image")}, size=(420, 320)),
    "arrows": Box("StillbrushFlowViewer", (420, 560), {"flow": ("flow", "flow")}, {"reach": 8.0}),
    "arrows_seen": Box(
        "PreviewImage", (420, 900), {"images": ("arrows", "image")}, size=(340, 280)
    ),
    "plain": Box(
        "StillbrushPlateViewer",
        (790, 560),
        {"frame": ("demo", "images"), "plate": ("demo", "plate")},
    ),
    "over": Box(
        "StillbrushMaskViewer",
        (1130, 660),
        {"mask": ("mask", "mask"), "frame": ("plain", "image")},
    ),
    "over_seen": Box("PreviewImage", (1130, 1000), {"images": ("over", "image")}, size=(340, 280)),
}

EXR = {
    "note": note(
        "## EXR in, EXR out\n\n*Read* takes `plate.####.exr`, `plate.%04d.exr`, "
        "`plate.[1001-1100].exr`, a folder, a still or a video; a path inside ComfyUI's input "
        "folder, or a whole one. Values above 1 and below 0 stay.\n\nWire **plate** along: the "
        "painting is done in the plate's colour space, and *Write* keeps alpha, layers, windows, "
        "timecode and types of the files that were read.\n\nHere *Demo Shot* stands for your "
        "plates: take its wire off *file* and type a path.",
        (40, 630),
        (340, 240),
    ),
    "demo": Box("StillbrushDemoShot", (40, 60), {}, QUICK),
    "read": Box("StillbrushRead", (430, 60), {"file": ("demo", "file")}),
    "look": Box("StillbrushLoadLook", (40, 490), {}, {"name": "fuchun-ink"}),
    "paint": Box(
        "StillbrushStylizeShot",
        (800, 60),
        {"images": ("read", "images"), "look": ("look", "look"), "plate": ("read", "plate")},
    ),
    "write": Box(
        "StillbrushWrite",
        (1200, 60),
        {"images": ("paint", "images"), "plate": ("read", "plate")},
        {"file": "stillbrush/exr/painted.####.exr", "overwrite": True},
        size=(420, 620),
    ),
}

CARRY = {
    "note": note(
        "## Steady any painted clip, or any sampler\n\nThe two nodes on the left stand for a clip "
        "that somebody else painted: put your own there.\n\n*Prior Warper* carries its frame t-1 "
        "onto frame t. **warped** is what a sampler should begin with (VAE Encode), **trusted** "
        "says where that holds: invert it and it is a noise mask (Set Latent Noise Mask). "
        "Sample only what was uncovered, and the clip stops boiling.\n\nOne frame at a time, in a "
        "loop: wire *state* from one round to the next.",
        (40, 630),
        (360, 290),
    ),
    "demo": Box("StillbrushDemoShot", (40, 60), {}, QUICK),
    "look": Box("StillbrushLoadLook", (40, 490), {}, {"name": "great-wave"}),
    "painted": Box(
        "StillbrushStylizeShotStream",
        (430, 60),
        {"look": ("look", "look"), "file": ("demo", "file")},
        {"output": "stillbrush/carry/painted.####.exr", "overwrite": True, "temporal": 0.0},
    ),
    "read": Box("StillbrushRead", (830, 60), {"file": ("painted", "file")}),
    "flow": Box(
        "StillbrushFlowEstimator",
        (830, 620),
        {"frame": ("demo", "images"), "plate": ("demo", "plate")},
    ),
    "mask": Box("StillbrushOcclusionMask", (1200, 660), {"flow": ("flow", "flow")}),
    "prior": Box(
        "StillbrushPriorWarper",
        (1200, 60),
        {"flow": ("flow", "flow"), "mask": ("mask", "mask"), "previous": ("read", "images")},
    ),
    "warped": Box(
        "StillbrushPlateViewer",
        (1560, 60),
        {"frame": ("prior", "warped"), "plate": ("demo", "plate")},
    ),
    "warped_seen": Box(
        "PreviewImage", (1900, 60), {"images": ("warped", "image")}, size=(400, 320)
    ),
    "over": Box(
        "StillbrushMaskViewer",
        (1560, 560),
        {"mask": ("prior", "trusted"), "frame": ("warped", "image")},
    ),
    "over_seen": Box("PreviewImage", (1900, 560), {"images": ("over", "image")}, size=(400, 320)),
}

COMPARE = {
    "note": note(
        "## Two looks side by side\n\nThe same shot, painted twice. To keep what you found, wire "
        "the **look** that *Stylize Shot* gives to *Save Look*: it has the knobs of the node in "
        "it, and the command line knows it by its name.\n\n*Flicker Meter* says of each how steady "
        "it is, how near to the painting and how near to the plate: three errors, the lower the "
        "nearer.",
        (40, 790),
        (330, 240),
    ),
    "demo": Box("StillbrushDemoShot", (40, 60), {}, QUICK),
    "one": Box("StillbrushLoadLook", (40, 490), {}, {"name": "starry-night"}),
    "two": Box("StillbrushLoadLook", (40, 630), {}, {"name": "composition-vii"}),
    "left": Box(
        "StillbrushStylizeShot",
        (430, 60),
        {"images": ("demo", "images"), "look": ("one", "look"), "plate": ("demo", "plate")},
    ),
    "right": Box(
        "StillbrushStylizeShot",
        (800, 60),
        {"images": ("demo", "images"), "look": ("two", "look"), "plate": ("demo", "plate")},
    ),
    "left_view": Box(
        "StillbrushPlateViewer",
        (1170, 60),
        {"frame": ("left", "images"), "plate": ("demo", "plate")},
    ),
    "right_view": Box(
        "StillbrushPlateViewer",
        (1170, 370),
        {"frame": ("right", "images"), "plate": ("demo", "plate")},
    ),
    "stitch": Box(
        "ImageStitch",
        (1170, 680),
        {"image1": ("left_view", "image"), "image2": ("right_view", "image")},
    ),
    "left_meter": Box(
        "StillbrushFlickerMeter",
        (1520, 700),
        {
            "source": ("demo", "images"),
            "painted": ("left", "images"),
            "look": ("left", "look"),
            "plate": ("demo", "plate"),
        },
        title="Flicker Meter, left",
        size=(400, 460),
    ),
    "right_meter": Box(
        "StillbrushFlickerMeter",
        (1940, 700),
        {
            "source": ("demo", "images"),
            "painted": ("right", "images"),
            "look": ("right", "look"),
            "plate": ("demo", "plate"),
        },
        title="Flicker Meter, right",
        size=(400, 460),
    ),
    "write": Box(
        "StillbrushWrite",
        (1520, 60),
        {"images": ("stitch", "IMAGE")},
        {"file": "stillbrush/two-looks.mp4", "overwrite": True},
        size=(460, 560),
    ),
}

STREAM = {
    "note": note(
        "## A long shot\n\nFrom files to files, with a few frames in memory: 10 frames or 10,000. "
        "Name a sequence or a video in *file* (or wire a VIDEO), and a sequence, `.mp4` or `.mov` "
        "in *output*, inside ComfyUI's output folder.\n\nStopped, or ComfyUI crashed? Run it "
        "again: it goes on where it was. The report beside the frames says how every frame went.",
        (40, 630),
        (340, 230),
    ),
    "demo": Box("StillbrushDemoShot", (40, 60), {}, QUICK),
    "look": Box("StillbrushLoadLook", (40, 490), {}, {"name": "the-scream"}),
    "paint": Box(
        "StillbrushStylizeShotStream",
        (430, 60),
        {"look": ("look", "look"), "file": ("demo", "file")},
        {"output": "stillbrush/long-shot.mp4"},
        size=(440, 1020),
    ),
}

EXAMPLES: dict[str, dict[str, Box]] = {
    "First shot": FIRST,
    "Node by node": MODULAR,
    "EXR in, EXR out": EXR,
    "Steady any painted clip": CARRY,
    "Compare two looks": COMPARE,
    "Long shot": STREAM,
}

BUILD = """
const boxes = args[0];
app.graph.clear();
const made = {};
for (const [name, box] of Object.entries(boxes)) {
  const node = LiteGraph.createNode(box.kind);
  if (!node) throw new Error("no node " + box.kind);
  node.pos = box.at;
  if (box.title) node.title = box.title;
  app.graph.add(node);
  for (const [widget, value] of Object.entries(box.widgets)) {
    const found = node.widgets.find((w) => w.name === widget) ?? node.widgets[Number(widget)];
    if (!found) throw new Error(box.kind + " has no widget " + widget);
    found.value = value;
  }
  made[name] = node;
}
for (const [name, box] of Object.entries(boxes)) {
  for (const [input, [from, output]] of Object.entries(box.wires)) {
    const source = made[from];
    const slot = source.outputs.findIndex((o) => [output, output + "_out"].includes(o.name) ||
      o.label === output || o.localized_name === output);
    if (slot < 0) throw new Error(from + " has no output " + output + ": " +
      source.outputs.map((o) => o.name));
    const place = made[name].inputs.findIndex((i) => i.name === input);
    if (place < 0) throw new Error(name + " has no input " + input);
    if (!source.connect(slot, made[name], place)) throw new Error(from + " > " + input);
  }
}
for (const [name, box] of Object.entries(boxes)) {
  const least = made[name].computeSize();
  made[name].setSize(box.size ?? [Math.max(least[0], 300), least[1]]);
}
return app.graph.serialize();
"""


def values(box: Box, info: dict[str, Any]) -> dict[str, Any]:
    """Return the value of every widget of a node: as described, else its default.

    A frontend gives a new node the values of an older one of the same number, so all are said.
    """
    if not box.kind.startswith("Stillbrush"):
        return box.widgets
    return api_defaults(info, box.kind) | box.widgets


def plain(boxes: dict[str, Box], info: dict[str, Any]) -> dict[str, Any]:
    """Return a description as JSON."""
    return {name: vars(box) | {"widgets": values(box, info)} for name, box in boxes.items()}


def write() -> None:
    """Build every example in a real frontend and write it down."""
    with (
        tempfile.TemporaryDirectory() as base,
        running(Path(base)) as server,
        browsing() as browser,
    ):
        browser.open_comfyui(server.url)
        info = server.get("/object_info")
        for title, boxes in EXAMPLES.items():
            graph = browser.run(BUILD, plain(boxes, info))
            path = FOLDER / f"{title}.json"
            path.write_text(json.dumps(graph, indent=1, ensure_ascii=False) + "\n")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    write()
