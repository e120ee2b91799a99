"""Our own programs: built, and the emulator started."""

import json
import subprocess
import sys

import swift_lab


def build(package, binary, profile="dev"):
    """Builds a program and returns its path."""
    command = ["cargo", "build", "--quiet", "--profile", profile, "--package", package, "--bin", binary]
    subprocess.run(command, cwd=swift_lab.REPOSITORY, check=True)
    return swift_lab.LAB.parent / {"dev": "debug"}.get(profile, profile) / binary


class Emulator:
    """An emulator on a free port, for as long as the block lasts."""

    def __init__(self, binary, *options):
        self.command = [binary, "--listen", "127.0.0.1:0", *options]

    def __enter__(self):
        self.process = subprocess.Popen(list(map(str, self.command)), stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        try:
            # All it says when it is ready, its addresses among it.
            self.ready = json.loads(line)
            self.url = self.ready["url"]
        except (ValueError, KeyError):
            self.process.kill()
            sys.exit(f"the emulator's first line is no ready line: {line!r}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
