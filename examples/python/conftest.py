"""Starts the emulator once, and gives each test an account of its own."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest
import requests

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "debug/cloudfiles-emulator"


class Emulator:
    """A running emulator, and its control surface (`emulator/openapi.json`)."""

    def __init__(self, ready):
        self.url = ready["url"]
        self._control = ready["control_url"]

    def ask(self, method, path, /, **body):
        answer = requests.request(method, self._control + path, json=body or None, timeout=10)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def step(self, offset, kind=None):
        """Moves the clock so many seconds before or behind the next deadline."""
        asked = {"offset": offset} | ({"kind": kind} if kind else {})
        return self.ask("POST", "clock/advance-to-next-deadline", **asked)["deadline"]

    def fault(self, **fault):
        """Makes requests go wrong; gives what asks how often it has."""
        number = self.ask("POST", "faults", **fault)["id"]
        return lambda: self.ask("GET", f"faults/{number}")["fired"]


@pytest.fixture(scope="session")
def running():
    binary = os.environ.get("CLOUDFILES_EMULATOR", BINARY)
    process = subprocess.Popen([binary, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        # Its first line says where it is, and that it answers.
        yield Emulator(json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.fixture
def emulator(running):
    """The emulator, with its clock standing still; afterwards the time is real again and nothing goes wrong."""
    running.ask("POST", "clock/freeze")
    yield running
    running.ask("DELETE", "faults")
    running.ask("PUT", "clock", now=time.time(), frozen=False)


@pytest.fixture
def account(emulator):
    """An account that no other test sees: its user, key and addresses."""
    made = emulator.ask("POST", "accounts")
    yield made
    emulator.ask("DELETE", f"accounts/{made['account']}")
