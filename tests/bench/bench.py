"""Measure the poller as a process of its own against the simulated AWS and the local Mackerel.

Usage: bench.py PROGRAM [--services 1000,10000] [--runs 3] [--json FILE]

For each size it starts `demo --servers-only --no-limits`, which answers on loopback with bodies as
large as real ones (100 events per service), then runs `poll --once` against it: once to make the
hosts, then RUNS times with everything in place, of which it prints the median. CPU seconds and peak
memory are the kernel's own accounting of the finished process. The calls are those that the poller
says it made, beside the least possible number for the fleet that it found:

    ListClusters      ceil(clusters / 100), at least 1
    DescribeClusters  ceil(clusters / 100)
    ListServices      sum over clusters of max(1, ceil(services / 100))
    DescribeServices  sum over clusters of ceil(services / 10)
    GetMetricData     ceil(metrics requested / 498): whole metrics of three statistics in 500
    POST /tsdb        ceil(points / 500)
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

CONFIG = "aws: {rate_share: off}\npoll: {lookback: 5m, overlap: 5m}\n"


def start_servers(program, services):
    servers = subprocess.Popen(
        [program, "demo", "--servers-only", "--no-limits", "--services", str(services)],
        stdout=subprocess.PIPE, text=True,
    )
    environment = {"PATH": os.environ["PATH"], "MACKEREL_ECS_CONFIG_YAML": CONFIG,
                   "AWS_EC2_METADATA_DISABLED": "true"}
    for line in servers.stdout:
        words = line.split()
        if words[:1] == ["export"]:
            environment.update(word.split("=", 1) for word in words[1:])
        if "--once" in words:
            return servers, environment
    sys.exit("the servers did not start")


def run_once(program, environment):
    began = time.monotonic()
    process = subprocess.Popen([program, "poll", "--once", "--output", "json",
                                "--log-level", "warn"],
                               stdout=subprocess.PIPE, env=environment)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"poll ended with wait status {status}")
    report = json.loads(output)
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime,
            "memory_mb": usage.ru_maxrss / 1024, "report": report}


def least_calls(report):
    services = [cluster["services"] for cluster in report["clusters"]]
    metrics = report["cloudwatch_metrics_requested"]
    points = sum(cluster["points"] for cluster in report["clusters"])
    pages = max(1, math.ceil(len(services) / 100))
    return {
        "ecs:ListClusters": pages,
        "ecs:DescribeClusters": pages,
        "ecs:ListServices": sum(max(1, math.ceil(n / 100)) for n in services),
        "ecs:DescribeServices": sum(math.ceil(n / 10) for n in services),
        "cloudwatch:GetMetricData": math.ceil(metrics / 498),
        "mackerel:POST /tsdb": math.ceil(points / 500),
    }


def measure(program, services, runs):
    servers, environment = start_servers(program, services)
    try:
        first = run_once(program, environment)
        rest = [run_once(program, environment) for _ in range(runs)]
    finally:
        servers.terminate()
        servers.wait()
    report = rest[-1]["report"]
    median = {key: statistics.median(run[key] for run in rest)
              for key in ("wall_s", "cpu_s", "memory_mb")}
    return {
        "services": services,
        "clusters": len(report["clusters"]),
        "points": sum(cluster["points"] for cluster in report["clusters"]),
        **median,
        "first_wall_s": first["wall_s"],
        "calls": report["calls"],
        "least": least_calls(report),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--services", default="1000,10000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    results = [measure(arguments.program, int(size), arguments.runs)
               for size in arguments.services.split(",")]
    print(f"{'SERVICES':>8} {'CLUSTERS':>8} {'POINTS':>8} {'WALL s':>8} {'CPU s':>8} "
          f"{'PEAK MB':>8} {'1st s':>8}")
    for result in results:
        print(f"{result['services']:>8} {result['clusters']:>8} {result['points']:>8} "
              f"{result['wall_s']:>8.2f} {result['cpu_s']:>8.2f} {result['memory_mb']:>8.1f} "
              f"{result['first_wall_s']:>8.2f}")
    for result in results:
        print(f"\nCalls for {result['services']} services, and the least possible:")
        for api in sorted(result["calls"]):
            least = result["least"].get(api)
            print(f"  {api:<50} {result['calls'][api]:>8} {'' if least is None else least:>8}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
