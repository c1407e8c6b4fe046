"""Measure the poller as a process of its own against the simulated AWS.

Usage: bench.py PROGRAM [--sizes 10,100,1000,10000] [--runs 3] [--store] [--limits MINUTES] [--json FILE]

For each size it starts `demo --servers-only --no-limits`, which answers on loopback with bodies as
large as real ones (100 events per service), and with `--sink`, so that points are taken and not stored
(`--store` has the local Mackerel store them). It runs `poll --once` against it: once to make the hosts,
then RUNS times with everything in place, of which it prints the median. The first run reads CloudWatch
and posts five minutes of everything (a full cycle); those after it read the same again, of which nothing is
news, and post the counts (a cycle in which nothing changed). CPU seconds and peak memory are the kernel's
own accounting of the finished process; the wall time is that of a machine that runs the other side as
well. Ten services are what a small scheduled task has.

`--limits` runs the loop for so many minutes instead, with AWS's documented rates enforced and the
poller's default share of them, and prints what each poll did.

The calls are those that the poller says it made, beside the least possible number for the fleet that it
found:

    ListClusters         ceil(clusters / 100), at least 1
    DescribeClusters     ceil(clusters / 100)
    ListServices         sum over clusters of max(1, ceil(services / 100))
    DescribeServices     sum over clusters of ceil(services / 10)
    GetMetricData        ceil(statistics requested / 498): whole metrics of three statistics in 500
    GetMetricStatistics  one for each metric
    POST /tsdb           ceil(points / 500)
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time

POLL = "poll: {lookback: 5m, overlap: 5m}\n"
UNLIMITED = "aws: {rate_share: off}\n" + POLL
READERS = {"data": "get_metric_data", "statistics": "get_metric_statistics"}
# Without what comes from CloudWatch: the part of a poll that asks ECS.
COUNTS_ONLY = "metrics: {exclude: ['*_utilization.*', '*_reservation.*']}\n"


def start_servers(program, services, flags):
    servers = subprocess.Popen(
        [program, "demo", "--servers-only", "--services", str(services), *flags],
        stdout=subprocess.PIPE, text=True,
    )
    environment = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    for line in servers.stdout:
        words = line.split()
        if words[:1] == ["export"]:
            environment.update(word.split("=", 1) for word in words[1:])
        if "--once" in words:
            return servers, environment
    sys.exit("the servers did not start")


def run_once(program, environment, config):
    began = time.monotonic()
    process = subprocess.Popen([program, "poll", "--once", "--output", "json", "--log-level", "warn"],
                               stdout=subprocess.PIPE,
                               env={**environment, "MACKEREL_ECS_CONFIG_YAML": config})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"poll ended with wait status {status}")
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime,
            "memory_mb": usage.ru_maxrss / 1024, "report": json.loads(output)}


def least_calls(report):
    services = [cluster["services"] for cluster in report["clusters"]]
    requested = report["cloudwatch_metrics_requested"]
    points = sum(cluster["points"] for cluster in report["clusters"])
    pages = max(1, math.ceil(len(services) / 100))
    return {
        "ecs:ListClusters": pages,
        "ecs:DescribeClusters": pages,
        "ecs:ListServices": sum(max(1, math.ceil(n / 100)) for n in services),
        "ecs:DescribeServices": sum(math.ceil(n / 10) for n in services),
        "cloudwatch:GetMetricData": math.ceil(requested / 498),
        "cloudwatch:GetMetricStatistics": requested,
        "mackerel:POST /tsdb": math.ceil(points / 500),
    }


def measure(program, servers, services, name, config, runs):
    first = run_once(program, servers, config)
    rest = [run_once(program, servers, config) for _ in range(runs)]
    median = {key: statistics.median(run[key] for run in rest)
              for key in ("wall_s", "cpu_s", "memory_mb")}
    report = rest[-1]["report"]
    points = statistics.median(sum(cluster["points"] for cluster in run["report"]["clusters"])
                               for run in [first, *rest])
    return {
        "services": services,
        "what": name,
        "clusters": len(report["clusters"]),
        "first": {key: first[key] for key in ("wall_s", "cpu_s", "memory_mb")},
        "first_points": sum(cluster["points"] for cluster in first["report"]["clusters"]),
        "statistics_requested": first["report"]["cloudwatch_metrics_requested"],
        "points": points,
        **median,
        "calls": first["report"]["calls"],
        "least": least_calls(first["report"]),
    }


def cases(services):
    """What is measured of a size: a name, and the configuration."""
    of = lambda reader: UNLIMITED + f"cloudwatch: {{reader: {READERS[reader]}, interval: 1m}}\n"
    yield "all, GetMetricData", of("data")
    if services <= 1000:
        yield "all, GetMetricStatistics", of("statistics")
    if services >= 1000:
        yield "counts only", of("data") + COUNTS_ONLY


def table(results):
    print(f"{'SERVICES':>8} {'WHAT':<24} {'AGAIN: s':>8} {'CPU s':>7} {'MB':>7} "
          f"{'FULL: s':>8} {'CPU s':>7} {'MB':>7} {'POINTS':>8} {'POINTS/CPU s':>12}")
    for one in results:
        rate = one["first_points"] / max(one["first"]["cpu_s"], 0.001)
        print(f"{one['services']:>8} {one['what']:<24} {one['wall_s']:>8.2f} {one['cpu_s']:>7.2f} "
              f"{one['memory_mb']:>7.1f} {one['first']['wall_s']:>8.2f} {one['first']['cpu_s']:>7.2f} "
              f"{one['first']['memory_mb']:>7.1f} {one['first_points']:>8} {rate:>12.0f}")
    print("\nGrowth of a full cycle from step to step (all, GetMetricData):")
    whole = [one for one in results if one["what"] == "all, GetMetricData"]
    for before, after in zip(whole, whole[1:]):
        print(f"  {before['services']:>7} to {after['services']:<7} services: "
              f"{after['services'] / before['services']:.0f} times as many, CPU "
              f"{after['first']['cpu_s'] / before['first']['cpu_s']:.1f} times, memory "
              f"{after['first']['memory_mb'] / before['first']['memory_mb']:.1f} times")
    for one in results:
        print(f"\nCalls for {one['services']} services ({one['what']}), and the least possible:")
        for api in sorted(one["calls"]):
            least = one["least"].get(api)
            print(f"  {api:<50} {one['calls'][api]:>8} {'' if least is None else least:>8}")


def with_limits(program, services, minutes):
    servers, environment = start_servers(program, services, ["--sink"])
    environment["MACKEREL_ECS_CONFIG_YAML"] = POLL + "cloudwatch: {interval: 1m}\n"
    poller = subprocess.Popen([program, "poll", "--output", "json", "--log-level", "error"],
                              stdout=subprocess.PIPE, env=environment, text=True)
    began = time.monotonic()
    polls = []
    try:
        for line in poller.stdout:
            report = json.loads(line)
            polls.append({
                "after_s": round(time.monotonic() - began),
                "services": sum(cluster["services"] for cluster in report["clusters"]),
                "points": sum(cluster["points"] for cluster in report["clusters"]),
                "service_reads": sum(report["calls"].get(f"ecs:{call}", 0) for call in
                                     ("ListServices", "DescribeServices", "DescribeServiceRevisions")),
                "metric_reads": report["calls"].get("cloudwatch:GetMetricData", 0),
                "troubles": [trouble["message"] for trouble in report["troubles"]],
            })
            if time.monotonic() - began > minutes * 60:
                break
    finally:
        poller.kill()
        _, _, usage = os.wait4(poller.pid, 0)
        servers.terminate()
        servers.wait()
    cpu = usage.ru_utime + usage.ru_stime
    throttled = sum("throttled" in one for poll in polls for one in poll["troubles"])
    print(f"{services} services for {minutes} minutes with the documented rates on: {cpu:.2f} CPU s, "
          f"{usage.ru_maxrss / 1024:.1f} MB, throttled {throttled} times")
    print(f"{'AFTER s':>7} {'SERVICES':>8} {'POINTS':>8} {'SERVICE READS':>13} {'METRIC READS':>12}")
    for poll in polls:
        print(f"{poll['after_s']:>7} {poll['services']:>8} {poll['points']:>8} "
              f"{poll['service_reads']:>13} {poll['metric_reads']:>12}  {'; '.join(poll['troubles'])}")
    return {"services": services, "minutes": minutes, "cpu_s": cpu,
            "memory_mb": usage.ru_maxrss / 1024, "polls": polls}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--sizes", default="10,100,1000,10000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--limits", type=int, metavar="MINUTES")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.sizes.split(",")]
    results = []
    for services in sizes:
        if arguments.limits:
            results.append(with_limits(arguments.program, services, arguments.limits))
            continue
        flags = ["--no-limits"] + ([] if arguments.store else ["--sink"])
        servers, environment = start_servers(arguments.program, services, flags)
        try:
            for name, config in cases(services):
                results.append(measure(arguments.program, environment, services, name, config,
                                       arguments.runs))
        finally:
            servers.terminate()
            servers.wait()
    if not arguments.limits:
        table(results)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=2)


if __name__ == "__main__":
    main()
