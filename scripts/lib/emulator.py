"""The emulator, built and started for a check."""

import contextlib
import json
import subprocess

import swift_lab


@contextlib.contextmanager
def running(*options):
    """An emulator on a free port, ended with the block: what it says when it is ready, its addresses."""
    build = ["cargo", "build", "--quiet", "--locked", "--package", "emulator", "--bin", "cloudfiles-emulator"]
    subprocess.run(build, cwd=swift_lab.REPOSITORY, check=True)
    binary = swift_lab.LAB.parent / "debug/cloudfiles-emulator"
    process = subprocess.Popen([binary, "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
