"""One list of permissions: the program's, the Terraform module's and the templates' are the same.

The module's configuration keys are those of config/example.yaml, and the image runs the program that
all of them name.
"""

import json
import re
import subprocess
import tempfile
import unittest

import cfnlint.decode.cfn_yaml
import hcl2
import terraform_tool as tool
import yaml

PROGRAM = tool.ROOT / "target" / "debug" / "mackerel-ecs"
READER = "arn:aws:iam::444455556666:role/reader"
CONFIG = {"targets": [{"name": "own"}, {"name": "shop", "role_arn": READER}]}


def policy(role, config):
    """The statements that `mackerel-ecs iam-policy` prints."""
    if not PROGRAM.exists():
        tool.skip(f"{PROGRAM} is not built")
    printed = subprocess.check_output(
        [PROGRAM, "iam-policy", "--for", role],
        env={"MACKEREL_ECS_CONFIG_YAML": json.dumps(config)},
    )
    return json.loads(printed)["Statement"]


class Lists(unittest.TestCase):
    maxDiff = None

    def test_the_module_grants_what_the_program_prints(self):
        copy = tool.Copy(self.enterContext(tempfile.TemporaryDirectory()))
        given = {
            "image": "example.com/mackerel-ecs:0.1.0",
            "api_key_arn": "arn:aws:ssm:ap-northeast-1:111122223333:parameter/mackerel/apikey",
            "subnet_ids": ["subnet-0a"],
        }
        everywhere = {"targets": [{"name": "own", "regions": "all"}, CONFIG["targets"][1]]}
        readers = [
            {"cloudwatch": {"reader": reader}}
            for reader in ("auto", "get_metric_data", "get_metric_statistics")
        ]
        for config in ({}, CONFIG, {"targets": [CONFIG["targets"][1]]}, everywhere, *readers):
            with self.subTest(config):
                made = copy.applied(".", given | {"config": config})
                granted = json.loads(made["aws_iam_role_policy.task"]["policy"])["Statement"]
                self.assertEqual(granted, policy("poll", config))

    def test_the_reader_role_grants_what_the_program_prints(self):
        copy = tool.Copy(self.enterContext(tempfile.TemporaryDirectory()))
        given = {"poller_role_arn": "arn:aws:iam::111122223333:role/poller", "external_id": "sesame"}
        made = copy.applied("modules/reader-role", given)
        granted = json.loads(made["aws_iam_role_policy.this"]["policy"])["Statement"]
        self.assertEqual(granted, policy("reader", {}))
        made = copy.applied("modules/reader-role", given | {"lists_regions": True})
        granted = json.loads(made["aws_iam_role_policy.this"]["policy"])["Statement"]
        everywhere = {"targets": [CONFIG["targets"][1] | {"regions": "all"}]}
        self.assertEqual(granted, policy("reader", everywhere))

    def test_the_templates_grant_what_the_program_prints(self):
        for template in sorted((tool.ROOT / "cloudformation").glob("*.yaml")):
            with self.subTest(template.name):
                parsed = cfnlint.decode.cfn_yaml.load(str(template))
                (inline,) = parsed["Resources"]["TaskRole"]["Properties"]["Policies"]
                statements = inline["PolicyDocument"]["Statement"]
                # Each statement is `!If [CONDITION, STATEMENT, nothing]`.
                granted = [json.loads(json.dumps(one["Fn::If"][1])) for one in statements]
                granted[1]["Resource"] = [READER]
                actions = granted[0]["Action"]
                # To list the Regions is allowed where AllRegions says so.
                granted[0]["Action"] = [one for one in actions if isinstance(one, str)]
                self.assertEqual(granted, policy("poll", CONFIG))
                granted[0]["Action"] = [
                    one if isinstance(one, str) else one["Fn::If"][1] for one in actions
                ]
                everywhere = {"targets": [{"name": "own", "regions": "all"}, CONFIG["targets"][1]]}
                self.assertEqual(granted, policy("poll", everywhere))


class Configuration(unittest.TestCase):
    def test_the_module_knows_the_keys_of_the_example(self):
        text = (tool.ROOT / "config" / "example.yaml").read_text()
        # A key to uncomment begins with `#` and no blank.
        example = yaml.safe_load(re.sub(r"^( *)#(?=\S)", r"\1", text, flags=re.MULTILINE))
        # What is no section but a single value has no keys.
        sections = {
            section: value[0] if isinstance(value, list) else value
            for section, value in example.items()
        }
        expected = {
            section: sorted(value) if isinstance(value, dict) else []
            for section, value in sections.items()
        }
        # The module gives the key by its ARN alone.
        expected["mackerel"].remove("apikey")
        with (tool.MODULE / "config.tf").open() as file:
            (table,) = [one["config_keys"] for one in hcl2.load(file)["locals"]]
        known = {
            section: sorted(key.strip('"') for key in keys)
            for section, keys in table.items()
            if not section.startswith("__")
        }
        self.assertEqual(known, expected)

    def test_the_program_takes_what_the_module_passes_on(self):
        copy = tool.Copy(self.enterContext(tempfile.TemporaryDirectory()))
        given = {
            "image": "example.com/mackerel-ecs:0.1.0",
            "api_key_arn": "arn:aws:ssm:ap-northeast-1:111122223333:parameter/mackerel/apikey",
            "subnet_ids": ["subnet-0a"],
            "config": CONFIG | {"metrics": {"profile": "full"}, "clusters": {"tags": {"Env": "*"}}},
        }
        made = copy.applied(".", given)
        (container,) = json.loads(made["aws_ecs_task_definition.this"]["container_definitions"])
        environment = {one["name"]: one["value"] for one in container["environment"]}
        printed = subprocess.check_output([PROGRAM, "iam-policy"], env=environment)
        self.assertEqual(json.loads(printed)["Statement"], policy("poll", CONFIG))


if __name__ == "__main__":
    unittest.main()
