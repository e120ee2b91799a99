"""Runs a command and tells what it took: time, processor time, memory."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """A command ended with an error, or did not do what it was asked."""


@dataclass(frozen=True)
class Measured:
    """Seconds of wall-clock and of processor time (user and system), and the peak of resident memory in bytes."""

    wall: float
    cpu: float
    peak: int


def run(command, environment, folder, out, stdin=subprocess.DEVNULL):
    """Runs `command` in `folder`, its standard output into the file `out`.

    GNU time stands between, since a process that Python itself starts begins with Python's own peak of memory.
    """
    command = list(map(str, command))
    with tempfile.NamedTemporaryFile() as peak, tempfile.TemporaryFile() as errors, open(out, "wb") as output:
        wrapped = ["/usr/bin/time", "--quiet", "-f", "%M", "-o", peak.name, *command]
        started = time.perf_counter()
        process = subprocess.Popen(wrapped, cwd=folder, env=environment, stdin=stdin, stdout=output, stderr=errors)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()[-1000:]
            raise Failed(f"{Path(command[0]).name} {' '.join(command[1:])} ended with {process.returncode}: {said}")
        kibibytes = int(Path(peak.name).read_text().split()[-1])
    return Measured(wall, used.ru_utime + used.ru_stime, kibibytes << 10)


def start_times(programs, rounds):
    """How long each program takes from start to end, in seconds: the median of `rounds`, all taking turns."""
    times = [[] for _ in programs]
    for _ in range(rounds):
        for program, taken in zip(programs, times):
            started = time.perf_counter()
            subprocess.run(program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            taken.append(time.perf_counter() - started)
    return [sorted(taken)[rounds // 2] for taken in times]
