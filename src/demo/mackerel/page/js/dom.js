// Elements made of values. Text becomes text nodes, never markup.

/** An element: attributes by name (what ARIA calls true and false is spelled out), `on` for listeners; children are text, nodes, lists of them, or nothing. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name.startsWith("aria-") && typeof value === "boolean") {
      element.setAttribute(name, value);
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Puts a view on the page, under a title. */
export function show(title, ...children) {
  document.title = `${title} · Local Mackerel`;
  document.querySelector("main").replaceChildren(...children.flat(Infinity).filter(Boolean));
}

/** A status as a coloured word. */
export function badge(status) {
  return h("span", { class: `badge ${String(status).toLowerCase()}` }, status);
}

/** The roles of a host as links to their views. */
export function roleLinks(roles) {
  return roles.map(([service, role], place) => [
    place > 0 && ", ",
    h("a", { href: `/services/${encodeURIComponent(service)}`, "data-keep": true }, service),
    ":",
    h("a", { href: `/services/${encodeURIComponent(service)}/${encodeURIComponent(role)}`, "data-keep": true }, role),
  ]);
}

/** How long ago a moment was, with the moment itself under the pointer; `late` seconds make it stand out. */
export function ago(seconds, now, late = Infinity) {
  if (seconds === null || seconds === undefined) return h("span", { class: "quiet" }, "never");
  const date = new Date(seconds * 1000);
  // A client may have told a time that no calendar holds.
  if (Number.isNaN(date.valueOf())) return h("span", { class: "quiet" }, String(seconds));
  const age = now - seconds;
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const [size, unit] = units.find(([size]) => age >= size) ?? [1, "s"];
  return h("time", { datetime: date.toISOString(), title: moment(seconds), class: age > late ? "late" : null },
    age < 60 ? "just now" : `${Math.floor(age / size)} ${unit} ago`);
}

/** A moment as date and time of day in the reader's time zone. */
export function moment(seconds) {
  return new Date(seconds * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
}

/** Any JSON as nested lists of names and values. */
export function tree(value) {
  if (value === null || typeof value !== "object") return h("span", {}, String(value));
  const entries = Object.entries(value);
  if (entries.length === 0) return h("span", { class: "quiet" }, "none");
  const isPlain = Array.isArray(value) && value.every((item) => item === null || typeof item !== "object");
  if (isPlain) return h("span", {}, value.join(", "));
  return h("dl", { class: "tree" }, entries.map(([name, item]) => h("div", {}, h("dt", {}, name), h("dd", {}, tree(item)))));
}
