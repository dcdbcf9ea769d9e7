"""The picture of a graph: SVG, from the positions of the nodes and the wires between them.

Wires come in at the top, mattes at the right side; what expressions link is dashed. A group is a
frame round its nodes. Every shape has a title, which browsers show under the mouse.
"""

from __future__ import annotations

from html import escape

from .declared import ALIASES, arrows, spec_of
from .knob import plain
from .model import GROUP, NodeData, State, plain_class
from .text import setting_text
from .values import is_moving

WIDTH, HEIGHT, MARGIN = 150, 44, 60
PAD, HEAD, LINE = 18, 26, 14  # of a group's frame, and the lines on top where its words stand
COLOURS = {
    "Image": "#8fb8a8", "Motion": "#a9b7d6", "Paint": "#e2b36f", "Look": "#d9a0a0",
    "View": "#c7c7c7", "Merge": "#b4a7cf", "Colour": "#93c1cf", "Transform": "#c9cf93",
    "Time": "#cfb393", "Organise": "#dddddd",
}  # fmt: skip
UNKNOWN = "#f2f2f2"
INK, WIRE, LINK = "#2b2b2b", "#6b6b6b", "#4d8a57"
LONGEST = {14: 17, 10: 27, 9: 20}  # letters that a node is wide, by size
Box = tuple[int, int, int, int]
"""Left, top, width, height."""


def draw(state: State) -> str:
    """Return the picture of a graph as SVG; the same graph gives the same text."""
    frames = {uid: frame(state, uid) for uid, n in state.nodes.items() if n.kind == GROUP}
    framed = {uid: box for uid, box in frames.items() if box is not None}
    boxes = {uid: framed.get(uid) or place(node) for uid, node in state.nodes.items()}
    nodes = state.nodes.items()
    shapes = [backdrop(node) for _, node in nodes if node.kind == "backdrop"]
    shapes += [group(state.nodes[uid], box) for uid, box in framed.items()]
    for uid, node in nodes:
        shapes += [link(state, uid, of) for of in dict.fromkeys(state.referenced(uid)) if of != uid]
        shapes += [wire(state, node, port, of) for port, of in node.inputs.items()]
    shapes += [box(n) for uid, n in nodes if n.kind != "backdrop" and uid not in framed]
    return svg(around(list(boxes.values())), shapes)


def around(boxes: list[Box]) -> Box:
    """Return the field that holds all boxes, with a margin and room for wires at the sides."""
    if not boxes:
        return (0, 0, 1, 1)
    left = min(x for x, _, _, _ in boxes) - 2 * MARGIN
    top = min(y for _, y, _, _ in boxes) - MARGIN
    right = max(x + width for x, _, width, _ in boxes) + 2 * MARGIN
    bottom = max(y + height for _, y, _, height in boxes) + MARGIN
    return (left, top, right - left, bottom - top)


def svg(field: Box, shapes: list[str]) -> str:
    """Return an SVG document."""
    x, y, width, height = field
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {width} {height}" '
        f'width="{width}" height="{height}" font-family="Helvetica, Arial, sans-serif">'
    )
    ends = "".join(
        f'<marker id="{name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>'
        for name, colour in (("a", WIRE), ("e", LINK))
    )
    paper = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fbfaf7"/>'
    return "\n".join([head, f"<defs>{ends}</defs>", paper, *shapes, "</svg>"]) + "\n"


def place(node: NodeData) -> Box:
    """Return where a node is drawn."""
    if node.kind != "backdrop":
        return (node.xpos, node.ypos, WIDTH, HEIGHT)
    spec = spec_of(node.kind)
    known = {f.name: f.default for f in spec.knobs} if spec else {}
    width, height = (node.settings.get(n, known.get(n, 0)) for n in ("width", "height"))
    return (node.xpos, node.ypos, int(width), int(height))


