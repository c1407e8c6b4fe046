"""Make an ECS fleet and its CloudWatch datapoints in a moto server, from JSON.

Usage: fleet.py --endpoint URL --region R [--account 123456789012] < fleet.json

The description; every key but the names is optional:

    {"clusters": [{
        "name": "web",
        "tags": {"team": "a"},
        "settings": {"containerInsights": "enabled"},
        "instances": 1,                 container instances (EC2) to register
        "deleted": true,                delete the cluster last: it becomes INACTIVE
        "services": [{
            "name": "api",
            "desired": 3,
            "running": 3,               either "desired" or 0 (the default): moto knows no other
            "launchType": "FARGATE",    or EC2, which is the default
            "schedulingStrategy": "REPLICA",
            "tags": {"env": "prod"},
            "deleted": true}],          delete the service last: it becomes INACTIVE
        "tasks": [{                     tasks without a service
            "count": 2,
            "launchType": "FARGATE",    EC2 needs an instance in the cluster
            "via": "run",               or "start", on the first instance (EC2 only)
            "startedBy": "batch",
            "group": "family:job",
            "tags": {}}]}],
     "metrics": [{
        "name": "CPUUtilization",
        "namespace": "AWS/ECS",         the default
        "unit": "Percent",              none by default
        "dimensions": {"ClusterName": "web", "ServiceName": "api"},
        "points": [                     "at" is in seconds since 1970; one of the three forms
            {"at": 1767225600, "value": 1.5},
            {"at": 1767225600, "values": [1, 2], "counts": [3, 1]},
            {"at": 1767225600, "statistics": {"Sum": 6, "SampleCount": 3, "Minimum": 1,
                                              "Maximum": 3}}]}]}

It prints the ARNs of what it made, in the order of the description:

    {"clusters": [{"arn": "...", "services": ["..."], "tasks": ["..."], "instances": ["..."]}],
     "taskDefinition": "...", "datapoints": 3}

It talks to moto directly: boto3 picks JSON for CloudWatch by itself, which moto knows.
"""

import argparse
import json
import sys

try:
    import boto3
    from botocore.config import Config
except ImportError as missing:
    sys.exit(f"boto3 is missing from {sys.executable}: {missing}")

# PutMetricData takes at most 1,000 items in a request.
BATCH = 1000


class Account:
    """The boto3 clients of one account and region of a moto server."""

    def __init__(self, endpoint, region, account):
        self.endpoint, self.region, self.account = endpoint, region, account

    def client(self, service):
        client = boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )
        if self.account:
            client.meta.events.register("before-send.*", self.name_account)
        return client

    def name_account(self, request, **_):
        request.headers["x-moto-account-id"] = self.account


def tags(given):
    return [{"key": key, "value": value} for key, value in given.items()]


def only(**arguments):
    """The arguments that are given at all."""
    return {name: value for name, value in arguments.items() if value is not None}


def make_instances(ecs, ec2, cluster, count):
    if not count:
        return []
    image = ec2.describe_images()["Images"][0]["ImageId"]
    launched = ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count)["Instances"]
    arns = []
    for instance in launched:
        # The document only has to name the instance; moto reads nothing else from it.
        document = json.dumps({"instanceId": instance["InstanceId"]})
        answer = ecs.register_container_instance(
            cluster=cluster, instanceIdentityDocument=document
        )
        arns.append(answer["containerInstance"]["containerInstanceArn"])
    return arns


def make_service(ecs, cluster, service, task_definition):
    desired, running = service.get("desired", 0), service.get("running", 0)
    if running not in (0, desired):
        sys.exit(f"service {service['name']}: moto can run {desired} tasks or none, not {running}")
    created = ecs.create_service(
        cluster=cluster,
        serviceName=service["name"],
        taskDefinition=task_definition,
        desiredCount=desired,
        tags=tags(service.get("tags", {})),
        **only(
            launchType=service.get("launchType"),
            schedulingStrategy=service.get("schedulingStrategy"),
        ),
    )
    if running:
        # Moto lets every desired task run at once when a service is updated.
        ecs.update_service(cluster=cluster, service=service["name"], desiredCount=desired)
    return created["service"]["serviceArn"]


