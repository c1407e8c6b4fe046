"""The real terraform with the stand-in for the AWS provider, on copies of the module."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import unittest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
MODULE = ROOT / "terraform"
WORK = ROOT / "target" / "deploy"
SCHEMA = HERE / "aws_schema.json"


def skip(reason):
    """Skips a test, which says so. In CI, where everything has to be there, that is a failure."""
    if os.environ.get("CI"):
        raise AssertionError(f"skipped in CI: {reason}")
    raise unittest.SkipTest(reason)


def needed(name):
    """The path of a program; the test is skipped where it is not installed."""
    path = shutil.which(name)
    if path is None:
        skip(f"{name} is not installed")
    return path


@functools.cache
def environment():
    """Variables with which terraform finds the stand-in as the provider hashicorp/aws."""
    needed("terraform")
    needed("go")
    version = json.loads(SCHEMA.read_text())["provider"]["version"]
    mirror = WORK / "mirror"
    system = subprocess.check_output(["go", "env", "GOOS", "GOARCH"], text=True).split()
    place = mirror / "registry.terraform.io/hashicorp/aws" / version / "_".join(system)
    subprocess.run(
        ["go", "build", "-o", place / f"terraform-provider-aws_v{version}", "."],
        cwd=HERE / "provider",
        check=True,
    )
    settings = WORK / "terraformrc"
    settings.write_text(f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    return kept | {
        "TF_CLI_CONFIG_FILE": str(settings),
        "CHECKPOINT_DISABLE": "1",
        "AWS_SCHEMA": str(SCHEMA),
    }


def run(folder, *arguments):
    """Runs terraform and gives what it printed and its exit status."""
    done = subprocess.run(
        ["terraform", *arguments], cwd=folder, env=environment(), capture_output=True, text=True
    )
    return done.stdout + done.stderr, done.returncode


class Copy:
    """A copy of the module in a folder, so that nothing is left in the original."""

    def __init__(self, folder):
        environment()
        self.path = pathlib.Path(folder) / "terraform"
        shutil.copytree(MODULE, self.path, ignore=shutil.ignore_patterns(".terraform*"))

    def initialised(self, folder="."):
        """Initialises a folder of the copy and gives its path."""
        output, status = run(self.path / folder, "init", "-no-color", "-input=false")
        assert status == 0, output
        return self.path / folder

    def applied(self, folder, variables):
        """Applies a folder of the copy to the stand-in, and gives all resources by address."""
        place = self.initialised(folder)
        (place / "terraform.tfvars.json").write_text(json.dumps(variables))
        output, status = run(place, "apply", "-no-color", "-input=false", "-auto-approve")
        assert status == 0, output
        shown, status = run(place, "show", "-json")
        assert status == 0, shown
        return resources_of(json.loads(shown)["values"]["root_module"])


def resources_of(module):
    """The values of all resources of a state, by address."""
    found = {one["address"]: one["values"] for one in module.get("resources", [])}
    for child in module.get("child_modules", []):
        found |= resources_of(child)
    return found
