"""The OpenStack Swift that the emulator is measured against: its packages, its tests, where they live.

Everything is installed by name, from PyPI and apt, into target/swift, and only once.
"""

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
    LAB.mkdir(parents=True, exist_ok=True)
    with open(LAB / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = LAB / "ready", "\n".join([sys.version, *PACKAGES])
        if stamp.exists() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL).returncode:
            apt_install("python3-venv")
        say(f"installing OpenStack Swift {SWIFT_VERSION} and its tests into {LAB}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", LAB / "venv"], check=True)
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", *PACKAGES], check=True)

        shutil.rmtree(SOURCE, ignore_errors=True)
        sdist = ["download", "--no-deps", "--no-binary", ":all:", "--dest", LAB, f"swift=={SWIFT_VERSION}"]
        subprocess.run([*pip, *sdist], check=True)
        archive = LAB / f"swift-{SWIFT_VERSION}.tar.gz"
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(LAB, filter="data")
            else:
                tar.extractall(LAB)
        archive.unlink()
        stamp.write_text(wanted)


def memcached():
    """Path of memcached, where TempAuth keeps its tokens."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"])
    found = shutil.which("memcached", path=path)
    if found is None:
        apt_install("memcached")
        found = shutil.which("memcached", path=path)
    return found
