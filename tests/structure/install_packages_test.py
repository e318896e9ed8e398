#!/usr/bin/env python3
"""What scripts/install_packages says where it can do nothing. usage: install_packages_test.py SCRIPT"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.abspath(sys.argv.pop(1))


class InstallPackages(unittest.TestCase):
    def run_with(self, programs, *arguments):
        """With nothing in the path but these programs, each a line of shell."""
        bash = shutil.which("bash")
        with tempfile.TemporaryDirectory() as folder:
            for name, line in programs.items():
                with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                    file.write(f"#!{bash}\n{line}\n")
                os.chmod(file.name, 0o755)
            return subprocess.run([bash, SCRIPT, *arguments], env={"PATH": folder}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_neither_root_nor_sudo(self):
        user = {"id": "echo 1000", "apt-get": "exit 9", "dpkg-query": "exit 1"}
        done = self.run_with(user, "bench")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (
            1, "", "install_packages: only root can install, and there is no sudo; as root: "
            "apt-get install python3\n"))

    def test_nothing_is_missing(self):
        there = {"id": "echo 1000", "apt-get": "exit 9",
                 "dpkg-query": "echo -n install ok installed"}
        done = self.run_with(there, "build", "test")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_a_user_with_sudo(self):
        user = {"id": "echo 1000", "apt-get": "echo apt-get", "dpkg-query": "exit 1",
                "sudo": 'echo "sudo $*"'}
        done = self.run_with(user, "bench")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("sudo env DEBIAN_FRONTEND=noninteractive apt-get install", done.stdout)


if __name__ == "__main__":
    unittest.main()
