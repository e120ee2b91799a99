"""Where a section measures: what is wanted of it, what it starts, and how turns are taken."""

import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path

import swift_lab

TARGET = swift_lab.LAB.parent
CORES = len(os.sched_getaffinity(0))


class Lab:
    def __init__(self, stack, section, wanted, rounds, seconds):
        self.stack = stack
        self.section = section
        self.wanted = wanted
        self.rounds = rounds
        self.seconds = seconds
        self.built = set()
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="speed-")))

    def wants(self, key):
        """Whether a row of this key is asked for: itself, what it is part of, or a part of it."""
        whole = f"{self.section}/{key}/"
        return any(whole.startswith(f"{each}/") or f"{each}/".startswith(whole) for each in self.wanted)

    def command(self, key):
        return f"scripts/speed {self.section}/{key}"

    def build(self, *arguments):
        """Builds with cargo's release profile, once."""
        if arguments not in self.built:
            swift_lab.say(f"building {' '.join(arguments)}")
            command = ["cargo", "build", "--release", "--locked", "--quiet", *arguments]
            subprocess.run(command, cwd=swift_lab.REPOSITORY, check=True)
            self.built.add(arguments)

    def emulator(self, *options, threads=CORES):
        """Starts an emulator; ended with the section."""
        self.build("--package", "emulator", "--bin", "cloudfiles-emulator")
        binary = TARGET / "release/cloudfiles-emulator"
        return Server(self, [binary, "--listen", "127.0.0.1:0", "--threads", str(threads), *options])

    def bare(self, *answers, threads=CORES):
        """Starts a server of nothing but hyper; ended with the section."""
        self.build("--package", "emulator", "--example", "bare_hyper")
        return Server(self, [TARGET / "release/examples/bare_hyper", "--threads", str(threads), *answers])

    def turns(self, measures, rounds=None):
        """Runs each of several measures in turns: a list of what each round gave, by name.

        `measures` are functions by name; so that whatever else the machine does meanwhile befalls all of them.
        """
        return [{name: measure() for name, measure in measures.items()} for _ in range(rounds or self.rounds)]


def ratio(rounds, one, other, of=lambda measured: measured):
    """The median over all rounds of how many times `other` is in `one`."""
    return statistics.median(of(measured[one]) / of(measured[other]) for measured in rounds)


def median(rounds, name, of=lambda measured: measured):
    return statistics.median(of(measured[name]) for measured in rounds)


class Server:
    """A process that says on its first line where it listens, as an address or as JSON with a `url`."""

    def __init__(self, lab, command):
        self.process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
        lab.stack.callback(self.end)
        line = self.process.stdout.readline()
        self.url = json.loads(line)["url"] if line.startswith("{") else line.strip()
        if not self.url:
            raise SystemExit(f"{command[0]} did not start")
        self.port = int(self.url.rsplit(":", 1)[1])

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()

    def memory(self, what="VmRSS"):
        """Bytes of memory that the process has now (`VmRSS`) or had at most (`VmHWM`)."""
        return memory(self.process.pid, what)

    def processor_time(self):
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def forget_peak(self):
        """Has `VmHWM` begin anew from what is there now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


def memory(pid, what="VmRSS"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit(f"process {pid} tells no {what}")
