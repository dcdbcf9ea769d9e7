// Colours of Stillbrush's sockets and wires: kin are near each other, so that a graph reads at a glance.
import { app } from "../../../scripts/app.js";

const COLOURS = {
  STILLBRUSH_LOOK: "#e0a458",
  STILLBRUSH_PLATE: "#7f9eb2",
  STILLBRUSH_FLOW: "#4fb0a5",
  STILLBRUSH_PRIOR: "#a884c9",
  STILLBRUSH_STATE: "#8d8d86",
};

app.registerExtension({
  name: "stillbrush.colours",
  setup() {
    Object.assign(app.canvas.default_connection_color_byType, COLOURS);
    Object.assign(app.canvas.constructor.link_type_colors, COLOURS);
  },
});
