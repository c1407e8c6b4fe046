"""Kill the poller again and again, and see whether anything is missing afterwards.

Usage: killed.py PROGRAM [--minutes 16] [--seed 1]

Starts `demo --servers-only`, lets the real `poll` loop work against it, and kills it with SIGKILL
after one to four minutes, again and again; each time the next one starts within two minutes, on a
machine that knows nothing. After the given minutes one is left in peace until everything that can be
made up for must be. Then every minute from the first to the last is compared: what the simulated
CloudWatch has of each service's CPU with what the local Mackerel has, value by value, and whether
there is a running count wherever CloudWatch's samples tell one. They don't where their number is no
whole number for each task: of a minute in which tasks came or went that send three samples each.

It takes real minutes: the given ones and eight. Needs boto3 (`make venv`).
"""

import argparse
import datetime
import json
import os
import random
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request

import boto3

# Missed counts are restored after the overlap; the demo's CloudWatch settles within three minutes.
CONFIG = "poll: {overlap: 4m}\n"

# From the last kill until everything is there: the overlap, a minute to settle, and some polls.
CALM_S = 8 * 60


def start_servers(program):
    servers = subprocess.Popen([program, "demo", "--servers-only"],
                               stdout=subprocess.PIPE, text=True)
    environment = {"PATH": os.environ["PATH"], "MACKEREL_ECS_CONFIG_YAML": CONFIG,
                   "AWS_EC2_METADATA_DISABLED": "true"}
    for line in servers.stdout:
        words = line.split()
        if words[:1] == ["export"]:
            environment.update(word.split("=", 1) for word in words[1:])
        if "--once" in words:
            return servers, environment
    sys.exit("the servers did not start")


def live(program, environment, minutes, chance):
    """Lets pollers live and die; gives how often one was killed."""
    end = time.monotonic() + minutes * 60
    killed = 0
    while True:
        left = end - time.monotonic()
        lifetime = chance.uniform(60, 240)
        poller = subprocess.Popen([program, "poll", "--log-level", "warn"], env=environment)
        if lifetime >= left:
            return poller, killed
        time.sleep(lifetime)
        poller.kill()
        poller.wait()
        killed += 1
        pause = chance.uniform(1, 110)
        print(f"killed after {lifetime:.0f} s; the next one starts in {pause:.0f} s", flush=True)
        time.sleep(pause)


class Mackerel:
    def __init__(self, environment):
        self.base = environment["MACKEREL_APIBASE"]
        self.key = environment["MACKEREL_APIKEY"]

    def get(self, path, **query):
        url = f"{self.base}/api/v0{path}?{urllib.parse.urlencode(query)}"
        request = urllib.request.Request(url, headers={"X-Api-Key": self.key})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def points(self, host, name, first, last):
        try:
            metrics = self.get(f"/hosts/{host}/metrics", **{"name": name, "from": first, "to": last})
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise
        return {point["time"]: point["value"] for point in metrics["metrics"]}


def compare(environment, first, last):
    """Compares all minutes from first to last, given by their start."""
    def client(service):
        return boto3.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"],
                            region_name=environment["AWS_REGION"],
                            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
                            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"])
    ecs, cloudwatch, mackerel = client("ecs"), client("cloudwatch"), Mackerel(environment)
    hosts = {host["name"]: host["id"] for host in mackerel.get("/hosts")["hosts"]}
    figures = {"services": 0, "minutes": (last - first) // 60 + 1, "cpu_expected": 0,
               "cpu_missing": 0, "cpu_wrong": 0, "counts_expected": 0, "counts_missing": 0,
               "counts_that_samples_do_not_tell": 0}
    cases = []
    for cluster in ecs.list_clusters()["clusterArns"]:
        cluster = cluster.rsplit("/", 1)[1]
        for page in ecs.get_paginator("list_services").paginate(cluster=cluster):
            for service in page["serviceArns"]:
                service = service.rsplit("/", 1)[1]
                figures["services"] += 1
                at = lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
                answer = cloudwatch.get_metric_statistics(
                    Namespace="AWS/ECS", MetricName="CPUUtilization", Period=60,
                    StartTime=at(first), EndTime=at(last + 60), Statistics=["Average", "SampleCount"],
                    Dimensions=[{"Name": "ClusterName", "Value": cluster},
                                {"Name": "ServiceName", "Value": service}])
                truth = {int(point["Timestamp"].timestamp()): point["Average"]
                         for point in answer["Datapoints"]}
                samples = {int(point["Timestamp"].timestamp()): point["SampleCount"]
                           for point in answer["Datapoints"]}
                host = hosts[cluster]
                cpu = mackerel.points(
                    host, f"custom.ecs.service_cpu_utilization.{service}.average", first, last)
                counts = mackerel.points(
                    host, f"custom.ecs.running_task.{service}.count", first, last)
                ratios = [samples[minute] / count for minute, count in counts.items()
                          if count and minute in samples]
                of_each = statistics.median_high(ratios) if ratios else 1
                for minute, value in sorted(truth.items()):
                    place = f"{cluster}/{service} at {at(minute):%H:%M}"
                    figures["cpu_expected"] += 1
                    if minute not in cpu:
                        figures["cpu_missing"] += 1
                        cases.append(f"{place}: no CPU")
                    elif cpu[minute] != value:
                        figures["cpu_wrong"] += 1
                        cases.append(f"{place}: CPU {cpu[minute]}, CloudWatch has {value}")
                    is_told = samples[minute] % of_each == 0
                    if minute not in counts and not is_told:
                        figures["counts_that_samples_do_not_tell"] += 1
                        continue
                    figures["counts_expected"] += 1
                    if minute not in counts:
                        figures["counts_missing"] += 1
                        cases.append(f"{place}: no running count, {samples[minute]:.0f} samples, "
                                     f"{of_each:g} of each task")
    return figures, cases


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--minutes", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    servers, environment = start_servers(arguments.program)
    poller = None
    try:
        first = int(time.time()) // 60 * 60 + 60
        poller, killed = live(arguments.program, environment, arguments.minutes,
                              random.Random(arguments.seed))
        last = int(time.time()) // 60 * 60
        print(f"the last one lives in peace for {CALM_S // 60} minutes", flush=True)
        time.sleep(CALM_S)
        figures, cases = compare(environment, first, last)
    finally:
        if poller:
            poller.terminate()
            poller.wait()
        servers.terminate()
        servers.wait()
    print("\n".join(cases))
    print(f"killed {killed} times; " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    broken = [key for key in figures if key.endswith(("missing", "wrong")) and figures[key]]
    sys.exit(1 if broken or not figures["cpu_expected"] else 0)


if __name__ == "__main__":
    main()
