"""Compiles against an installed Rewind, found through pkg-config."""
import os
import pathlib
import resource
import subprocess

STRICT = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror"]


class Installed:
    def __init__(self, prefix, compiler):
        prefix = pathlib.Path(prefix)
        self.compiler = compiler
        self.environment = dict(os.environ)
        self.put_first("PKG_CONFIG_PATH", prefix.rglob("rewind.pc"))
        self.put_first("LD_LIBRARY_PATH", prefix.rglob("librewind.*"))

    def put_first(self, variable, files):
        folders = sorted({str(file.parent) for file in files})
        old = [p for p in [os.environ.get(variable)] if p]
        self.environment[variable] = ":".join(folders + old)

    def flags(self, kind):
        output = subprocess.run(["pkg-config", kind, "rewind"], env=self.environment, check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        return output.split()

    def compile(self, source, *options):
        """Compiles without linking; returns the seconds of user CPU time that it took."""
        flags = self.flags("--cflags")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([self.compiler, "-std=c++20", *options, *flags, str(source)], check=True)
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before

    def link(self, source, program, *options):
        subprocess.run([self.compiler, "-std=c++20", *options, *self.flags("--cflags"),
                        str(source), "-o", str(program), *self.flags("--libs")], check=True)

    def run(self, program, folder):
        """Runs the program in that folder; it must end with status 0."""
        subprocess.run([str(program.resolve())], cwd=folder, env=self.environment, check=True,
                       timeout=120)
