"""Recording what is made, beside writing and syncing the same bytes with nothing around them."""

import re
import subprocess

import swift_lab

from .row import Row

# `      64          12345          6789       1.82`, of the second table that benches/ledger.rs prints.
LINE = re.compile(r"^\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+\.\d+)$", re.MULTILINE)


def rows(lab):
    # None of criterion's own measurements has this name: what the bench reports at its end is wanted alone.
    run = ["cargo", "bench", "--locked", "--quiet", "--bench", "ledger", "--", "none"]
    swift_lab.say(" ".join(run))
    printed = subprocess.run(run, cwd=swift_lab.REPOSITORY, check=True, capture_output=True, text=True).stdout
    _, _, table = printed.partition("write + fsync")
    for threads, mine, raw, ratio in LINE.findall(table):
        key = f"append/{threads}"
        if lab.wants(key):
            yield Row(key, f"appends by {threads} thread{'s' if threads != '1' else ''} / write and fsync of as many bytes by one",
                      float(ratio), "", " ".join(run), note=f"{int(mine):,}/s beside {int(raw):,}/s, in TMPDIR")
