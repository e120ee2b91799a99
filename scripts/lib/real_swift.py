"""A real OpenStack Swift on one machine: its processes, its configuration, its folder."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import swift_lab

SWIFT_CONF = """\
[swift-hash]
swift_hash_path_prefix = contract
swift_hash_path_suffix = contract

[storage-policy:0]
name = gold
default = yes
policy_type = replication

[storage-policy:1]
name = silver
policy_type = replication
"""

STORAGE_CONF = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = {workers}
user = {user}
swift_dir = {conf}
devices = {devices}
mount_check = false
disable_fallocate = true
log_level = WARNING

[pipeline:main]
pipeline = healthcheck {kind}-server

[filter:healthcheck]
use = egg:swift#healthcheck

[app:{kind}-server]
use = egg:swift#{kind}
"""

# In the order in which a request meets them.
PIPELINE = """
    catch_errors gatekeeper healthcheck proxy-logging cache etag-quoter domain_remap listing_formats container_sync
    bulk tempurl ratelimit crossdomain formpost tempauth staticweb copy container-quotas account-quotas slo dlo
    versioned_writes symlink proxy-logging proxy-server
""".split()

# Settings that differ from Swift's defaults, by section.
PROXY_SETTINGS = {
    "app:proxy-server": {
        "use": "egg:swift#proxy",
        "account_autocreate": "true",
        "allow_account_management": "true",
        "allow_open_expired": "true",
    },
    "filter:cache": {"use": "egg:swift#memcache", "memcache_servers": "127.0.0.1:{memcached}"},
    "filter:domain_remap": {"storage_domain": "example.net"},
    "filter:etag-quoter": {"use": "egg:swift#etag_quoter"},
    "filter:tempauth": {
        "reseller_prefix": "AUTH, SERVICE",
        "SERVICE_require_group": "service",
        "user_admin_admin": "admin .admin .reseller_admin",
        "user_test_tester": "testing .admin",
        "user_test_tester3": "testing3",
        "user_test2_tester2": "testing2 .admin",
        "user_test5_tester5": "testing5 service",
    },
    "filter:versioned_writes": {"allow_versioned_writes": "true", "allow_object_versioning": "true"},
}


