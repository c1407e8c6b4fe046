"""Measure the local Mackerel as a process of its own: posting, and reading a day back.

Usage: mackerel.py PROGRAM [--hosts 10] [--metrics 200] [--connections 4]

It starts `serve` on a file of its own. First 100 hosts of 30 metrics post an hour, one post per host and
minute, as agents do. Then HOSTS hosts of METRICS metrics post a day, minute by minute, and the day of one
metric and of all metrics of one host is read back. `--hosts 100` is the 28.8 million points that the
server is made for. Peak memory is the kernel's own accounting of the finished process.
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

HEADERS = {"X-Api-Key": "local", "Content-Type": "application/json"}
DAY = 1440


class Server:
    def __init__(self, program, database):
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--database", database],
            stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if "MACKEREL_APIBASE=" in line:
                address = line.split("MACKEREL_APIBASE=http://")[1].split()[0]
                break
        else:
            sys.exit("the server did not start")
        self.host, port = address.rsplit(":", 1)
        self.port = int(port)

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def ask(connection, method, path, body=None):
    connection.request(method, path, body, HEADERS)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        sys.exit(f"{method} {path}: {answer.status} {text[:200]}")
    return json.loads(text)


def register(server, count, name):
    connection = server.connect()
    bodies = (json.dumps({"name": f"{name}{number}", "meta": {}}) for number in range(count))
    return [ask(connection, "POST", "/api/v0/hosts", body)["id"] for body in bodies]


def post(server, hosts, metrics, minutes, connections):
    """Posts all hosts' metrics minute by minute and gives the points a second."""
    templates = [
        "[" + ",".join('{"hostId":"%s","name":"custom.group%d.metric%d","time":@,"value":%.6f}'
                       % (host, metric // 10, metric, random.random() * 100)
                       for metric in range(metrics)) + "]"
        for host in hosts]
    shares = [templates[part::connections] for part in range(connections)]

    def run(share):
        connection = server.connect()
        for minute in minutes:
            for template in share:
                ask(connection, "POST", "/api/v0/tsdb", template.replace("@", str(minute * 60)))

    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        list(pool.map(run, shares))
    return len(hosts) * metrics * len(minutes) / (time.monotonic() - began)


def read(connection, host, names, newest):
    began = time.monotonic()
    for name in names:
        path = f"/api/v0/hosts/{host}/metrics?name={name}&from={(newest - DAY) * 60}&to={newest * 60}"
        points = ask(connection, "GET", path)["metrics"]
        if len(points) != DAY - 1:
            sys.exit(f"{len(points)} points of {DAY - 1} came back")
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--hosts", type=int, default=10)
    parser.add_argument("--metrics", type=int, default=200)
    parser.add_argument("--connections", type=int, default=4)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "store.db")
        server = Server(arguments.program, database)
        newest = int(time.time()) // 60
        agents = register(server, 100, "agent")
        small = post(server, agents, 30, range(newest - 59, newest + 1), arguments.connections)
        hosts = register(server, arguments.hosts, "large")
        minutes = range(newest - DAY + 2, newest + 1)
        large = post(server, hosts, arguments.metrics, minutes, arguments.connections)
        points = arguments.hosts * arguments.metrics * len(minutes)
        connection = server.connect()
        host = random.choice(hosts)
        names = ask(connection, "GET", f"/api/v0/hosts/{host}/metric-names")["names"]
        one = min(read(connection, host, [random.choice(names)], newest) for _ in range(20))
        whole = min(read(connection, host, names, newest) for _ in range(3))
        server.stop()
        stored = os.path.getsize(database)
        everything = points + 100 * 30 * 60
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"The local Mackerel, {len(hosts)} hosts of {arguments.metrics} metrics, "
          f"{points / 1e6:.1f} million points:")
    for what, value in [
            ("posting, 30 points a post", f"{small:,.0f} points/s"),
            (f"posting, {arguments.metrics} points a post", f"{large:,.0f} points/s"),
            ("a day of one metric", f"{one * 1e3:.1f} ms"),
            (f"a day of {len(names)} metrics", f"{whole * 1e3:.0f} ms"),
            ("file", f"{stored / 1e6:.0f} MB, {stored / everything:.1f} bytes a point"),
            ("peak memory", f"{memory:.0f} MB")]:
        print(f"  {what:<30} {value}")


if __name__ == "__main__":
    main()
