// The list of services, and the view of one service or role: its own metrics and those of its hosts, in
// sum or each.

import { Card, refreshIfLive } from "./card.js";
import { eachMinute, get } from "./data.js";
import { ago, badge, h, show } from "./dom.js";
import { keepRange, rangeControl } from "./range.js";

export async function servicesPage() {
  const { services, now } = await get("services");
  const link = (...names) => `/services/${names.map(encodeURIComponent).join("/")}`;
  show("Services", h("h1", {}, "Services"),
    services.length === 0 ? h("p", { class: "quiet" }, "There is no service yet.")
      : h("div", { class: "scroll" }, h("table", { class: "list" },
        h("thead", {}, h("tr", {}, ["Service", "Roles", "Hosts", "Metrics", "Last point"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, services.map((service) => h("tr", {},
          h("th", { scope: "row" }, h("a", { href: link(service.name), "data-keep": true }, service.name), service.memo && h("small", {}, service.memo)),
          h("td", { "data-label": "Roles" }, service.roles.map((role, place) => [place > 0 && ", ", h("a", { href: link(service.name, role.name), "data-keep": true }, role.name), ` (${role.hosts})`])),
          h("td", { "data-label": "Hosts" }, String(service.hosts)),
          h("td", { "data-label": "Metrics" }, String(service.metrics)),
          h("td", { "data-label": "Last point" }, ago(service.newest, now))))))));
  keepRange();
}

export async function servicePage(name, role) {
  const service = await get(`services/${encodeURIComponent(name)}`, role === undefined ? {} : { role });
  const title = role === undefined ? name : `${name}: ${role}`;
  const query = new URLSearchParams(location.search);
  const by = query.get("by") === "host" ? "host" : "sum";
  const source = `services/${encodeURIComponent(name)}/graph`;
  const card = (graph, of, isLarge = false) => ({
    ...graph, isLarge, source,
    query: { graph: graph.name, by: of, ...(role !== undefined && { role }) },
    href: `${location.pathname}?${new URLSearchParams({ graph: graph.name, by: of })}`,
  });
  const wanted = query.get("graph");
  const ofHosts = [];
  const add = (graph, of, isLarge) => {
    const added = new Card(card(graph, of, isLarge));
    if (of !== "service") ofHosts.push(added);
    return added.element;
  };
  if (wanted !== null) {
    const isOwn = query.get("by") === "service";
    const graphs = isOwn ? service.serviceGraphs : service.graphs;
    const graph = graphs.find((graph) => graph.name === wanted) ?? { name: wanted, title: wanted, unit: "float" };
    const back = h("p", { class: "path" }, h("a", { href: location.pathname, "data-keep": true }, title), !isOwn && sumOrEach(by, ofHosts));
    show(`${graph.title} · ${title}`, h("div", { class: "head" }, back, rangeControl()), add(graph, isOwn ? "service" : by, true));
  } else {
    show(title,
      h("div", { class: "head" }, h("h1", {}, title), rangeControl()),
      service.memo && h("p", {}, service.memo),
      links(service, role),
      service.serviceGraphs.length > 0 && h("section", {}, h("h2", {}, "Service metrics"), h("div", { class: "grid" }, service.serviceGraphs.map((graph) => add(graph, "service")))),
      service.graphs.length > 0 && h("section", {},
        h("div", { class: "head" }, h("h2", {}, service.hosts.length === 1 ? "Its host" : `Its ${service.hosts.length} hosts`), sumOrEach(by, ofHosts)),
        h("div", { class: "grid" }, service.graphs.map((graph) => add(graph, by)))));
  }
  keepRange();
  eachMinute(refreshIfLive);
}

/** Two buttons that show the hosts in sum or each; the choice is kept in the address. */
function sumOrEach(by, cards) {
  const buttons = [["sum", "Sum"], ["host", "Each host"]].map(([value, label]) => h("button", {
    type: "button", "aria-pressed": value === by,
    on: {
      click({ target }) {
        buttons.forEach((button) => button.setAttribute("aria-pressed", button === target));
        const url = new URL(location.href);
        url.searchParams.set("by", value);
        history.replaceState(null, "", url);
        for (const card of cards) card.ask({ by: value });
      },
    },
  }, label));
  return h("div", { class: "choices", role: "group", "aria-label": "Hosts" }, buttons);
}

function links(service, role) {
  const base = `/services/${encodeURIComponent(service.name)}`;
  return h("div", { class: "facts" },
    role === undefined
      ? service.roles.map((role) => h("a", { href: `${base}/${encodeURIComponent(role)}`, "data-keep": true }, role))
      : h("a", { href: base, "data-keep": true }, `all of ${service.name}`),
    service.hosts.map((host) => h("span", {}, badge(host.status), " ", h("a", { href: `/hosts/${encodeURIComponent(host.id)}`, "data-keep": true }, host.title))));
}
