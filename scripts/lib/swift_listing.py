"""Writes names into the listing of a container of a real Swift. Runs inside the virtual environment.

    swift_listing.py CONFIG_FOLDER DEVICES_FOLDER ACCOUNT CONTAINER  < NAMES

The objects themselves are not there: it is for measuring listings.
"""

import sys
from pathlib import Path

from swift.common.ring import Ring
from swift.common.utils import Timestamp, hash_path, set_swift_dir, storage_directory

conf, devices, account, container = sys.argv[1:]
set_swift_dir(conf)
from swift.common import utils  # noqa: E402
from swift.container.backend import ContainerBroker  # noqa: E402

utils.validate_hash_conf()
partition, _ = Ring(conf, ring_name="container").get_nodes(account, container)
name = hash_path(account, container)
database = Path(devices) / "d1" / storage_directory("containers", partition, name) / f"{name}.db"
broker = ContainerBroker(str(database), account=account, container=container)
now = Timestamp.now().internal
entries = [{
    "name": line, "created_at": now, "size": 1, "content_type": "application/octet-stream",
    "etag": "9dd4e461268c8034f5c8564e155c67a6", "deleted": 0, "storage_policy_index": 0,
    "ctype_timestamp": None, "meta_timestamp": None,
} for line in sys.stdin.read().splitlines()]
for first in range(0, len(entries), 10_000):
    broker.merge_items(entries[first:first + 10_000])
