// The list of hosts, with a field that filters it.

import { get, eachMinute } from "./data.js";
import { ago, badge, h, roleLinks, show } from "./dom.js";
import { keepRange } from "./range.js";

const LATE_SECONDS = 10 * 60;

export async function hostsPage() {
  const filter = h("input", {
    type: "search", placeholder: "Filter by name, role, status, kind", "aria-label": "Filter the hosts",
    value: new URLSearchParams(location.search).get("q") ?? "",
    on: { input: () => { remember(filter.value); draw(); } },
  });
  const living = h("tbody", {});
  const retired = h("tbody", {});
  const count = h("p", { class: "quiet", role: "status" });
  const old = h("details", { class: "retired" }, h("summary", {}), table(retired));
  let hosts = [];
  let now = 0;

  const draw = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = hosts.filter((host) => words.every((word) => searched(host).includes(word)));
    const [gone, here] = [true, false].map((isRetired) => found.filter((host) => (host.retiredAt !== null) === isRetired));
    living.replaceChildren(...here.map((host) => row(host, now)));
    retired.replaceChildren(...gone.map((host) => row(host, now)));
    old.hidden = gone.length === 0;
    old.firstChild.textContent = `Retired (${gone.length})`;
    const all = hosts.filter((host) => host.retiredAt === null).length;
    count.textContent = all === 0 ? "No host has been registered yet."
      : here.length === all ? `${all} ${all === 1 ? "host" : "hosts"}` : `${here.length} of ${all} hosts`;
    keepRange();
  };
  const load = async () => {
    const answer = await get("hosts");
    ({ hosts, now } = answer);
    draw();
  };
  await load();
  show("Hosts", h("div", { class: "head" }, h("h1", {}, "Hosts"), filter), count, table(living), old);
  keepRange();
  eachMinute(load);
}

function table(body) {
  const columns = ["Host", "Status", "Kind", "Size", "Roles", "Metrics", "Alerts", "Last point"];
  return h("div", { class: "scroll" }, h("table", { class: "list" },
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: name === "Metrics" || name === "Alerts" ? "n" : null }, name)))), body));
}

function row(host, now) {
  const cell = (label, ...children) => h("td", { "data-label": label }, children);
  const number = (label, ...children) => h("td", { "data-label": label, class: "n" }, children);
  return h("tr", { "data-host": host.id },
    h("th", { scope: "row" }, h("a", { href: `/hosts/${encodeURIComponent(host.id)}`, "data-keep": true }, host.title),
      host.title !== host.name && h("small", {}, host.name)),
    cell("Status", badge(host.status)),
    cell("Kind", kind(host)),
    cell("Size", host.size),
    cell("Roles", host.roles.length > 0 ? roleLinks(host.roles) : h("span", { class: "quiet" }, "none")),
    number("Metrics", String(host.metrics)),
    number("Alerts", host.alerts > 0 ? h("a", { href: "/alerts", class: "badge critical" }, String(host.alerts)) : h("span", { class: "quiet" }, "0")),
    cell("Last point", ago(host.newest, now, host.retiredAt === null ? LATE_SECONDS : Infinity)));
}

/** What a host is: its cloud, or the agent that registered it. */
export function kind({ provider, agent }) {
  return provider ?? agent ?? "";
}

function searched(host) {
  const roles = host.roles.map((role) => role.join(":"));
  return [host.title, host.name, host.id, host.status, host.size, kind(host), ...roles].join(" ").toLowerCase();
}

function remember(text) {
  const url = new URL(location.href);
  if (text) url.searchParams.set("q", text);
  else url.searchParams.delete("q");
  history.replaceState(null, "", url);
}
