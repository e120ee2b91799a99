"""What clients are asked to do, what they are given for it, and how it is seen that they have done it."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from measure import Failed, run

MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Scale:
    """How much of everything; sizes in bytes."""

    files: int
    large: int
    listed: int
    piped: int


FULL = Scale(files=10_000, large=2 << 30, listed=100_000, piped=20 << 30)
QUICK = Scale(files=1_000, large=256 << 20, listed=20_000, piped=1 << 30)

FILE_BYTES = 4096


class Work:
    """The work of one round on one server: `steps` of it, measured one by one for each client in turn."""

    def __init__(self, scale, folder):
        self.scale = scale
        self.folder = folder

    def prepare(self, server):
        """What all clients find there."""

    def rounds(self, wanted):
        """How often it is done."""
        return wanted

    def measure(self, client, server, command, stdin=subprocess.DEVNULL, folder=None):
        # What an earlier run has left to be written is not this one's.
        os.sync()
        home = self.folder / f"home-{client.name}"
        home.mkdir(exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        environment = {**kept, "HOME": str(home), "no_proxy": "*", **client.environment(server.auth_url)}
        return run(command, environment, folder or self.folder, self.folder / "out", stdin)


class Small(Work):
    """Files of 4 KiB, up, down and away."""

    steps = ("upload", "download", "delete")

    def title(self, step):
        return f"{step} {self.scale.files:,} files of 4 KiB"

    def prepare(self, server):
        self.source = self.folder / "small"
        if self.source.exists():
            return
        for number in range(self.scale.files):
            path = self.source / f"{number // 100:03}" / f"{number:06}.bin"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.urandom(FILE_BYTES))
        self.expected = hashes(self.source)

    def ways(self, step, client):
        container, to = f"small-{client.name}", self.folder / "back"
        return {
            "upload": client.upload_folder(container, self.source),
            "download": client.download_folder(container, to),
            "delete": client.delete(container),
        }[step]

    def run(self, step, client, server, command):
        container, back = f"small-{client.name}", self.folder / "back"
        shutil.rmtree(back, ignore_errors=True)
        if step == "download":
            back.mkdir()
        elif step == "delete" and not server.hashes(container):
            raise Failed("there is nothing to delete")
        measured = self.measure(client, server, command, folder=self.source)
        if step == "download":
            same(hashes(back), self.expected)
            shutil.rmtree(back)
        else:
            same(server.hashes(container), {} if step == "delete" else self.expected)
        return measured


class Large(Work):
    """One large file, in segments, up and down."""

    steps = ("upload", "download")

    def title(self, step):
        return f"{step} one file of {self.scale.large // MEBIBYTE:,} MiB"

    def prepare(self, server):
        self.source = self.folder / "large" / "file"
        if self.source.exists():
            return
        self.source.parent.mkdir(parents=True)
        with open(self.source, "wb") as file:
            for _ in range(self.scale.large // MEBIBYTE):
                file.write(os.urandom(MEBIBYTE))
        self.expected = md5(self.source)

    def ways(self, step, client):
        container, to = f"large-{client.name}", self.folder / "back" / "file"
        return {
            "upload": client.upload_file(container, self.source),
            "download": client.download_file(container, to),
        }[step]

    def run(self, step, client, server, command):
        container, back = f"large-{client.name}", self.folder / "back"
        if step == "upload":
            for name in (container, f"{container}_segments"):
                clear(server, name)
            measured = self.measure(client, server, command, folder=self.source.parent)
            same(server.size(container, "file"), self.scale.large)
            return measured
        shutil.rmtree(back, ignore_errors=True)
        back.mkdir()
        measured = self.measure(client, server, command)
        same(md5(back / "file"), self.expected)
        shutil.rmtree(back)
        for name in (container, f"{container}_segments"):
            clear(server, name)
        return measured


class Listing(Work):
    """All names of a large container."""

    steps = ("list",)

    def title(self, step):
        return f"{step} {self.scale.listed:,} objects"

    def prepare(self, server):
        server.fill("listed", [f"folder-{number // 1000:03}/object-{number:06}" for number in range(self.scale.listed)])

    def ways(self, step, client):
        return client.list("listed")

    def run(self, step, client, server, command):
        measured = self.measure(client, server, command)
        lines = (self.folder / "out").read_text().splitlines()
        same(len(set(lines)), self.scale.listed)
        return measured


class Pipe(Work):
    """Standard input of unknown length."""

    steps = ("upload",)

    def rounds(self, wanted):
        return 1

    def title(self, step):
        return f"{step} {self.scale.piped // MEBIBYTE:,} MiB from a pipe"

    def ways(self, step, client):
        return client.pipe(f"pipe-{client.name}", "stream")

    def run(self, step, client, server, command):
        # Bytes that do not repeat, faster than any client takes them: a stream cipher's.
        cipher = ["openssl", "enc", "-aes-128-ctr", "-nosalt", "-K", "0" * 32, "-iv", "0" * 32, "-in", "/dev/zero"]
        source = subprocess.Popen(cipher, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        cut = subprocess.Popen(["head", "-c", str(self.scale.piped)], stdin=source.stdout, stdout=subprocess.PIPE)
        try:
            measured = self.measure(client, server, command, stdin=cut.stdout)
        finally:
            for process in (cut, source):
                process.stdout.close()
                process.kill()
                process.wait()
        container = f"pipe-{client.name}"
        same(server.size(container, "stream"), self.scale.piped)
        for name in (container, f"{container}_segments"):
            clear(server, name)
        return measured


WORKS = {"small": Small, "large": Large, "listing": Listing, "pipe": Pipe}


def clear(server, container):
    """Removes a container and what is in it. Manifests lie elsewhere than their segments, so all are plain objects."""
    for name in server.hashes(container):
        server.ask("DELETE", f"{container}/{quote(name)}")
    server.ask("DELETE", container)


def md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def hashes(folder):
    """MD5 of each file, by its path below the folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            found[str(path.relative_to(folder))] = md5(path)
    return found


def same(found, expected):
    if found == expected:
        return
    if isinstance(found, dict):
        differing = [name for name in {*found, *expected} if found.get(name) != expected.get(name)]
        raise Failed(f"{len(differing)} of {len(expected)} objects are not right, such as {differing[0]}")
    raise Failed(f"{expected} was expected, and {found} came")
