"""Measure the sidecar, `mackerel-ecs task`, as a process of its own over a day of minutes.

Usage: sidecar.py PROGRAM [--containers 10] [--speed 1200] [--tls] [--servers PROGRAM] [--json FILE]

It starts `demo --servers-only` with a simulated task of so many containers, and the sidecar of that
task between the two. Both are told to let the time pass faster (`--hurry`): the sidecar waits a
shorter while for each of its minutes and does the same work in them, so that a day of its work takes
little more than a minute. Resident memory is the kernel's own figure (/proc/PID/status) after an hour and after
a day of such minutes, CPU time that of the whole process; its share is that of a day of 86,400 s.

The program as it is deployed, without the demo, can't hurry: `--speed 1 --servers PROGRAM` lets it
live an hour as long as it is, between servers of a program that has them, and measures only that.

The posts go to loopback, with `--tls` through TLS as to the real Mackerel: verified with the system's
certificates and one more.
"""

import argparse
import asyncio
import json
import os
import pathlib
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HOUR, DAY = 3600, 86400


def start_servers(program, containers, hurry):
    servers = subprocess.Popen(
        [program, "demo", "--servers-only", *hurry, "--containers", str(containers)],
        stdout=subprocess.PIPE, text=True,
    )
    environment = {"AWS_EXECUTION_ENV": "AWS_ECS_FARGATE", "MACKEREL_HOST_ID_STORE": "memory",
                   "MACKEREL_CONTAINER_PLATFORM": "ecs"}
    for line in servers.stdout:
        words = line.split()
        if words[:1] == ["export"]:
            environment.update(word.split("=", 1) for word in words[1:])
        if words[-1:] == ["task"]:
            return servers, environment
    sys.exit("the servers did not start")


def status_of(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return {name: int(lines[name].split()[0]) / 1024
            for name in ("VmRSS", "VmHWM", "RssAnon", "RssFile")}


def cpu_seconds(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(environment, path):
    request = urllib.request.Request(f"{environment['MACKEREL_APIBASE']}/api/v0{path}",
                                     headers={"X-Api-Key": environment["MACKEREL_APIKEY"]})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def in_front_of(base, folder):
    """A server with TLS before one without; gives its address and a file with all certificates."""
    key, certificate, trusted = (str(folder / name) for name in ("key.pem", "cert.pem", "trusted.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )
    with open(trusted, "w", encoding="ascii") as file:
        for one in (SYSTEM_CERTIFICATES, certificate):
            file.write(pathlib.Path(one).read_text(encoding="ascii"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    host, port = base.removeprefix("http://").rsplit(":", 1)

    async def pump(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return f"https://localhost:{server.sockets[0].getsockname()[1]}", trusted


def measure(program, servers_program, containers, speed, tls):
    began = int(time.time())
    hurry = ["--hurry", f"{speed}@{began}"] if speed > 1 else []
    servers, environment = start_servers(servers_program, containers, hurry)
    plain = dict(environment)
    folder = tempfile.TemporaryDirectory()
    if tls:
        base, trusted = in_front_of(environment["MACKEREL_APIBASE"], pathlib.Path(folder.name))
        environment.update(MACKEREL_APIBASE=base, SSL_CERT_FILE=trusted)
    sidecar = subprocess.Popen([program, "task", "--log-level", "warn", *hurry], env=environment)
    try:
        started = time.monotonic()
        passed = lambda: (time.monotonic() - started) * speed
        time.sleep(HOUR / speed)
        after_hour = status_of(sidecar)
        lived, after_day = HOUR, None
        if speed > 1:
            time.sleep(max(0, (DAY - passed()) / speed))
            lived, after_day = DAY, status_of(sidecar)
        cpu = cpu_seconds(sidecar)
        hosts = ask(plain, "/hosts")["hosts"]
        names = ask(plain, f"/hosts/{hosts[0]['id']}/metric-names")["names"]
        until = began + int((time.time() - began) * speed)
        points = ask(plain, f"/hosts/{hosts[0]['id']}/metrics?name={names[0]}"
                                  f"&from={until - HOUR}&to={until}")["metrics"]
        sidecar.send_signal(signal.SIGTERM)
        stopping = time.monotonic()
        status = sidecar.wait(timeout=60)
        if status != 0:
            sys.exit(f"the sidecar ended with status {status}")
        return {"containers": containers, "series": len(names), "points_of_last_hour": len(points),
                "memory_mb_after_hour": after_hour, "memory_mb_after_day": after_day,
                "lived_s": lived, "cpu_s": cpu, "cpu_percent": 100 * cpu / lived,
                "stop_s": time.monotonic() - stopping}
    finally:
        sidecar.kill()
        servers.terminate()
        servers.wait()
        folder.cleanup()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--containers", type=int, default=10)
    parser.add_argument("--speed", type=int, default=1200)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--servers")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    result = measure(arguments.program, arguments.servers or arguments.program, arguments.containers,
                     arguments.speed, arguments.tls)
    hour, day = result["memory_mb_after_hour"], result["memory_mb_after_day"]
    print(f"The sidecar of a task with {result['containers']} containers, {result['series']} series, "
          f"{result['points_of_last_hour']} points of each in the last hour:")
    for when, memory in (("an hour", hour), ("a day", day)):
        if memory is None:
            continue
        print(f"  resident after {when:<8} {memory['VmRSS']:>6.1f} MB "
              f"({memory['RssAnon']:.1f} of its own, {memory['RssFile']:.1f} of the program's file; "
              f"peak {memory['VmHWM']:.1f})")
    print(f"  CPU in {result['lived_s'] // HOUR:>2} h             {result['cpu_s']:>6.2f} s "
          f"({result['cpu_percent']:.4f} % of a core)")
    print(f"  from SIGTERM to the end {result['stop_s']:>6.2f} s")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=2)


if __name__ == "__main__":
    main()
