"""One server of a real Swift, with every setting from one folder. Runs inside the virtual environment.

    swift_server.py proxy|account|container|object CONFIG_FOLDER
    swift_server.py rings CONFIG_FOLDER ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT
"""

import importlib
import sys

from swift.common.utils import set_swift_dir

what, folder = sys.argv[1:3]

# Constraints and policies come from /etc/swift when these modules are first imported, whatever swift_dir says later.
set_swift_dir(folder)
from swift.common import constraints, storage_policy  # noqa: E402

constraints.reload_constraints()
storage_policy.reload_storage_policies()

if what == "rings":
    from swift.common.ring import RingBuilder

    account, container, objects = map(int, sys.argv[3:])
    for name, port in {"account": account, "container": container, "object": objects, "object-1": objects}.items():
        # 16 partitions, one replica, on one device.
        builder = RingBuilder(4, 1, 0)
        builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1})
        builder.rebalance(seed="contract")
        builder.get_ring().save(f"{folder}/{name}.ring.gz")
else:
    module = {"proxy": "proxy", "account": "account", "container": "container", "object": "obj"}[what]
    sys.argv = [f"swift-{what}-server", f"{folder}/{what}-server.conf", "--verbose"]
    sys.exit(importlib.import_module(f"swift.{module}.server").main())