class RealSwift:
    """A Swift whose proxy listens on `port`; `pipeline` and `settings` are the proxy's, `python` runs all of it."""

    def __init__(self, port, pipeline=PIPELINE, settings=PROXY_SETTINGS, python=swift_lab.PYTHON):
        self.port = port
        self.pipeline = pipeline
        self.settings = settings
        self.python = python
        self.ports = {"proxy": port, "object": port + 10000, "container": port + 12000, "account": port + 14000}
        self.memcached = port + 16000
        self.run = swift_lab.LAB / f"run-{port}"
        self.conf = self.run / "conf"
        self.pids = self.run / "pids.json"

    def devices(self):
        """The folder of the device, of one that was started."""
        return Path(json.loads(self.pids.read_text())["devices"])

    def processes(self):
        """Process ids by name, of those that run still and are ours still."""
        if not self.pids.exists():
            return {}
        found = {}
        for name, pid in json.loads(self.pids.read_text())["pids"].items():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if str(self.run).encode() in command:
                found[name] = pid
        return found

    def start(self):
        if self.processes():
            sys.exit(f"a real Swift is up already on http://127.0.0.1:{self.port}")
        for port in [*self.ports.values(), self.memcached]:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except (OSError, OverflowError) as error:
                    sys.exit(f"port {port} cannot be used: {error}")
        memcached = swift_lab.memcached()
        self.stop()
        self.conf.mkdir(parents=True)
        devices = self.make_device()
        self.configure(devices)

        pids = {"memcached": self.launch("memcached", [
            memcached, "-u", self.user(), "-l", "127.0.0.1", "-p", str(self.memcached), "-U", "0", "-m", "64",
            "-P", str(self.run / "memcached.pid"),
        ])}
        for kind in self.ports:
            server = Path(swift_lab.__file__).with_name("swift_server.py")
            pids[kind] = self.launch(kind, [self.python, server, kind, self.conf])
        pids.update(self.extra_processes())
        self.pids.write_text(json.dumps({"pids": pids, "devices": str(devices)}))
        if not self.comes_up():
            for log in sorted(self.run.glob("*.log")):
                swift_lab.say(f"--- {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-5:]))
            self.stop()
            sys.exit("the real Swift did not come up")

    def extra_processes(self):
        """Process ids by name of what `configure` has started beside Swift."""
        return {}

    def user(self):
        import pwd
        return pwd.getpwuid(os.getuid()).pw_name

    def make_device(self):
        """A folder whose file system keeps 8 KiB of extended attributes, as tmpfs and xfs do and ext4 does not."""
        own = self.run / "devices"
        candidates = [Path(os.environ["SWIFT_DEVICES"])] if "SWIFT_DEVICES" in os.environ else [self.run, "/dev/shm"]
        if "SWIFT_DEVICES" not in os.environ and os.geteuid() == 0 and not keeps_attributes(self.run):
            own.mkdir()
            mount = ["mount", "-t", "tmpfs", "-o", "size=4g,mode=700", "contract-swift", own]
            if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0:
                candidates.insert(0, own)
            else:
                own.rmdir()
        for folder in map(Path, candidates):
            if keeps_attributes(folder):
                devices = folder if folder == own else folder / f"contract-swift-{self.port}"
                shutil.rmtree(devices / "d1", ignore_errors=True)
                (devices / "d1").mkdir(parents=True)
                return devices
        sys.exit("no file system here keeps 8 KiB of extended attributes: name one that does in SWIFT_DEVICES")

    def configure(self, devices):
        (self.conf / "swift.conf").write_text(SWIFT_CONF)
        for kind, port in self.ports.items():
            if kind != "proxy":
                text = STORAGE_CONF.format(kind=kind, port=port, workers=2 if kind == "object" else 1,
                                           user=self.user(), conf=self.conf, devices=devices)
                (self.conf / f"{kind}-server.conf").write_text(text)

        lines = ["[DEFAULT]", "bind_ip = 127.0.0.1", f"bind_port = {self.port}", "workers = 2",
                 f"user = {self.user()}", f"swift_dir = {self.conf}", "log_level = WARNING",
                 "", "[pipeline:main]", f"pipeline = {' '.join(self.pipeline)}"]
        for name in dict.fromkeys(self.pipeline):
            section = f"app:{name}" if name == "proxy-server" else f"filter:{name}"
            settings = self.settings.get(section, {})
            if "paste.filter_factory" not in settings:
                settings = {"use": f"egg:swift#{name.replace('-', '_')}", **settings}
            lines += ["", f"[{section}]"]
            lines += [f"{key} = {value.format(memcached=self.memcached)}" for key, value in settings.items()]
        (self.conf / "proxy-server.conf").write_text("\n".join(lines) + "\n")

        ports = [str(self.ports[kind]) for kind in ("account", "container", "object")]
        server = Path(swift_lab.__file__).with_name("swift_server.py")
        subprocess.run([self.python, server, "rings", self.conf, *ports], check=True)

    def launch(self, name, command):
        """Starts a server in a session of its own, so that it can be stopped with all its workers."""
        with open(self.run / f"{name}.log", "wb") as log:
            process = subprocess.Popen(list(map(str, command)), cwd=self.run, start_new_session=True,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return process.pid

    def comes_up(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if all(answers(port, "/healthcheck") == 200 for port in self.ports.values()):
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        """Ends what runs and drops the data. Nothing to stop is no error."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.processes().values():
                try:
                    os.killpg(pid, sign)
                except ProcessLookupError:
                    pass
            deadline = time.monotonic() + 10
            while self.processes() and time.monotonic() < deadline:
                time.sleep(0.05)
        if self.pids.exists():
            devices = self.devices()
            if os.path.ismount(devices):
                subprocess.run(["umount", "--lazy", devices], check=True)
            shutil.rmtree(devices, ignore_errors=True)
        shutil.rmtree(self.run, ignore_errors=True)

    def status(self):
        processes = self.processes()
        if not processes:
            sys.exit(f"down: nothing of ours on port {self.port}")
        for name, pid in processes.items():
            print(f"{pid:8} {name}")
        print(f"up: GET /info on http://127.0.0.1:{self.port} answers {answers(self.port, '/info')}")


def keeps_attributes(folder):
    probe = Path(folder) / f".attributes-{os.getpid()}"
    try:
        probe.touch()
        os.setxattr(probe, "user.swift.metadata", b"x" * 8192)
        return True
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
