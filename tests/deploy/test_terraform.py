"""The module by the real terraform: its form, its schema, its own tests, each example applied."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import hcl2
import terraform_tool as tool

KEY = "arn:aws:secretsmanager:ap-northeast-1:111122223333:secret:mackerel-AbCdEf"
GIVEN = {"image": "example.com/mackerel-ecs:0.1.0", "api_key_arn": KEY, "subnet_ids": ["subnet-0a"]}
EXAMPLES = {
    "scheduled": GIVEN,
    "service": GIVEN,
    "multi-account": GIVEN
    | {"external_id": "sesame", "shop_admin_role_arn": "arn:aws:iam::444455556666:role/admin"},
    "sidecar": {"image": GIVEN["image"], "api_key_arn": KEY},
}


def container_of(resources, address):
    return json.loads(resources[address]["container_definitions"])


def words(text):
    """A text without the line breaks and frames that terraform puts into messages."""
    return " ".join(text.replace("│", " ").split())


class Form(unittest.TestCase):
    def test_it_is_formatted(self):
        terraform = tool.needed("terraform")
        done = subprocess.run(
            [terraform, "fmt", "-check", "-diff", "-recursive", tool.MODULE],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_variable_is_typed_and_described_and_every_output_described(self):
        for path in tool.MODULE.rglob("*.tf"):
            with path.open() as file:
                parsed = hcl2.load(file)
            for kind in ("variable", "output"):
                for one in parsed.get(kind, []):
                    ((name, body),) = one.items()
                    where = f"{path.relative_to(tool.ROOT)}: {kind} {name}"
                    self.assertIn("description", body, where)
                    if kind == "variable":
                        self.assertIn("type", body, where)

    def test_tflint_has_no_findings(self):
        path = tool.WORK / "bin" / "tflint"
        if not path.exists():
            tool.skip("tflint is not there; `make tflint` installs it")
        done = subprocess.run(
            [path, "--chdir", tool.MODULE, "--recursive", "--no-color", "--enable-rule",
             "terraform_documented_variables", "--enable-rule", "terraform_naming_convention"],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_checkov_has_no_findings(self):
        checkov = tool.ROOT / "target" / "checkov" / "bin" / "checkov"
        if not checkov.exists():
            tool.skip("checkov is not there; `make checkov` installs it")
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        subprocess.run(
            [checkov, "--directory", tool.ROOT, "--skip-path", "target", "--skip-path", ".git",
             "--framework", "terraform", "cloudformation", "dockerfile", "--skip-download",
             "--compact", "--output", "json", "--output-file-path", folder],
            capture_output=True,
        )
        reports = json.loads((folder / "results_json.json").read_text())
        reports = {one["check_type"]: one for one in reports}
        failed = [
            f'{check["check_id"]} {check["check_name"]}: {check["file_path"]} {check["resource"]}'
            for report in reports.values()
            for check in report["results"]["failed_checks"]
        ]
        self.assertEqual(failed, [])
        passed = {kind: report["summary"]["passed"] for kind, report in reports.items()}
        self.assertGreater(passed["terraform"], 50)
        self.assertGreater(passed["cloudformation"], 10)
        self.assertGreater(passed["dockerfile"], 5)


class Schema(unittest.TestCase):
    """The stand-in has the published schema, so that terraform itself compares the module with it."""

    @classmethod
    def setUpClass(cls):
        cls.copy = tool.Copy(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def test_it_is_valid_against_the_published_schema(self):
        for folder in [".", *(f"examples/{name}" for name in EXAMPLES)]:
            with self.subTest(folder):
                output, status = tool.run(self.copy.initialised(folder), "validate", "-no-color")
                self.assertEqual(status, 0, output)

    def test_what_is_misspelt_missing_or_of_another_type_is_noticed(self):
        for file, right, wrong, message in [
            ("service.tf", "desired_count", "desired_counts", "Unsupported argument"),
            ("service.tf", "network_configuration {", "network_configurations {", "Unsupported block"),
            ("scheduled.tf", 'mode = "OFF"', "", "Missing required argument"),
            ("scheduled.tf", "task_count          = 1", 'task_count = "one"', "Incorrect attribute value"),
            ("main.tf", "vpc_id      = data.aws_subnet.first[0].vpc_id", "vpc_id = data.aws_subnet.first[0].vpc", "Unsupported attribute"),
        ]:
            with self.subTest(wrong):
                path = self.copy.initialised() / file
                original = path.read_text()
                self.assertIn(right, original)
                path.write_text(original.replace(right, wrong))
                output, status = tool.run(self.copy.path, "validate", "-no-color")
                path.write_text(original)
                self.assertNotEqual(status, 0)
                self.assertIn(message, output)


class OwnTests(unittest.TestCase):
    """The tests that are shipped with the module."""

    def test_they_pass(self):
        copy = tool.Copy(self.enterContext(tempfile.TemporaryDirectory()))
        output, status = tool.run(copy.initialised(), "test", "-no-color")
        self.assertEqual(status, 0, output)
        self.assertRegex(output, r"Success! \d\d passed, 0 failed")

    def test_each_validation_refuses_something(self):
        """Each refused run alone, without being expected to fail, tells which validation refused."""
        copy = tool.Copy(self.enterContext(tempfile.TemporaryDirectory()))
        tests = copy.path / "tests"
        refused = (tests / "refused.tftest.hcl").read_text()
        head, *runs = re.split(r"^(?=run )", refused, flags=re.MULTILINE)
        for path in tests.iterdir():
            path.unlink()
        for number, one in enumerate(runs):
            alone = head + re.sub(r"  expect_failures = .*\n", "", one)
            (tests / f"{number}.tftest.hcl").write_text(alone)
        said, status = tool.run(copy.initialised(), "test", "-no-color")
        self.assertNotEqual(status, 0)
        said = words(said)
        silent = []
        for path in [tool.MODULE / "variables.tf", *tool.MODULE.glob("modules/*/variables.tf")]:
            with path.open() as file:
                variables = hcl2.load(file)["variable"]
            for body in (body for one in variables for body in one.values()):
                for validation in body.get("validation", []):
                    message = validation["error_message"].strip('"').split("${")[0]
                    if words(message) not in said:
                        silent.append(message)
        self.assertEqual(silent, [])


class Applied(unittest.TestCase):
    """Each example applied to the stand-in."""

    @classmethod
    def setUpClass(cls):
        copy = tool.Copy(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.made = {
            name: copy.applied(f"examples/{name}", given) for name, given in EXAMPLES.items()
        }

    def test_scheduled(self):
        made = self.made["scheduled"]
        (container,) = container_of(made, "module.mackerel_ecs.aws_ecs_task_definition.this")
        self.assertEqual(container["command"], ["poll", "--once"])
        self.assertEqual(container["secrets"], [{"name": "MACKEREL_APIKEY", "valueFrom": KEY}])
        self.assertTrue(container["readonlyRootFilesystem"])
        self.assertNotIn("MACKEREL_APIKEY", [one["name"] for one in container["environment"]])
        (target,) = made["module.mackerel_ecs.aws_scheduler_schedule.this[0]"]["target"]
        (parameters,) = target["ecs_parameters"]
        self.assertEqual(
            parameters["task_definition_arn"],
            made["module.mackerel_ecs.aws_ecs_task_definition.this"]["arn"],
        )
        (network,) = parameters["network_configuration"]
        self.assertEqual(network["security_groups"], ["sg-0aaaaaaaaaaaaaaaa"])

    def test_service(self):
        made = self.made["service"]
        service = made["module.mackerel_ecs.aws_ecs_service.this[0]"]
        self.assertEqual(service["desired_count"], 1)
        self.assertEqual(service["deployment_circuit_breaker"], [{"enable": True, "rollback": True}])
        (container,) = container_of(made, "module.mackerel_ecs.aws_ecs_task_definition.this")
        self.assertEqual(container["healthCheck"]["command"], ["CMD", "/mackerel-ecs", "health"])

    def test_multi_account(self):
        made = self.made["multi-account"]
        policy = json.loads(made["module.mackerel_ecs.aws_iam_role_policy.task"]["policy"])
        reader = made["module.reader.aws_iam_role.this"]
        self.assertEqual(policy["Statement"][1]["Resource"], [reader["arn"]])
        (trust,) = json.loads(reader["assume_role_policy"])["Statement"]
        poller = made["module.mackerel_ecs.aws_iam_role.task"]["arn"]
        self.assertEqual(trust["Condition"]["ArnEquals"], {"aws:PrincipalArn": poller})
        self.assertEqual(trust["Condition"]["StringEquals"], {"sts:ExternalId": "sesame"})

    def test_sidecar(self):
        made = self.made["sidecar"]
        web, sidecar = container_of(made, "aws_ecs_task_definition.web")
        self.assertEqual((web["name"], sidecar["name"]), ("web", "mackerel-ecs"))
        self.assertEqual(sidecar["command"], ["task"])
        self.assertFalse(sidecar["essential"])


if __name__ == "__main__":
    unittest.main()
