"""The image: its Dockerfile by hadolint, and its root file system by running the program in it."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import terraform_tool as tool

PROGRAM = tool.ROOT / "target" / "debug" / "mackerel-ecs"


class Dockerfile(unittest.TestCase):
    def test_hadolint_has_no_findings(self):
        hadolint = pathlib.Path(sys.executable).with_name("hadolint")
        done = subprocess.run(
            [hadolint, tool.ROOT / "Dockerfile"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_only_what_is_copied_is_sent_to_the_builder(self):
        lines = (tool.ROOT / ".dockerignore").read_text().splitlines()
        sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
        dockerfile = (tool.ROOT / "Dockerfile").read_text()
        copied = {
            word
            for line in dockerfile.splitlines()
            if line.startswith("COPY ") and "--from" not in line
            for word in line.split()[1:-1]
        }
        self.assertEqual(sent, copied)


class RootFileSystem(unittest.TestCase):
    """The file system as image/rootfs.sh lays it out, mounted read-only, as nobody in particular."""

    def setUp(self):
        if os.geteuid() != 0:
            tool.skip("chroot and mount need root")
        if not PROGRAM.exists():
            tool.skip(f"{PROGRAM} is not built")
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / "root"
        subprocess.run([tool.ROOT / "image" / "rootfs.sh", PROGRAM, self.root], check=True)

    def run_in_it(self, *arguments, **environment):
        inside = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec chroot --userspec=65532:65532 "$0" /mackerel-ecs "$@"'
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", inside, self.root, *arguments],
            env={"PATH": os.environ["PATH"]} | environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def test_there_is_no_shell_and_nothing_is_setuid(self):
        files = [path for path in self.root.rglob("*") if path.is_file()]
        self.assertTrue(all(path.stat().st_mode & 0o6000 == 0 for path in files))
        names = {path.name for path in files}
        self.assertFalse(names & {"sh", "bash", "busybox", "dash"})
        self.assertLess(len(files), 15)

    def test_the_program_runs_read_only_and_without_rights(self):
        done = self.run_in_it("--version")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("mackerel-ecs "))

    def test_it_polls_from_in_there(self):
        servers = subprocess.Popen(
            [PROGRAM, "demo", "--servers-only"], stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(servers.wait)
        self.addCleanup(servers.terminate)
        self.addCleanup(servers.stdout.close)
        environment = {}
        for line in servers.stdout:
            if line.strip().startswith("export "):
                for pair in line.split()[1:]:
                    name, _, value = pair.partition("=")
                    environment[name] = value.strip("'\"")
            elif environment:
                break
        self.assertIn("MACKEREL_APIBASE", environment)
        done = self.run_in_it("poll", "--once", "--output", "table", **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("CLUSTER", done.stdout)
        done = self.run_in_it("check", **environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_it_trusts_the_certificates_that_the_image_has(self):
        """TLS is set up from them: a name that does not exist is all that is wrong."""
        done = self.run_in_it(
            "check", MACKEREL_APIKEY="x", MACKEREL_APIBASE="https://mackerel.invalid",
            AWS_REGION="us-east-1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x",
            AWS_ENDPOINT_URL="http://127.0.0.1:9",
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't reach Mackerel at https://mackerel.invalid", done.stdout)
        self.assertNotIn("ertificate", done.stdout)


if __name__ == "__main__":
    unittest.main()
