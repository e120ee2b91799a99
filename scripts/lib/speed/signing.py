"""Signing beside the compressions of its digest alone, and beside python-swiftclient."""

import json
import subprocess

import swift_lab

from .lab import TARGET
from .row import Row

DIGESTS = ["sha1", "sha256", "sha512"]
# What is measured, beside what, and how many times that it may cost: benches/signing.rs says what each is.
RATIOS = [("sign", "floor", 1.5), ("url", "floor", 2.5), ("verify", "sign", 1.5)]

SWIFTCLIENT = """
import json, timeit
from swiftclient.utils import generate_temp_url
def url(digest):
    return generate_temp_url("/v1/MossoCloudFS_abc/python-demo/logo.png", 1400000000,
                             "8f3ac2f4dd5b4b2e9c1a7b60d2e4f516", "GET", absolute=True, digest=digest)
def seconds(digest):
    return min(timeit.repeat(lambda: url(digest), number=2000, repeat=7)) / 2000
print(json.dumps({digest: seconds(digest) for digest in ("sha1", "sha256", "sha512")}))
"""


def rows(lab):
    run = ["cargo", "bench", "--locked", "--quiet", "--bench", "signing"]
    swift_lab.say(" ".join(run))
    subprocess.run(run, cwd=swift_lab.REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    for digest in DIGESTS:
        for what, beside, limit in RATIOS:
            key = f"{digest}/{what}"
            if lab.wants(key):
                mine, floor = nanoseconds(digest, what), nanoseconds(digest, beside)
                yield Row(key, f"{digest}: {what} / {beside}", mine / floor, f"<= {limit}", f"{' '.join(run)} -- {digest}",
                          note=f"{mine:.0f} ns beside {floor:.0f} ns")
    if lab.wants("swiftclient"):
        swift_lab.prepare()
        measured = subprocess.run([swift_lab.PYTHON, "-c", SWIFTCLIENT], check=True, capture_output=True, text=True).stdout
        for digest, seconds in json.loads(measured).items():
            mine = nanoseconds(digest, "url")
            yield Row(f"swiftclient/{digest}", f"{digest}: complete URLs in the time of one of generate_temp_url",
                      seconds * 1e9 / mine, "", lab.command("swiftclient"), note=f"{mine:.0f} ns beside {seconds * 1e9:,.0f} ns")


def nanoseconds(digest, what):
    """The median that criterion has just written down."""
    file = TARGET / "criterion" / digest / what / "new/estimates.json"
    return json.loads(file.read_text())["median"]["point_estimate"]
