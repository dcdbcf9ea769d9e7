"""The picture of a graph: SVG, from the positions of the nodes and the wires between them."""

from __future__ import annotations

from html import escape

from .declared import ALIASES, arrows, spec_of
from .knob import plain
from .model import GROUP, NodeData, State
from .values import is_moving

WIDTH, HEIGHT, MARGIN = 150, 44, 60
COLOURS = {
    "Image": "#8fb8a8", "Motion": "#a9b7d6", "Paint": "#e2b36f", "Look": "#d9a0a0",
    "View": "#c7c7c7", "Merge": "#b4a7cf", "Colour": "#93c1cf", "Transform": "#c9cf93",
    "Time": "#cfb393", "Organise": "#dddddd",
}  # fmt: skip
UNKNOWN = "#f2f2f2"
INK, WIRE = "#2b2b2b", "#6b6b6b"


def draw(state: State) -> str:
    """Return the picture of a graph as SVG; the same graph gives the same text."""
    if not state.nodes:
        return svg(0, 0, 1, 1, [])
    backdrops = [n for n in state.nodes.values() if n.kind == "backdrop"]
    sizes = {id(n): size(n) for n in state.nodes.values()}
    left = min(n.xpos for n in state.nodes.values()) - 2 * MARGIN
    top = min(n.ypos for n in state.nodes.values()) - MARGIN
    right = max(n.xpos + sizes[id(n)][0] for n in state.nodes.values()) + MARGIN
    bottom = max(n.ypos + sizes[id(n)][1] for n in state.nodes.values()) + MARGIN
    shapes = [backdrop(node) for node in backdrops]
    for node in state.nodes.values():
        shapes += [wire(state, node, port, of) for port, of in node.inputs.items()]
    shapes += [box(node) for node in state.nodes.values() if node.kind != "backdrop"]
    return svg(left, top, right - left, bottom - top, shapes)


def svg(x: int, y: int, width: int, height: int, shapes: list[str]) -> str:
    """Return an SVG document."""
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {width} {height}" '
            f'width="{width}" height="{height}" font-family="Helvetica, Arial">')  # fmt: skip
    arrow = (f'<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
             f'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="{WIRE}"/>'
             "</marker></defs>")  # fmt: skip
    field = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="#fbfaf7"/>'
    return "\n".join([head, arrow, field, *shapes, "</svg>"]) + "\n"


def size(node: NodeData) -> tuple[int, int]:
    """Return how large a node is drawn."""
    if node.kind != "backdrop":
        return (WIDTH, HEIGHT)
    spec = spec_of(node.kind)
    known = {f.name: f.default for f in spec.knobs} if spec else {}
    width, height = (node.settings.get(n, known.get(n, 0)) for n in ("width", "height"))
    return int(width), int(height)


def backdrop(node: NodeData) -> str:
    """Draw a coloured field behind nodes."""
    spec = spec_of(node.kind)
    default = next((f.default for f in spec.knobs if f.name == "colour"), "") if spec else ""
    colour = str(node.settings.get("colour", default))
    width, height = size(node)
    place = f'x="{node.xpos}" y="{node.ypos}" width="{width}" height="{height}"'
    text = f'x="{node.xpos + 8}" y="{node.ypos + 20}" font-size="14" fill="{INK}"'
    return (f'<rect {place} rx="6" fill="{escape(colour)}" opacity="0.6"/>'
            f"<text {text}>{escape(node.label or node.name)}</text>")  # fmt: skip


def box(node: NodeData) -> str:
    """Draw a node: its name, what is written under it, and which knobs move."""
    spec = spec_of(node.kind)
    colour = COLOURS.get(spec.category, UNKNOWN) if spec else UNKNOWN
    dashed = ' stroke-dasharray="4 3"' if spec is None and node.kind != GROUP else ""
    middle = node.xpos + WIDTH // 2
    moving = [knob for knob, setting in node.settings.items() if is_moving(setting)]
    under = node.label or (f"moving: {', '.join(moving)}" if moving else shown(node))
    lines = [
        f'<rect x="{node.xpos}" y="{node.ypos}" width="{WIDTH}" height="{HEIGHT}" rx="7" '
        f'fill="{colour}" stroke="{INK}"{dashed}/>',
        text(middle, node.ypos + (19 if under else 27), 14, node.name),
    ]
    if under:
        lines.append(
            text(middle, node.ypos + 35, 10, under if len(under) < 28 else under[:27] + "…")
        )
    if node.disable:
        ends = (
            f'x1="{node.xpos}" y1="{node.ypos}" x2="{node.xpos + WIDTH}" y2="{node.ypos + HEIGHT}"'
        )
        lines.append(f'<line {ends} stroke="#b03030" stroke-width="2"/>')
    return "".join(lines)


def shown(node: NodeData) -> str:
    """Return the one knob that says most of a node."""
    for knob in ("file", "look", "name", "operation", "method"):
        if knob in node.settings:
            value = str(plain(node.settings[knob]))
            return value.replace("\\", "/").rpartition("/")[2] or value
    return ""


def text(x: int, y: int, points: int, words: str) -> str:
    """Draw words around a point."""
    return (f'<text x="{x}" y="{y}" font-size="{points}" text-anchor="middle" '
            f'fill="{INK}">{escape(words)}</text>')  # fmt: skip


def wire(state: State, node: NodeData, port: str, source: int) -> str:
    """Draw a wire from a node to another's input; mattes come in on the right side."""
    above, spec = state.nodes[source], spec_of(node.kind)
    ports = [p.name for p in arrows(spec)] if spec else [port]
    side = port in ALIASES
    places = [p for p in ports if p not in ALIASES]
    x1, y1 = above.xpos + WIDTH // 2, above.ypos + HEIGHT
    if side:
        x2, y2 = node.xpos + WIDTH, node.ypos + HEIGHT // 2
    else:
        share = (places.index(port) + 1) / (len(places) + 1)
        x2, y2 = node.xpos + round(WIDTH * share), node.ypos
    name = (
        ""
        if len(ports) == 1
        else text(x2 + (30 if side else -20), y2 + (14 if side else -6), 9, port)
    )
    bends = bend((x1, y1), (x2, y2), side=side)
    return f'<path d="{bends}" fill="none" stroke="{WIRE}" marker-end="url(#a)"/>' + name


def bend(start: tuple[int, int], end: tuple[int, int], *, side: bool) -> str:
    """Return the way of a wire: into the right side, or round what lies between."""
    (x1, y1), (x2, y2) = start, end
    if side:
        return f"M{x1} {y1} C{x1} {y1 + 40} {x2 + 90} {y2 - 20} {x2} {y2}"
    if y2 - y1 > 2 * HEIGHT and abs(x2 - x1) < WIDTH:
        left = min(x1, x2) - WIDTH
        return f"M{x1} {y1} C{left} {y1 + 30} {left} {y2 - 30} {x2} {y2}"
    return f"M{x1} {y1} C{x1} {y1 + 25} {x2} {y2 - 25} {x2} {y2}"
