// The values under the cursor: every shown line that has a value at that step, the highest first.

import { h } from "./dom.js";
import { wholeLabel } from "./legend.js";
import { lineStyle } from "./plot.js";
import { format } from "./unit.js";

const ROWS_MAX = 60;
const NEAR_PIXELS = 14;

/** The time of a step in words. */
export function stepTime(drawing, step) {
  const start = new Date((drawing.from + step * drawing.step) * 1000);
  const day = start.toLocaleDateString(undefined, { weekday: "short", month: "short", day: "numeric" });
  const time = (date) => date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const end = drawing.step > 60 ? ` – ${time(new Date(+start + drawing.step * 1000))}` : "";
  return `${day}, ${time(start)}${end}`;
}

/** The lines with a value at a step, the highest value first: `{ line, place, value, index }`. */
export function valuesAt(lines, step) {
  return lines
    .map(({ line, place }, index) => ({ line, place, index, value: line.values[step] ?? null }))
    .filter(({ value }) => value !== null)
    .sort((a, b) => b.value - a.value);
}

/** The one tooltip of the page; what it says is spoken by the graph itself. */
const element = h("div", { class: "tooltip", hidden: true, "aria-hidden": "true" });
document.body.append(element);

export function hideTooltip() {
  element.hidden = true;
}

/** Fills the tooltip and places it beside the cursor; the line nearest to it stands out. */
export function showTooltip(plot, drawing, lines, step, top) {
  const found = valuesAt(lines, step);
  const distance = ({ index }) => Math.abs(plot.valToPos(plot.data[index + 1][step], "y") - top);
  const nearest = found.reduce((best, item) => (best === null || distance(item) < distance(best) ? item : best), null);
  const near = nearest !== null && distance(nearest) <= NEAR_PIXELS ? nearest : null;
  const rows = found.slice(0, ROWS_MAX);
  if (near !== null && !rows.includes(near)) rows.push(near);
  element.replaceChildren(
    h("p", {}, stepTime(drawing, step)),
    h("ul", { class: rows.length > 40 ? "three" : rows.length > 16 ? "two" : null }, rows.map((item) => {
      const swatch = h("i", { class: "swatch" });
      swatch.style.background = lineStyle(item.line, item.place).stroke;
      return h("li", { class: item === near ? "near" : null }, swatch, h("span", {}, wholeLabel(item.line)), h("b", {}, format(item.value, drawing.unit)));
    })),
    found.length === 0 ? h("p", { class: "quiet" }, "no value") : "",
    found.length > rows.length ? h("p", { class: "quiet" }, `and ${found.length - rows.length} more in the legend`) : "",
  );
  element.hidden = false;
  // In a corner its width is its own.
  element.style.left = element.style.top = "0";
  // Beside the cursor, on the side with more room, and inside the window.
  const area = plot.over.getBoundingClientRect();
  const left = area.left + plot.valToPos(plot.data[0][step], "x");
  const { offsetWidth: width, offsetHeight: height } = element;
  const isRight = left < innerWidth / 2;
  const x = isRight ? left + 16 : left - 16 - width;
  const y = area.top + Math.max(top, 0) - height / 3;
  element.style.left = `${Math.max(4, Math.min(x, document.documentElement.clientWidth - width - 4))}px`;
  element.style.top = `${Math.max(4, Math.min(y, innerHeight - height - 4))}px`;
}
