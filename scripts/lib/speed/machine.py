"""What the figures were measured on."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

import swift_lab


def describe():
    """One line: date, commit, processor, memory, system, compiler, load."""
    cpu = first(Path("/proc/cpuinfo"), "model name")
    family = f"family {first(Path('/proc/cpuinfo'), 'cpu family')}, model {first(Path('/proc/cpuinfo'), 'model')}"
    memory = int(first(Path("/proc/meminfo"), "MemTotal").split()[0]) / 2**20
    parts = [
        datetime.date.today().isoformat(),
        f"commit {output('git', 'rev-parse', '--short=10', 'HEAD')}",
        f"{len(os.sched_getaffinity(0))} cores of {cpu} ({family})",
        f"{memory:.0f} GiB",
        f"Linux {platform.release()}",
        output("rustc", "--version"),
        f"load {os.getloadavg()[0]:.1f} at the start",
    ]
    return ", ".join(parts)


def first(file, key):
    """A value of a file in /proc; a question mark where it has no such key."""
    for line in file.read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "?"


def output(*command):
    return subprocess.run(command, cwd=swift_lab.REPOSITORY, capture_output=True, text=True).stdout.strip()
