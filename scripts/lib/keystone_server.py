"""A real Keystone behind waitress. Runs inside the virtual environment.

    keystone_server.py CONFIG_FILE PORT
"""

import sys

from keystone.server.flask import core
from waitress import serve

config, port = sys.argv[1:]
# Keystone reads its command line itself.
sys.argv = ["keystone", "--config-file", config]
application = core.initialize_application(name="public", config_files=[config])
serve(application, host="127.0.0.1", port=int(port), threads=4, ident=None, _quiet=True)
