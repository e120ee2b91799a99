"""The clients that are compared: where each comes from, and how it is asked for the same thing.

For each piece of work a client has one or more ways to be asked, as the flags that make the difference and the whole
command, the best one first. What is best was found with `compare-clients --tune`, which runs them all.
"""

import shutil
import subprocess

import swift_lab

USER, KEY = "test:tester", "testing"

SWIFTCLIENT_PACKAGES = ["python-swiftclient==4.11.0"]
SWIFTCLIENT_PYTHON = swift_lab.LAB / "swiftclient-venv/bin/python"

# As our own segments.
SEGMENT = "64M"


class Cloudfiles:
    """Ours, with its defaults."""

    name = "cloudfiles"

    def __init__(self):
        build = ["cargo", "build", "--quiet", "--release", "--package", "demo-cli", "--package", "emulator"]
        subprocess.run(build, cwd=swift_lab.REPOSITORY, check=True)
        self.program = swift_lab.LAB.parent / "release/cloudfiles"

    def environment(self, auth_url):
        return {"ST_AUTH": auth_url, "ST_USER": USER, "ST_KEY": KEY}

    def version(self):
        return subprocess.check_output([self.program, "--version"], text=True).strip()

    def ask(self, *words):
        return [("", [self.program, *words])]

    def upload_folder(self, container, folder):
        return self.ask("--quiet", "upload", folder, container)

    def download_folder(self, container, folder):
        return self.ask("--quiet", "download", container, folder)

    def upload_file(self, container, path):
        return self.ask("--quiet", "upload", path, f"{container}/{path.name}")

    def download_file(self, container, path):
        return self.ask("--quiet", "download", f"{container}/{path.name}", path)

    def list(self, container):
        return self.ask("ls", "-r", f"{container}/")

    def delete(self, container):
        return self.ask("--quiet", "delete", "-r", container)

    def pipe(self, container, name):
        return self.ask("--quiet", "upload", "-", f"{container}/{name}")


class Rclone:
    """rclone, from apt. It writes dynamic large objects only, and checks no hash of any large object."""

    name = "rclone"

    def __init__(self):
        self.program = shutil.which("rclone")
        if self.program is None:
            swift_lab.apt_install("rclone")
            self.program = shutil.which("rclone")

    def environment(self, auth_url):
        prefix = "RCLONE_CONFIG_HERE_"
        remote = {"TYPE": "swift", "AUTH": auth_url, "USER": USER, "KEY": KEY, "CHUNK_SIZE": SEGMENT}
        return {"RCLONE_CONFIG": "/dev/null", **{prefix + name: value for name, value in remote.items()}}

    def version(self):
        return subprocess.check_output([self.program, "version"], text=True).splitlines()[0]

    def ask(self, verb, *places, ways):
        return [(flags, [self.program, verb, *flags.split(), *places]) for flags in ways]

    def upload_folder(self, container, folder):
        return self.ask("copy", folder, f"here:{container}", ways=[
            "--transfers 16 --checkers 16 --no-traverse --no-check-dest",
            "--transfers 16 --checkers 16 --no-check-dest",
            "--transfers 16 --checkers 16",
            "--transfers 8 --checkers 8 --no-traverse --no-check-dest",
            "--transfers 32 --checkers 32 --no-traverse --no-check-dest",
            "--transfers 64 --checkers 64 --no-traverse --no-check-dest",
            "--transfers 16 --checkers 16 --no-traverse --no-check-dest --buffer-size 0",
        ])

    def download_folder(self, container, folder):
        return self.ask("copy", f"here:{container}", folder, ways=[
            "--transfers 16 --checkers 16 --no-traverse --no-check-dest --use-server-modtime",
            "--transfers 16 --checkers 16 --fast-list --no-check-dest --use-server-modtime",
            "--transfers 16 --checkers 16 --no-traverse --no-check-dest",
            "--transfers 16 --checkers 16 --fast-list --no-check-dest",
            "--transfers 8 --checkers 8 --no-traverse --no-check-dest --use-server-modtime",
            "--transfers 32 --checkers 32 --no-traverse --no-check-dest --use-server-modtime",
            "--transfers 16 --checkers 16 --no-traverse --no-check-dest --use-server-modtime --buffer-size 0",
        ])

    def upload_file(self, container, path):
        return self.ask("copy", path, f"here:{container}", ways=[
            "--no-traverse --no-check-dest",
            "--no-traverse --no-check-dest --buffer-size 0",
            "--no-traverse --no-check-dest --swift-chunk-size 16M",
            "--no-traverse --no-check-dest --swift-chunk-size 256M",
            "--no-traverse --no-check-dest --swift-chunk-size 1G",
        ])

    def download_file(self, container, path):
        return self.ask("copyto", f"here:{container}/{path.name}", path, ways=[
            "--multi-thread-streams 4 --no-check-dest",
            "--multi-thread-streams 0 --no-check-dest",
            "--multi-thread-streams 2 --no-check-dest",
            "--multi-thread-streams 8 --no-check-dest",
            "--multi-thread-streams 4 --no-check-dest --buffer-size 0",
        ])

    def list(self, container):
        return self.ask("lsf", f"here:{container}", ways=[
            "-R --fast-list --files-only",
            "-R --files-only --checkers 16",
            "-R --fast-list --files-only --use-server-modtime",
        ])

    def delete(self, container):
        return [
            *self.ask("purge", f"here:{container}", ways=["--checkers 16", "--checkers 8", "--checkers 32", "--checkers 64"]),
            *self.ask("delete", f"here:{container}", ways=["--rmdirs --checkers 16 --transfers 16"]),
        ]

    def pipe(self, container, name):
        return self.ask("rcat", f"here:{container}/{name}", ways=[""])