def frame(state: State, uid: int) -> Box | None:
    """Return the frame round a group's nodes; None where nothing lies in it."""
    inside = [place(node) for node in state.nodes.values() if node.group == uid]
    if not inside:
        return None
    head = HEAD + (LINE if state.nodes[uid].promoted else 0)
    left, top = min(b[0] for b in inside) - PAD, min(b[1] for b in inside) - head - 8
    right = max(b[0] + b[2] for b in inside) + PAD
    bottom = max(b[1] + b[3] for b in inside) + PAD
    return (left, top, right - left, bottom - top)


def backdrop(node: NodeData) -> str:
    """Draw a coloured field behind nodes."""
    spec = spec_of(node.kind)
    default = next((f.default for f in spec.knobs if f.name == "colour"), "") if spec else ""
    colour = str(node.settings.get("colour", default))
    x, y, width, height = place(node)
    shape = (f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" '
             f'fill="{escaped(colour)}" opacity="0.6"/>')  # fmt: skip
    return grouped("backdrop", node.name, shape, left_text(x + 8, y + 20, node.label or node.name))


def group(node: NodeData, frame: Box) -> str:
    """Draw a group round its nodes: its name, and the knobs that it shows."""
    x, y, width, height = frame
    shape = (f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="9" fill="#ffffff" '
             f'fill-opacity="0.7" stroke="{INK}" stroke-dasharray="7 4"/>')  # fmt: skip
    name = node.name + (f" - {node.label}" if node.label else "")
    words = [left_text(x + 10, y + 19, name, bold=True)]
    if node.promoted:
        words.append(text(x + 10, y + 19 + LINE, 10, ", ".join(node.promoted), anchor="start"))
    return grouped("group", titled(node), shape, *words)


def box(node: NodeData) -> str:
    """Draw a node: its name, what is written under it, and which knobs move."""
    spec = spec_of(node.kind)
    colour = COLOURS.get(spec.category, UNKNOWN) if spec else UNKNOWN
    dashed = ' stroke-dasharray="4 3"' if spec is None and node.kind != GROUP else ""
    x, y, middle = node.xpos, node.ypos, node.xpos + WIDTH // 2
    moving = [knob for knob, setting in node.settings.items() if is_moving(setting)]
    under = node.label or (f"moving: {', '.join(moving)}" if moving else shown(node))
    faded = ' opacity="0.55"' if node.disable else ""
    parts = [f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="7" fill="{colour}" '
             f'stroke="{INK}"{dashed}{faded}/>']  # fmt: skip
    if node.disable:
        parts.append(f'<path d="M{x} {y} {x + WIDTH} {y + HEIGHT} M{x} {y + HEIGHT} {x + WIDTH} '
                     f'{y}" stroke="#b03030" opacity="0.45"/>')  # fmt: skip
    parts.append(text(middle, y + (19 if under else 27), 14, node.name))
    if under:
        parts.append(text(middle, y + 35, 10, under))
    return grouped("node", titled(node), *parts)


def grouped(kind: str, title: str, *shapes: str) -> str:
    """Return shapes as one, with a title."""
    return f'<g class="{kind}"><title>{escaped(title)}</title>{"".join(shapes)}</g>'


def titled(node: NodeData) -> str:
    """Return what a node is and what was set on it, a line each."""
    held = [f"{knob}: {told(setting)}" for knob, setting in node.settings.items()]
    return "\n".join([f"{node.name} ({plain_class(node)})", *held])


def told(setting: object) -> str:
    """Return what a knob holds, as a script says it."""
    made = setting_text(setting)
    return next(iter(made.values())) if isinstance(made, dict) else str(made)


def shown(node: NodeData) -> str:
    """Return the one knob that says most of a node."""
    for knob in ("file", "look", "name", "operation", "method"):
        if knob in node.settings:
            value = str(plain(node.settings[knob]))
            return value.replace("\\", "/").rpartition("/")[2] or value
    return ""


