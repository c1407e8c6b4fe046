// The range of time that the graphs show. It is kept in the address, so that a link shows the same.

import { h } from "./dom.js";

const PERIODS = ["30m", "1h", "3h", "6h", "12h", "24h"];
const DEFAULT = "3h";
const UNITS = { m: 60, h: 3600, d: 86400 };

/** `{ period }`, the last of something, or `{ from, to }` in epoch seconds. */
export function range() {
  const query = new URLSearchParams(location.search);
  const [from, to] = ["from", "to"].map((name) => Number(query.get(name)));
  if (query.has("from") && query.has("to") && from < to) return { from, to };
  const period = query.get("period");
  return { period: /^[1-9]\d{0,3}[mhd]$/.test(period) ? period : DEFAULT };
}

/** The range as the server wants it. */
export function rangeQuery({ period, from, to } = range()) {
  return period ? { period: parseInt(period) * UNITS[period.at(-1)] } : { from, to };
}

/** Whether the range moves on with time. */
export function isLive() {
  return range().period !== undefined;
}

/** Goes to another range, which is a step in the browser's history. */
export function setRange(next) {
  history.pushState(null, "", withRange(location.href, next));
  changed();
}

/** Calls back whenever the range changes. */
export function onRange(callback) {
  document.addEventListener("range", callback);
}

/** The links that keep the range lead to where they lead, with the range of now. */
export function keepRange(root = document) {
  for (const link of root.querySelectorAll("a[data-keep]")) link.href = withRange(link.href, range());
}

/** The buttons and fields that choose a range. */
export function rangeControl() {
  const buttons = PERIODS.map((period) =>
    h("button", { type: "button", on: { click: () => setRange({ period }) } }, period.replace(/(\D)$/, " $1")));
  const [from, to] = ["From", "To"].map((label) => h("input", { type: "datetime-local", required: true, "aria-label": label }));
  const form = h("form", {
    on: {
      submit(event) {
        event.preventDefault();
        const [start, end] = [from, to].map((input) => Math.floor(new Date(input.value) / 1000));
        to.setCustomValidity(start < end ? "" : "This must be after the start.");
        if (to.reportValidity()) {
          free.open = false;
          setRange({ from: start, to: end });
        }
      },
    },
  }, h("label", {}, "From", from), h("label", {}, "To", to), h("button", {}, "Show"));
  to.addEventListener("input", () => to.setCustomValidity(""));
  const summary = h("summary", {});
  const free = h("details", { class: "free" }, summary, form);
  const update = () => {
    const now = range();
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", PERIODS[place] === now.period));
    const { period } = rangeQuery(now);
    const end = now.to ?? Date.now() / 1000;
    from.value = local(now.from ?? end - period);
    to.value = local(end);
    summary.classList.toggle("chosen", !PERIODS.includes(now.period));
    summary.textContent = now.period ? (PERIODS.includes(now.period) ? "Other" : now.period) : spoken(now);
  };
  update();
  onRange(update);
  return h("div", { class: "range", role: "group", "aria-label": "Range of time" }, h("div", { class: "choices" }, buttons), free);
}

addEventListener("popstate", changed);

function changed() {
  keepRange();
  document.dispatchEvent(new Event("range"));
}

function withRange(address, next) {
  const url = new URL(address);
  for (const name of ["period", "from", "to"]) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(next)) {
    if (name !== "period" || value !== DEFAULT) url.searchParams.set(name, value);
  }
  return url.href;
}

function local(seconds) {
  const date = new Date(seconds * 1000);
  return new Date(date - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function spoken({ from, to }) {
  const text = (seconds, options) => new Date(seconds * 1000).toLocaleString(undefined, { hourCycle: "h23", ...options });
  const time = { hour: "2-digit", minute: "2-digit" };
  const day = { month: "short", day: "numeric" };
  const sameDay = text(from, day) === text(to, day);
  return `${text(from, { ...day, ...time })} – ${text(to, sameDay ? time : { ...day, ...time })}`;
}
