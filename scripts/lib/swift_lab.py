"""The OpenStack Swift that the emulator is measured against: its packages, its tests, where they live.

Everything is installed by name, from PyPI and apt, into target/swift, and only once.
"""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")).resolve() / "swift"
PYTHON = LAB / "venv/bin/python"

SWIFT_VERSION = "2.38.3"
SOURCE = LAB / f"swift-{SWIFT_VERSION}"
# What the baseline was measured with.
PACKAGES = [
    f"swift=={SWIFT_VERSION}",
    "dnspython==2.9.2",
    "eventlet==0.41.3",
    "pyeclib==1.8.0",
    "pytest==9.2.0",
    "pytest-timeout==2.4.0",
    "python-swiftclient==4.11.0",
    "xattr==1.3.0",
]

# Keystone, its part in Swift's proxy, a server for it, and the clients that speak to it.
KEYSTONE_PYTHON = LAB / "keystone-venv/bin/python"
KEYSTONE_PACKAGES = [
    *PACKAGES,
    "keystone==30.0.0",
    "keystonemiddleware==13.0.1",
    "python-keystoneclient==6.0.0",
    "waitress==3.0.2",
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def apt_install(*packages):
    """Installs Debian packages; asks for root only through sudo that needs no password."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    apt = root + ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    install = apt + ["install", "--yes", "--no-install-recommends", *packages]
    say(f"apt: {' '.join(packages)}")
    # A machine that has its package lists needs no update; one that has none fails at once.
    if subprocess.run(install, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return
    subprocess.run(apt + ["update"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(install, check=True, stdout=subprocess.DEVNULL)


def prepare():
    """Makes the virtual environment and unpacks the sources, which alone carry the functional tests."""
    with prepared("ready", PACKAGES) as is_ready:
        if not is_ready:
            say(f"installing OpenStack Swift {SWIFT_VERSION} and its tests into {LAB}")
            install(PYTHON, PACKAGES)
            unpack_sources()


def prepare_keystone():
    """Makes the virtual environment of Keystone and of the Swift that trusts it."""
    with prepared("keystone-ready", KEYSTONE_PACKAGES) as is_ready:
        if not is_ready:
            say(f"installing OpenStack Keystone and Swift into {LAB}")
            install(KEYSTONE_PYTHON, KEYSTONE_PACKAGES)


@contextlib.contextmanager
def prepared(stamp, packages):
    """Tells whether these packages are there already; notes that they are where the block ends well."""
    LAB.mkdir(parents=True, exist_ok=True)
    with open(LAB / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = LAB / stamp, "\n".join([sys.version, *packages])
        is_ready = stamp.exists() and stamp.read_text() == wanted
        if not is_ready:
            stamp.unlink(missing_ok=True)
        yield is_ready
        stamp.write_text(wanted)


def pip(python):
    return [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def install(python, packages):
    """Makes a virtual environment, named by its interpreter, afresh."""
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL).returncode:
        apt_install("python3-venv")
    subprocess.run([sys.executable, "-m", "venv", "--clear", python.parents[1]], check=True)
    subprocess.run([*pip(python), "install", *packages], check=True)


def unpack_sources():
    shutil.rmtree(SOURCE, ignore_errors=True)
    sdist = ["download", "--no-deps", "--no-binary", ":all:", "--dest", LAB, f"swift=={SWIFT_VERSION}"]
    subprocess.run([*pip(PYTHON), *sdist], check=True)
    archive = LAB / f"swift-{SWIFT_VERSION}.tar.gz"
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extractall(LAB, filter="data")
        else:
            tar.extractall(LAB)
    archive.unlink()


def memcached():
    """Path of memcached, where TempAuth keeps its tokens."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"])
    found = shutil.which("memcached", path=path)
    if found is None:
        apt_install("memcached")
        found = shutil.which("memcached", path=path)
    return found
