// The alerts: those that are open, and those that were.

import { eachMinute, get } from "./data.js";
import { ago, badge, h, show } from "./dom.js";
import { keepRange } from "./range.js";

export async function alertsPage() {
  const load = async () => {
    const { alerts, now } = await get("alerts");
    const [open, closed] = [true, false].map((isOpen) => alerts.filter((alert) => (alert.closedAt === null) === isOpen));
    show("Alerts", h("h1", {}, "Alerts"),
      open.length === 0 ? h("p", { class: "quiet" }, "No alert is open.") : table(open, now),
      closed.length > 0 && [h("h2", {}, "Closed"), table(closed, now)]);
    keepRange();
  };
  await load();
  eachMinute(load);
}

function table(alerts, now) {
  const columns = ["Status", "Monitor", "Where", "What", "Opened", "Closed"];
  return h("div", { class: "scroll" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, alerts.map((alert) => h("tr", { "data-alert": alert.id },
      h("td", { "data-label": "Status" }, badge(alert.status)),
      h("td", { "data-label": "Monitor" }, alert.monitor, h("small", {}, alert.type)),
      h("td", { "data-label": "Where" }, place(alert)),
      h("td", { "data-label": "What" }, what(alert), alert.reason && h("small", {}, alert.reason)),
      h("td", { "data-label": "Opened" }, ago(alert.openedAt, now)),
      h("td", { "data-label": "Closed" }, alert.closedAt === null ? "" : ago(alert.closedAt, now)))))));
}

function place({ host, service }) {
  if (host) return h("a", { href: `/hosts/${encodeURIComponent(host.id)}`, "data-keep": true }, host.title);
  if (service) return h("a", { href: `/services/${encodeURIComponent(service)}`, "data-keep": true }, service);
  return "";
}

function what({ message, metric, value }) {
  return message ?? [metric, value !== null && value.toLocaleString("en-US", { maximumFractionDigits: 4 })].filter((part) => part !== null && part !== false).join(" is ");
}
