// Lines of values become a uPlot chart: stacked lines on each other, gaps as gaps.

import { colour, styleColour } from "./colour.js";
import { format, increments } from "./unit.js";

/** A minimum and a maximum step back and have the room between them filled; a limit is dashed. */
const LOW = /\.min(imum)?$/;
const HIGH = /\.max(imum)?$/;
const DASHED = /\.(limit|desired|size)$/;

/** How a line is drawn; `place` is its place in the whole graph, shown or not. */
export function lineStyle(line, place) {
  const faint = isBound(line);
  return {
    stroke: colour(line, place, faint ? 0.35 : 1),
    width: faint || DASHED.test(line.metric) ? 1 : 1.5,
    dash: DASHED.test(line.metric) ? [6, 4] : undefined,
  };
}

/** Whether a line is a minimum or a maximum, which lie behind the others. */
export function isBound({ metric }) {
  return LOW.test(metric) || HIGH.test(metric);
}

/** The columns for uPlot: time, then each line, the stacked ones summed up. */
export function columns(drawing, lines) {
  const times = Array.from({ length: drawing.count }, (_, place) => drawing.from + place * drawing.step);
  const sums = new Array(drawing.count).fill(0);
  return [times, ...lines.map(({ line }) =>
    line.stacked ? line.values.map((value, place) => (value === null ? null : (sums[place] += value))) : line.values)];
}

/**
 * A chart in `target` of `lines`, each `{ line, place }`. `on.cursor` is called with the place of the
 * step under the cursor and the distance from the top, `on.select` with a range that was drawn, `on.drawn` once.
 */
export function chart(target, size, drawing, lines, on) {
  const text = styleColour("quiet");
  const grid = { stroke: styleColour("grid"), width: 1 };
  const axis = { stroke: text, grid, ticks: { ...grid, size: 4 }, font: "12px Arial, sans-serif" };
  let isDrawn = false;
  return new uPlot({
    ...size,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false, dist: 5 },
      points: { show: lines.length <= 24, size: 7, width: 2 },
      sync: { key: "time" },
    },
    scales: {
      x: { range: (plot) => [plot.data[0][0], plot.data[0].at(-1)] },
      y: { range: (_, low, high) => reach(low, high, drawing.unit) },
    },
    axes: [
      { ...axis, size: 30, values: (_, times, __, ___, distance) => times.map((time) => clock(time, distance)) },
      { ...axis, incrs: increments(drawing.unit), size: (_, labels) => 18 + 6.5 * Math.max(2, ...(labels ?? []).map((label) => label.length)), values: (_, values) => values.map((value) => format(value, drawing.unit)) },
    ],
    series: [{}, ...lines.map(({ line, place }) => ({
      ...lineStyle(line, place),
      fill: line.stacked && isLowest(lines, line) ? colour(line, place, 0.25) : undefined,
      points: { size: 4, filter: (plot, series, all) => (all ? null : lone(plot.data[series])) },
    }))],
    bands: bands(lines),
    hooks: {
      setCursor: [(plot) => on.cursor(plot.cursor.idx, plot.cursor.top)],
      setSelect: [(plot) => {
        if (plot.select.width === 0) return;
        const ends = [plot.select.left, plot.select.left + plot.select.width].map((left) => Math.round(plot.posToVal(left, "x")));
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        on.select(...ends);
      }],
      draw: [() => {
        if (!isDrawn) on.drawn();
        isDrawn = true;
      }],
    },
  }, columns(drawing, lines), target);
}

/** From zero, unless there is less, to a little above the highest. */
function reach(low, high, unit) {
  if (low === null || high === null) return [0, 1];
  const least = unit === "integer" ? 1 : unit === "percentage" ? 0.1 : Number.MIN_VALUE;
  const room = Math.max((high - Math.min(low, 0)) * 0.08, 0);
  const top = Math.max(high, 0) + room;
  return [low < 0 ? low - room : 0, top > 0 ? Math.max(top, least * 1.08) : 1];
}

function isLowest(lines, line) {
  return lines.find((other) => other.line.stacked).line === line;
}

/** Each stacked line is filled down to the one before, each maximum down to its minimum. */
function bands(lines) {
  const numbered = lines.map(({ line, place }, index) => ({ line, place, series: index + 1 }));
  const stacked = numbered.filter(({ line }) => line.stacked);
  const between = stacked.slice(1).map((above, before) => [above, stacked[before]]);
  const plain = numbered.filter(({ line }) => !line.stacked);
  for (const above of plain.filter(({ line }) => HIGH.test(line.metric))) {
    const stem = ({ line }, end) => `${line.group} ${line.metric.replace(end, "")}`;
    const below = plain.find((other) => LOW.test(other.line.metric) && stem(other, LOW) === stem(above, HIGH));
    if (below) between.push([above, below]);
  }
  return between.map(([above, below]) => ({
    series: [above.series, below.series],
    fill: colour(above.line, above.place, above.line.stacked ? 0.25 : 0.16),
  }));
}

/** Values between two gaps, which no line would show. */
function lone(values) {
  const found = [];
  values.forEach((value, place) => {
    if (value !== null && (values[place - 1] ?? null) === null && (values[place + 1] ?? null) === null) found.push(place);
  });
  return found;
}

/** The time of day, and the date where a day begins. */
function clock(seconds, distance) {
  const date = new Date(seconds * 1000);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  return distance >= 86400 || isMidnight
    ? date.toLocaleDateString(undefined, { month: "short", day: "numeric" })
    : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}
