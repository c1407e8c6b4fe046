"""Walks through the calls of the package mackerel.client against the server whose address is the only
argument, and ends with an error at the first answer that it cannot read or that is not true."""

import sys
import time

import requests
from mackerel.client import Client, MackerelClientError

base = sys.argv[1]
client = Client(mackerel_origin=base, mackerel_api_key="local")

# It registers no hosts and makes no services.
headers = {"X-Api-Key": "local"}
requests.post(f"{base}/api/v0/services", json={"name": "shop"}, headers=headers).raise_for_status()
interfaces = [{"name": "eth0", "ipAddress": "10.0.0.1", "macAddress": "02:00:00:00:00:01"}]
body = {"name": "prod", "meta": {}, "interfaces": interfaces, "roleFullnames": ["shop:web"]}
made = requests.post(f"{base}/api/v0/hosts", json=body, headers=headers)
made.raise_for_status()
host_id = made.json()["id"]

host = client.get_host(host_id)
assert (host.name, host.roles, host.is_retired) == ("prod", {"shop": ["web"]}, False), host
assert (host.ip_addr(), host.mac_addr()) == ("10.0.0.1", "02:00:00:00:00:01")
assert [host.id for host in client.get_hosts(service="shop", role="web")] == [host_id]
client.update_host_status(host_id, "poweroff")
assert client.get_hosts(name="prod") == []
assert len(client.get_hosts(name="prod", status="poweroff")) == 1
now = int(time.time())
point = {"hostId": host_id, "name": "custom.a.b", "time": now, "value": 1.5}
assert client.post_metrics([point]) == {"success": True}
latest = client.get_latest_metrics([host_id], ["custom.a.b", "custom.none"])["tsdbLatest"][host_id]
assert latest == {"custom.a.b": {"time": now // 60 * 60, "value": 1.5}, "custom.none": None}, latest
client.post_service_metrics("shop", [{"name": "beat", "time": now, "value": 1}])
try:
    client.post_service_metrics("none", [{"name": "beat", "time": now, "value": 1}])
    sys.exit("an unknown service was taken")
except MackerelClientError as error:
    assert "404" in str(error), error
client.retire_host(host_id)
assert client.get_host(host_id).is_retired
print("done")
