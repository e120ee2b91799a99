"""How soon there is an emulator, and how little of one."""

import re
import statistics
import subprocess
import time

import swift_lab

from . import web
from .lab import TARGET, Server
from .row import Row

MIB = 2**20


def rows(lab):
    if lab.wants("process"):
        times = [first_answer(lab) for _ in range(20 + 1)][1:]
        yield Row("process", "process start to the first 200 on /info", statistics.median(times) * 1e3, "<= 10", lab.command("process"),
                  "ms", f"of 20; the slowest {max(times) * 1e3:.1f} ms; `true` takes {program_start() * 1e3:.1f} ms")
    if lab.wants("binary"):
        lab.build("--package", "emulator", "--bin", "cloudfiles-emulator")
        size = (TARGET / "release/cloudfiles-emulator").stat().st_size
        yield Row("binary", "release binary", size / MIB * MIB / 1e6, "<= 12", lab.command("binary"), "MB")
    if lab.wants("idle"):
        emulator = lab.emulator()
        web.expect(web.exchange(emulator.port, "GET", "/info"), 200)
        time.sleep(0.5)
        yield Row("idle", "memory when idle, after one request", emulator.memory() / MIB, "<= 10", lab.command("idle"), "MiB")
        emulator.end()


    if lab.wants("in-process") or lab.wants("thousand"):
        yield from in_process(lab)


# What benches/emulator.rs prints at its end.
START = re.compile(r"^start, median of \d+: ([\d.]+) ms$", re.MULTILINE)
MANY = re.compile(r"^(\d+) at once, each of which has answered: started in (\d+) ms, (\d+) KiB and (\d+) files each$", re.MULTILINE)


def in_process(lab):
    # None of criterion's own measurements has this name: what the bench reports at its end is wanted alone.
    run = ["cargo", "bench", "--locked", "--quiet", "--bench", "emulator", "--", "none"]
    swift_lab.say(" ".join(run))
    printed = subprocess.run(run, cwd=swift_lab.REPOSITORY, check=True, capture_output=True, text=True).stdout
    start, many = START.search(printed), MANY.search(printed)
    if lab.wants("in-process"):
        yield Row("in-process", "Emulator::start in process", float(start[1]), "<= 1", " ".join(run), "ms")
    if lab.wants("thousand"):
        yield Row("thousand", "emulators that one process had at once", float(many[1]), ">= 1000", " ".join(run),
                  note=f"all have answered; started in {many[2]} ms, {many[3]} KiB and {many[4]} files each")


def first_answer(lab):
    lab.build("--package", "emulator", "--bin", "cloudfiles-emulator")
    began = time.perf_counter()
    emulator = Server(lab, [TARGET / "release/cloudfiles-emulator", "--listen", "127.0.0.1:0"])
    web.expect(web.exchange(emulator.port, "GET", "/info"), 200)
    took = time.perf_counter() - began
    emulator.end()
    return took


def program_start():
    """What starting any program takes here, measured the same way."""
    began = time.perf_counter()
    subprocess.run(["true"], check=True, stdout=subprocess.PIPE)
    return time.perf_counter() - began
