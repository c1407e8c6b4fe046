"""The CloudFormation templates by cfn-lint and by moto's CloudFormation, and what it made of them."""

import ast
import pathlib
import subprocess
import sys
import unittest

import boto3
import cfnlint.decode.cfn_yaml
import moto
import moto_gaps  # noqa: F401 (fills the gaps)
import terraform_tool as tool

TEMPLATES = tool.ROOT / "cloudformation"
REGION = "ap-northeast-1"
SECRET = "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:mackerel-AbCdEf"
PARAMETER = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/mackerel/apikey"
IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/mackerel-ecs:0.1.0"


class Stack:
    """A template deployed to moto."""

    def __init__(self, test, template, **parameters):
        test.enterContext(moto.mock_aws())
        self.clients = boto3.session.Session(
            aws_access_key_id="any", aws_secret_access_key="any", region_name=REGION
        )
        ec2 = self.clients.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        given = {"Image": IMAGE, "ApiKeyArn": PARAMETER, "VpcId": vpc, "SubnetIds": subnet} | parameters
        cloudformation = self.clients.client("cloudformation")
        cloudformation.create_stack(
            StackName="mackerel-ecs",
            TemplateBody=(TEMPLATES / template).read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in given.items()
            ],
        )
        (stack,) = cloudformation.describe_stacks(StackName="mackerel-ecs")["Stacks"]
        test.assertEqual(stack["StackStatus"], "CREATE_COMPLETE")
        self.subnet = subnet
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        self.resources = {
            one["LogicalResourceId"]: one.get("PhysicalResourceId")
            for one in cloudformation.list_stack_resources(StackName="mackerel-ecs")[
                "StackResourceSummaries"
            ]
        }

    def task_definition(self):
        ecs = self.clients.client("ecs")
        arn = self.outputs["TaskDefinitionArn"]
        return ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]

    def statements(self, role):
        """The statements of a role's policies by their Sid."""
        iam = self.clients.client("iam")
        name = self.resources[role]
        names = iam.list_role_policies(RoleName=name)["PolicyNames"]
        # moto answers with the text of a Python dictionary,
        documents = [
            ast.literal_eval(
                iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]
            )
            for one in names
        ]
        # and leaves a None where CloudFormation leaves nothing.
        statements = [one for document in documents for one in document["Statement"] if one]
        return {one["Sid"]: one for one in statements}

    def trust(self, role):
        iam = self.clients.client("iam")
        role = iam.get_role(RoleName=self.resources[role])["Role"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        return statement


def environment_of(container):
    return {one["name"]: one["value"] for one in container["environment"]}


class Templates(unittest.TestCase):
    maxDiff = None

    def test_cfn_lint_has_no_findings(self):
        done = subprocess.run(
            [pathlib.Path(sys.executable).with_name("cfn-lint"), *TEMPLATES.glob("*.yaml")],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_scheduled(self):
        stack = Stack(self, "scheduled.yaml")
        task = stack.task_definition()
        self.assertEqual((task["cpu"], task["memory"]), ("256", "512"))
        self.assertEqual(task["networkMode"], "awsvpc")
        self.assertEqual(task["runtimePlatform"]["cpuArchitecture"], "ARM64")
        (container,) = task["containerDefinitions"]
        self.assertEqual(container["command"], ["poll", "--once"])
        self.assertEqual(container["secrets"], [{"name": "MACKEREL_APIKEY", "valueFrom": PARAMETER}])
        self.assertTrue(container["readonlyRootFilesystem"])
        self.assertEqual(container["user"], "65532:65532")
        self.assertEqual(
            environment_of(container),
            {
                "MACKEREL_ECS_CONFIG_YAML": "{}",
                "MACKEREL_ECS_INTERVAL": "5m",
                "MACKEREL_ECS_LOG": "info",
                "MACKEREL_ECS_LOG_FORMAT": "json",
            },
        )
        schedule = stack.clients.client("scheduler").get_schedule(
            Name="mackerel-ecs", GroupName="mackerel-ecs"
        )
        self.assertEqual(schedule["ScheduleExpression"], "rate(5 minutes)")
        target = schedule["Target"]
        self.assertEqual(target["RetryPolicy"]["MaximumRetryAttempts"], 2)
        self.assertNotIn("DeadLetterConfig", target)
        parameters = target["EcsParameters"]
        self.assertEqual(parameters["TaskDefinitionArn"], task["taskDefinitionArn"])
        network = parameters["NetworkConfiguration"]["awsvpcConfiguration"]
        self.assertEqual(network["Subnets"], [stack.subnet])
        self.assertEqual(set(stack.statements("SchedulerRole")), {"Run", "PassRoles"})
        run = stack.statements("SchedulerRole")["Run"]
        self.assertEqual(run["Condition"]["ArnEquals"]["ecs:cluster"], target["Arn"])
        group = stack.trust("SchedulerRole")["Condition"]["StringEquals"]["aws:SourceArn"]
        self.assertTrue(group.endswith(":schedule-group/mackerel-ecs"), group)

    def test_least_privilege_by_default(self):
        stack = Stack(self, "scheduled.yaml")
        self.assertEqual(set(stack.statements("TaskRole")), {"Read"})
        start = stack.statements("ExecutionRole")
        self.assertEqual(set(start), {"Log", "ApiKey"})
        self.assertEqual(start["ApiKey"]["Action"], ["ssm:GetParameters"])
        self.assertEqual(start["ApiKey"]["Resource"], [PARAMETER])
        trust = stack.trust("TaskRole")
        self.assertEqual(trust["Condition"]["StringEquals"], {"aws:SourceAccount": "123456789012"})

    def test_each_option_grants_what_it_needs(self):
        key = "arn:aws:kms:ap-northeast-1:123456789012:key/00000000-0000-0000-0000-000000000000"
        repository = "arn:aws:ecr:ap-northeast-1:123456789012:repository/mackerel-ecs"
        reader = "arn:aws:iam::444455556666:role/reader"
        stack = Stack(
            self,
            "scheduled.yaml",
            ApiKeyArn=SECRET,
            ApiKeyJsonKey="apikey",
            ApiKeyKmsKeyArn=key,
            ImageRepositoryArn=repository,
            ReadsOwnAccount="false",
            ReaderRoleArns=reader,
            RateMinutes="1",
            ClusterArn="arn:aws:ecs:ap-northeast-1:123456789012:cluster/given",
            SecurityGroupIds="sg-0a,sg-0b",
        )
        self.assertNotIn("Cluster", stack.resources)
        self.assertNotIn("SecurityGroup", stack.resources)
        tasks = stack.statements("TaskRole")
        self.assertEqual(set(tasks), {"ReadOtherAccounts"})
        self.assertEqual(tasks["ReadOtherAccounts"]["Resource"], [reader])
        start = stack.statements("ExecutionRole")
        self.assertEqual(set(start), {"Log", "ApiKey", "DecryptApiKey", "Pull", "PullToken"})
        self.assertEqual(start["ApiKey"]["Action"], ["secretsmanager:GetSecretValue"])
        self.assertEqual(start["ApiKey"]["Resource"], [SECRET])
        self.assertEqual(start["DecryptApiKey"]["Resource"], [key])
        self.assertEqual(start["Pull"]["Resource"], [repository])
        (container,) = stack.task_definition()["containerDefinitions"]
        self.assertEqual(container["secrets"][0]["valueFrom"], f"{SECRET}:apikey::")
        self.assertEqual(environment_of(container)["MACKEREL_ECS_INTERVAL"], "1m")
        schedule = stack.clients.client("scheduler").get_schedule(
            Name="mackerel-ecs", GroupName="mackerel-ecs"
        )
        self.assertEqual(schedule["ScheduleExpression"], "rate(1 minute)")

    def test_service(self):
        stack = Stack(self, "service.yaml", AssignPublicIp="ENABLED")
        (container,) = stack.task_definition()["containerDefinitions"]
        self.assertEqual(container["command"], ["poll"])
        self.assertEqual(container["healthCheck"]["command"], ["CMD", "/mackerel-ecs", "health"])
        self.assertEqual(environment_of(container)["MACKEREL_ECS_LISTEN"], "127.0.0.1:9808")
        (service,) = stack.clients.client("ecs").describe_services(
            cluster="mackerel-ecs", services=["mackerel-ecs"]
        )["services"]
        self.assertEqual(service["desiredCount"], 1)
        self.assertEqual(service["taskDefinition"], stack.outputs["TaskDefinitionArn"])
        self.assertNotIn("SchedulerRole", stack.resources)
        self.assertEqual(set(stack.statements("TaskRole")), {"Read"})
        groups = stack.clients.client("ec2").describe_security_groups(
            GroupIds=[stack.resources["SecurityGroup"]]
        )["SecurityGroups"]
        self.assertEqual(groups[0]["IpPermissions"], [])

    def test_only_https_leaves(self):
        """moto's CloudFormation passes over the rules, so they are read where they are written."""
        for template in TEMPLATES.glob("*.yaml"):
            group = cfnlint.decode.cfn_yaml.load(str(template))["Resources"]["SecurityGroup"]
            (rule,) = group["Properties"]["SecurityGroupEgress"]
            self.assertEqual((rule["FromPort"], rule["ToPort"]), (443, 443))


if __name__ == "__main__":
    unittest.main()