def escaped(words: str) -> str:
    """Return words as XML can hold them: no control letters, and what it acts on spelt out."""
    kept = (letter if letter >= " " or letter == "\n" else "\N{REPLACEMENT CHARACTER}"
            for letter in words)  # fmt: skip
    sound = "".join(kept).encode("utf-8", "replace").decode("utf-8")
    return escape(sound.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd"))


def text(x: int, y: int, points: int, words: str, anchor: str = "middle") -> str:
    """Draw words round a point or from it; small ones on a pale edge, over the wires."""
    line = words.partition("\n")[0]
    most = LONGEST[points]
    line = line if len(line) <= most else line[: most - 1] + "…"
    edge = ' stroke="#fbfaf7" stroke-width="3" paint-order="stroke"' if points == 9 else ""
    return (f'<text x="{x}" y="{y}" font-size="{points}" text-anchor="{anchor}" '
            f'fill="{INK}"{edge}>{escaped(line)}</text>')  # fmt: skip


def left_text(x: int, y: int, words: str, *, bold: bool = False) -> str:
    """Draw words that begin at a point."""
    weight = ' font-weight="bold"' if bold else ""
    line = escaped(words.partition("\n")[0])
    return f'<text x="{x}" y="{y}" font-size="14" fill="{INK}"{weight}>{line}</text>'


def wire(state: State, node: NodeData, port: str, source: int) -> str:
    """Draw a wire from a node to another's input; mattes come in on the right side."""
    above, spec = giver(state, source), spec_of(node.kind)
    ports = [p.name for p in arrows(spec)] if spec else [port]
    side = port in ALIASES
    places = [p for p in ports if p not in ALIASES]
    x1, y1 = above.xpos + WIDTH // 2, above.ypos + HEIGHT
    if side:
        x2, y2 = node.xpos + WIDTH, node.ypos + HEIGHT // 2
    else:
        share = (places.index(port) + 1) / (len(places) + 1)
        x2, y2 = node.xpos + round(WIDTH * share), node.ypos
    named = side or len(places) > 1
    label = text(x2 + 8, y2 + (14 if side else -6), 9, port, "start") if named else ""
    way = (f'<path d="{bend((x1, y1), (x2, y2), side=side)}" fill="none" stroke="{WIRE}" '
           'stroke-width="1.4" marker-end="url(#a)"/>')  # fmt: skip
    title = f"{state.nodes[source].name} to {node.name}.{port}"
    return grouped("wire", title, way, label)


def giver(state: State, uid: int) -> NodeData:
    """Return the node whose picture a wire carries: of a group, the one inside it."""
    node = state.nodes[uid]
    while node.output is not None:
        node = state.nodes[node.output]
    return node


def link(state: State, uid: int, source: int) -> str:
    """Draw that a node's expression names another node."""
    below, above = state.nodes[uid], state.nodes[source]
    x1, y1 = above.xpos + WIDTH, above.ypos + HEIGHT - 8
    x2, y2 = below.xpos + WIDTH, below.ypos + 8
    out = max(x1, x2) + 45
    way = (f'<path d="M{x1} {y1} C{out} {y1} {out} {y2} {x2} {y2}" fill="none" stroke="{LINK}" '
           'stroke-dasharray="5 3" marker-end="url(#e)"/>')  # fmt: skip
    return grouped("link", f"an expression of {below.name} names {above.name}", way)


def bend(start: tuple[int, int], end: tuple[int, int], *, side: bool) -> str:
    """Return the way of a wire: into the right side, or round what lies between."""
    (x1, y1), (x2, y2) = start, end
    if side:
        return f"M{x1} {y1} C{x1} {y1 + 40} {x2 + 90} {y2 - 20} {x2} {y2}"
    if y2 - y1 > 2 * HEIGHT and abs(x2 - x1) < WIDTH:
        left = min(x1, x2) - WIDTH
        return f"M{x1} {y1} C{left} {y1 + 30} {left} {y2 - 30} {x2} {y2}"
    pull = 25 if y2 > y1 else 90  # what comes in from below swings wide
    return f"M{x1} {y1} C{x1} {y1 + pull} {x2} {y2 - pull} {x2} {y2}"
