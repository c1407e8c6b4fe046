// From the address to the view.

import { alertsPage } from "./alerts.js";
import { h, show } from "./dom.js";
import { hostPage } from "./host.js";
import { hostsPage } from "./hosts.js";
import { keepRange } from "./range.js";
import { servicePage, servicesPage } from "./services.js";

const [page = "hosts", ...names] = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
const views = {
  hosts: () => (names.length > 0 ? hostPage(...names) : hostsPage()),
  services: () => (names.length > 0 ? servicePage(...names) : servicesPage()),
  alerts: alertsPage,
};

document.querySelector(`nav a[data-page="${CSS.escape(page)}"]`)?.setAttribute("aria-current", "page");
keepRange();
try {
  await views[page]();
} catch (error) {
  show("Not found", h("h1", {}, "This cannot be shown"), h("p", { role: "alert" }, error.message));
}
performance.mark("shown");
