// The legend of a graph as a table: a row for each group or line, a column for each kind of line where
// groups have the same kinds. A button isolates its row or column. Cells hold the values at the cursor.

import { h } from "./dom.js";
import { lineStyle } from "./plot.js";
import { format } from "./unit.js";

const COLUMNS_MAX = 6;

/** What a line is within its group: its label without the group's name. */
export function kind({ group, label }) {
  if (group === null) return label;
  const rest = label.startsWith(`${group} `) ? label.slice(group.length + 1)
    : label.endsWith(` ${group}`) ? label.slice(0, -group.length - 1) : label;
  return rest === group ? "" : rest;
}

/** A label that tells the line without its group. */
export function wholeLabel({ group, label }) {
  return group === null || label.includes(group) ? label : `${group} ${label}`;
}

/** `{ element, isShown, showValues }`; `onSelect` is called when another choice of lines is to be shown. */
export function legend(drawing, chosen, onSelect) {
  const places = drawing.lines.map((line, place) => ({ line, place }));
  const kinds = [...new Set(places.map(({ line }) => kind(line)))];
  const isGrouped = drawing.lines.every((line) => line.group !== null) && kinds.length <= COLUMNS_MAX;
  const row = ({ line }) => (isGrouped ? line.group : wholeLabel(line));
  const rows = Map.groupBy(places, row);
  const columns = isGrouped ? kinds : [""];
  const isShown = (line) =>
    (chosen.row === undefined || chosen.row === row({ line })) &&
    (chosen.column === undefined || !isGrouped || chosen.column === kind(line));
  const button = (what, name, children) => h("button", {
    type: "button",
    "aria-pressed": chosen[what] === name,
    title: chosen[what] === name ? "Show all" : `Show only ${name}`,
    on: { click: () => onSelect({ ...chosen, [what]: chosen[what] === name ? undefined : name }) },
  }, children);

  const cells = new Map();
  const body = [...rows].map(([name, members]) => {
    const swatch = h("i", { class: "swatch" });
    swatch.style.background = lineStyle({ ...members[0].line, metric: "" }, members[0].place).stroke;
    return h("tr", { class: members.some(({ line }) => isShown(line)) ? null : "off" },
      h("th", { scope: "row" }, button("row", name, [swatch, h("span", {}, name)])),
      columns.map((column) => {
        const found = isGrouped ? members.find(({ line }) => kind(line) === column) : members[0];
        const cell = h("td", { class: found && !isShown(found.line) ? "off" : null });
        if (found) cells.set(found.place, cell);
        return cell;
      }));
  });
  const hasHead = isGrouped && kinds.some((name) => name !== "");
  const head = hasHead && h("thead", {}, h("tr", {}, h("td", {}), columns.map((name) => h("th", { scope: "col" }, button("column", name, name)))));

  /** The values at a step, or the newest of each line where there is no step. */
  const showValues = (step) => {
    for (const [place, cell] of cells) {
      const { values } = drawing.lines[place];
      const value = step === null ? values.findLast((value) => value !== null) : values[step];
      cell.textContent = format(value, drawing.unit);
    }
  };
  showValues(null);
  const element = h("div", { class: "legend", tabindex: rows.size > 6 ? 0 : null, role: "group", "aria-label": "Legend" }, h("table", {}, head, h("tbody", {}, body)));
  return { element, isShown, showValues };
}
