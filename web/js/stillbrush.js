// Colours of Stillbrush's sockets and wires, so that a graph reads at a glance.
import { app } from "../../../scripts/app.js";

const COLOURS = {
  STILLBRUSH_LOOK: "#e0a458",
  STILLBRUSH_PLATE: "#7fa6c9",
  STILLBRUSH_FLOW: "#4fb0a5",
  STILLBRUSH_PRIOR: "#b58bd6",
  STILLBRUSH_STATE: "#9a9a92",
};

function colour() {
  Object.assign(app.canvas.default_connection_color_byType, COLOURS);
  Object.assign(app.canvas.constructor.link_type_colors, COLOURS);
  for (const [kind, value] of Object.entries(COLOURS)) {
    document.documentElement.style.setProperty(`--color-datatype-${kind}`, value);
  }
}

// A palette that is loaded later takes the colours of types that it does not know away.
app.registerExtension({
  name: "stillbrush.colours",
  setup: colour,
  afterConfigureGraph: colour,
});
