// One host: what it is, its checks, its graphs or one of them alone, and what was registered with it.

import { grid, Card, refreshIfLive } from "./card.js";
import { eachMinute, get } from "./data.js";
import { ago, badge, h, moment, roleLinks, show, tree } from "./dom.js";
import { kind } from "./hosts.js";
import { keepRange, rangeControl } from "./range.js";

export async function hostPage(id) {
  const path = `/hosts/${encodeURIComponent(id)}`;
  const host = await get(`hosts/${encodeURIComponent(id)}`);
  const card = (graph, isLarge = false) => ({
    ...graph, isLarge,
    source: `hosts/${encodeURIComponent(id)}/graph`,
    query: { graph: graph.name },
    href: `${path}?${new URLSearchParams({ graph: graph.name })}`,
  });
  const wanted = new URLSearchParams(location.search).get("graph");
  if (wanted !== null) {
    const graph = host.graphs.find(({ name }) => name === wanted) ?? { name: wanted, title: wanted, unit: "float" };
    const back = h("p", { class: "path" }, h("a", { href: path, "data-keep": true }, host.title));
    show(`${graph.title} · ${host.title}`, h("div", { class: "head" }, back, rangeControl()), new Card(card(graph, true)).element);
  } else {
    const facts = h("div", { class: "facts" }, factsOf(host));
    show(host.title,
      h("div", { class: "head" }, h("h1", {}, host.title), rangeControl()),
      facts,
      checks(host),
      h("h2", { class: "unseen" }, "Graphs"),
      host.graphs.length > 0 ? grid(host.graphs.map((graph) => card(graph))) : h("p", { class: "quiet" }, "No value has been posted yet."),
      about(host));
    eachMinute(async () => {
      facts.replaceChildren(...[factsOf(await get(`hosts/${encodeURIComponent(id)}`))].flat().filter(Boolean));
      keepRange(facts);
    });
  }
  keepRange();
  eachMinute(refreshIfLive);
}

function factsOf(host) {
  const fact = (name, ...value) => h("span", {}, h("span", { class: "quiet" }, `${name} `), value);
  return [
    badge(host.status),
    host.alerts > 0 && h("a", { href: "/alerts", class: "badge critical" }, `${host.alerts} open ${host.alerts === 1 ? "alert" : "alerts"}`),
    host.title !== host.name && fact("name", host.name),
    kind(host) && fact("kind", kind(host)),
    fact("size", host.size),
    host.roles.length > 0 && fact("roles", roleLinks(host.roles)),
    fact("metrics", String(host.metrics)),
    fact("last point", ago(host.newest, host.now)),
  ];
}

function checks({ checks: found, now }) {
  if (found.length === 0) return null;
  return h("ul", { class: "checks", "aria-label": "Checks" }, found.map(({ name, memo, status, message, occurredAt }) =>
    h("li", {}, badge(status), h("b", {}, name), h("span", {}, message), h("span", { class: "quiet" }, memo), ago(occurredAt, now))));
}

function about(host) {
  const fold = (title, value) => value !== null && Object.keys(value).length > 0 && h("details", {}, h("summary", {}, title), tree(value));
  const { cloud, ...meta } = host.meta;
  return h("section", { class: "about" }, h("h2", {}, "About this host"),
    tree({ id: host.id, ...(host.customIdentifier && { "custom identifier": host.customIdentifier }), registered: moment(host.createdAt), ...(host.memo && { memo: host.memo }) }),
    cloud && h("details", { open: true }, h("summary", {}, `Cloud: ${cloud.provider ?? "unnamed"}`), tree(cloud.metadata ?? cloud)),
    fold("Meta", meta), fold("Interfaces", host.interfaces), fold("Metadata", host.metadata));
}