def make_tasks(ecs, cluster, wanted, task_definition, instances):
    arguments = only(
        startedBy=wanted.get("startedBy"), group=wanted.get("group"),
    ) | {"cluster": cluster, "taskDefinition": task_definition, "tags": tags(wanted.get("tags", {}))}
    count = wanted.get("count", 1)
    if wanted.get("via") == "start":
        started = [
            ecs.start_task(containerInstances=instances[:1], **arguments) for _ in range(count)
        ]
        return [task["taskArn"] for answer in started for task in answer["tasks"]]
    answer = ecs.run_task(count=count, launchType=wanted.get("launchType", "EC2"), **arguments)
    return [task["taskArn"] for task in answer["tasks"]]


def make_cluster(ecs, ec2, cluster, task_definition):
    name = cluster["name"]
    settings = cluster.get("settings", {}).items()
    made = ecs.create_cluster(
        clusterName=name,
        tags=tags(cluster.get("tags", {})),
        settings=[{"name": key, "value": value} for key, value in settings],
    )["cluster"]
    instances = make_instances(ecs, ec2, name, cluster.get("instances", 0))
    services = [
        make_service(ecs, name, service, task_definition)
        for service in cluster.get("services", [])
    ]
    tasks = [
        arn
        for wanted in cluster.get("tasks", [])
        for arn in make_tasks(ecs, name, wanted, task_definition, instances)
    ]
    for service in cluster.get("services", []):
        if service.get("deleted"):
            ecs.delete_service(cluster=name, service=service["name"], force=True)
    if cluster.get("deleted"):
        ecs.delete_cluster(cluster=name)
    arn = made["clusterArn"]
    return {"arn": arn, "services": services, "tasks": tasks, "instances": instances}


def datum(metric, point):
    return only(
        MetricName=metric["name"],
        Unit=metric.get("unit"),
        Timestamp=point["at"],
        Value=point.get("value"),
        Values=point.get("values"),
        Counts=point.get("counts"),
        StatisticValues=point.get("statistics"),
    ) | {
        "Dimensions": [
            {"Name": name, "Value": value} for name, value in metric.get("dimensions", {}).items()
        ]
    }


def put_metrics(cloudwatch, metrics):
    by_namespace = {}
    for metric in metrics:
        data = by_namespace.setdefault(metric.get("namespace", "AWS/ECS"), [])
        data.extend(datum(metric, point) for point in metric.get("points", []))
    for namespace, data in by_namespace.items():
        for start in range(0, len(data), BATCH):
            cloudwatch.put_metric_data(
                Namespace=namespace, MetricData=data[start : start + BATCH]
            )
    return sum(len(data) for data in by_namespace.values())


def main():
    parser = argparse.ArgumentParser(description="Make an ECS fleet in a moto server.")
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--account")
    options = parser.parse_args()
    fleet = json.load(sys.stdin)
    account = Account(options.endpoint, options.region, options.account)
    made = {"clusters": [], "datapoints": 0}
    if fleet.get("clusters"):
        ecs = account.client("ecs")
        needs_ec2 = any(cluster.get("instances") for cluster in fleet["clusters"])
        ec2 = account.client("ec2") if needs_ec2 else None
        made["taskDefinition"] = ecs.register_task_definition(
            family="app",
            cpu="256",
            memory="512",
            containerDefinitions=[{"name": "app", "image": "app", "cpu": 256, "memory": 512}],
        )["taskDefinition"]["taskDefinitionArn"]
        made["clusters"] = [
            make_cluster(ecs, ec2, cluster, made["taskDefinition"])
            for cluster in fleet["clusters"]
        ]
    if fleet.get("metrics"):
        made["datapoints"] = put_metrics(account.client("cloudwatch"), fleet["metrics"])
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