class Swiftclient:
    """python-swiftclient, from PyPI in an environment of its own."""

    name = "swift"

    def __init__(self):
        with swift_lab.prepared("swiftclient-ready", SWIFTCLIENT_PACKAGES) as is_ready:
            if not is_ready:
                swift_lab.say(f"installing python-swiftclient into {swift_lab.LAB}")
                swift_lab.install(SWIFTCLIENT_PYTHON, SWIFTCLIENT_PACKAGES)
        self.program = SWIFTCLIENT_PYTHON.with_name("swift")

    def environment(self, auth_url):
        return {"ST_AUTH_VERSION": "1", "ST_AUTH": auth_url, "ST_USER": USER, "ST_KEY": KEY, "PYTHONWARNINGS": "ignore"}

    def version(self):
        return subprocess.check_output([self.program, "--version"], text=True).strip()

    def ask(self, verb, *rest, ways):
        return [(flags, [self.program, "--quiet", verb, *flags.split(), *rest]) for flags in ways]

    def upload_folder(self, container, folder):
        return self.ask("upload", container, ".", ways=[
            "--object-threads 10 --leave-segments",
            "--object-threads 10",
            "--object-threads 4 --leave-segments",
            "--object-threads 20 --leave-segments",
        ])

    def download_folder(self, container, folder):
        return self.ask("download", container, "--output-dir", folder, ways=[
            "--object-threads 10",
            "--object-threads 4",
            "--object-threads 20",
        ])

    def upload_file(self, container, path):
        return self.ask("upload", container, path.name, ways=[
            f"--segment-size {SEGMENT} --segment-threads 10 --use-slo",
            f"--segment-size {SEGMENT} --segment-threads 4 --use-slo",
            f"--segment-size {SEGMENT} --segment-threads 2 --use-slo",
        ])

    def download_file(self, container, path):
        return self.ask("download", container, path.name, "--output", path, ways=[""])

    def list(self, container):
        return self.ask("list", container, ways=[""])

    def delete(self, container):
        return self.ask("delete", container, ways=[
            "--object-threads 10",
            "--object-threads 20",
            "--object-threads 10 --prefix=",
        ])

    def pipe(self, container, name):
        return self.ask("upload", container, "-", ways=[
            f"--segment-size {SEGMENT} --use-slo --object-name {name}",
        ])
