// One graph on the page: fetched when it comes into view, drawn, drawn again each minute, read with the
// pointer or the arrow keys.

import { onScheme } from "./colour.js";
import { get } from "./data.js";
import { h } from "./dom.js";
import { legend, wholeLabel } from "./legend.js";
import { chart, columns, isBound } from "./plot.js";
import { isLive, onRange, rangeQuery, setRange } from "./range.js";
import { hideTooltip, showTooltip, stepTime, valuesAt } from "./tooltip.js";
import { format, unitName } from "./unit.js";

const cards = new Set();
const inView = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.card.isInView = isIntersecting;
    if (isIntersecting) target.card.freshen();
  }
}, { rootMargin: "200px" });

/** Fetches the graphs in view again, and the others when they come into view. */
export function refreshGraphs() {
  for (const card of cards) card.outdate();
}

onRange(refreshGraphs);
onScheme(() => cards.forEach((card) => card.drawing && card.draw()));

/**
 * A graph: `source` is where its data is below `/page/data`, `query` what to ask there, `href` the
 * page of this graph alone. `isLarge` makes it fill the window.
 */
export class Card {
  constructor({ title, unit, source, query, href, isLarge = false }) {
    Object.assign(this, { source, query, isLarge, isStale: true, isInView: false, chosen: {} });
    this.hint = h("span", { class: "note", role: "status" }, "…");
    this.stage = h("div", { class: "stage", tabindex: 0, role: "group", "aria-roledescription": "graph", "aria-label": `${title}; left and right arrow keys read its values` });
    this.side = h("div", { class: "side" });
    this.spoken = h("p", { class: "unseen", "aria-live": "polite" });
    const heading = h(isLarge ? "h1" : "h3", {}, isLarge ? title : h("a", { href, "data-keep": true }, title));
    this.element = h("article", { class: isLarge ? "card large" : "card", "data-graph": query.graph },
      h("header", {}, heading, h("span", { class: "unit" }, unitName(unit)), this.hint),
      this.stage, this.side, this.spoken);
    this.element.card = this;
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("mouseenter", () => (this.isPointed = true));
    for (const event of ["mouseleave", "blur"]) this.stage.addEventListener(event, () => this.leave());
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.stage);
    inView.observe(this.element);
    cards.add(this);
  }

  /** Asks another question from now on, and links to its answer. */
  ask(query) {
    this.query = { ...this.query, ...query };
    this.chosen = {};
    const link = this.element.querySelector("header a");
    if (link) {
      const url = new URL(link.href);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      link.href = url;
    }
    this.outdate();
  }

  /** What is drawn is old. */
  outdate() {
    this.isStale = true;
    if (this.isInView) this.freshen();
  }

  async freshen() {
    if (!this.isStale) return;
    this.isStale = false;
    this.request?.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    const start = performance.now();
    this.element.setAttribute("aria-busy", "true");
    try {
      const drawing = await get(this.source, { ...this.query, ...rangeQuery() }, signal);
      if (!signal.aborted) this.take(drawing, start);
    } catch (error) {
      if (signal.aborted) return;
      this.isStale = true;
      this.hint.textContent = error.message;
    }
    this.element.setAttribute("aria-busy", "false");
  }

  /** The chart stays and gets other values where the lines are the same: nothing flickers. */
  take(drawing, start) {
    const shape = ({ unit, lines }) => JSON.stringify([unit, lines.map(({ metric, label, group, stacked }) => [metric, label, group, stacked])]);
    const isSame = this.drawing !== undefined && shape(this.drawing) === shape(drawing);
    this.drawing = drawing;
    this.hint.textContent = drawing.omitted > 0 ? `the first ${drawing.lines.length} of ${drawing.lines.length + drawing.omitted} lines`
      : drawing.lines.every(({ values }) => values.every((value) => value === null)) ? "no values in this time" : "";
    const arrived = performance.now();
    const done = () => {
      performance.measure("graph", { start, detail: drawing.name });
      performance.measure("draw", { start: arrived, detail: drawing.name });
    };
    if (!isSame) return this.draw(done);
    this.lines = this.shownLines();
    this.plot.setData(columns(drawing, this.lines));
    this.drawLegend();
    if (this.isRead()) this.read(this.plot.cursor.idx, this.plot.cursor.top);
    done();
  }

  draw(done = () => {}) {
    this.drawLegend();
    this.lines = this.shownLines();
    this.plot?.destroy();
    this.plot = chart(this.stage, this.size(), this.drawing, this.lines, {
      cursor: (step, top) => this.isRead() && this.read(step, top),
      select: (from, to) => to - from >= 60 && setRange({ from, to }),
      drawn: done,
    });
  }

  drawLegend() {
    const scroll = this.side.firstChild?.scrollTop ?? 0;
    const focused = [...this.side.querySelectorAll("button")].indexOf(document.activeElement);
    this.legend = legend(this.drawing, this.chosen, (chosen) => {
      this.chosen = chosen;
      this.draw();
    });
    this.side.replaceChildren(this.legend.element);
    this.legend.element.scrollTop = scroll;
    if (focused >= 0) this.side.querySelectorAll("button")[focused]?.focus();
  }

  shownLines() {
    const shown = this.drawing.lines.map((line, place) => ({ line, place })).filter(({ line }) => this.legend.isShown(line));
    return shown.sort((a, b) => isBound(b.line) - isBound(a.line));
  }

  size() {
    const { clientWidth: width } = this.stage;
    const height = this.isLarge ? Math.max(280, Math.min(innerHeight * 0.58, 640)) : 210;
    return { width, height };
  }

  isRead() {
    return this.isPointed || document.activeElement === this.stage;
  }

  /** Shows the values at a step, or hides them where there is none. */
  read(step, top) {
    this.legend.showValues(step ?? null);
    if (step === null || step === undefined) hideTooltip();
    else showTooltip(this.plot, this.drawing, this.lines, step, top);
  }

  leave() {
    this.isPointed = false;
    hideTooltip();
    this.legend?.showValues(null);
  }

  /** The arrow keys move the cursor, with Shift by ten steps; Escape takes it away. */
  key(event) {
    if (!this.plot) return;
    const last = this.drawing.count - 1;
    const now = this.plot.cursor.idx ?? last + 1;
    const stride = event.shiftKey ? 10 : 1;
    const step = { ArrowLeft: now - stride, ArrowRight: now + stride, Home: 0, End: last }[event.key];
    if (event.key === "Escape") this.plot.setCursor({ left: -10, top: -10 });
    if (step === undefined) return;
    event.preventDefault();
    const place = Math.max(0, Math.min(step, last));
    const values = valuesAt(this.lines, place);
    const top = values.length > 0 ? this.plot.valToPos(this.plot.data[values[0].index + 1][place], "y") : 0;
    this.plot.setCursor({ left: this.plot.valToPos(this.plot.data[0][place], "x"), top });
    const spoken = values.slice(0, 5).map(({ line, value }) => `${wholeLabel(line)} ${format(value, this.drawing.unit)}`);
    this.spoken.textContent = `${stepTime(this.drawing, place)}: ${spoken.join(", ") || "no value"}`;
  }
}

/** Cards for these graphs under a heading, in a grid. */
export function grid(graphs) {
  return h("div", { class: "grid" }, graphs.map((graph) => new Card(graph).element));
}

/** Refreshes the graphs each minute while the range moves on. */
export function refreshIfLive() {
  if (isLive()) refreshGraphs();
}
