"""Makes of a token of a real Keystone one that ended a day ago. Runs inside the virtual environment.

    expired_token.py KEY_FOLDER <TOKEN

Keystone's clock cannot be moved, and waiting for an hour is no test. A fernet token is an encrypted list, in which the
time when it ends is the only floating-point number (`keystone/token/token_formatters.py`).
"""

import sys
from pathlib import Path

import msgpack
from cryptography.fernet import Fernet

# The key with the highest number signs.
key = Fernet(max(Path(sys.argv[1]).iterdir(), key=lambda path: int(path.name)).read_bytes())
token = sys.stdin.read().strip()
payload = msgpack.unpackb(key.decrypt(token + "=" * (-len(token) % 4)))
ended = [value - 86_400 if isinstance(value, float) else value for value in payload]
if ended == payload:
    sys.exit("this token says nowhere when it ends")
print(key.encrypt(msgpack.packb(ended)).decode().rstrip("="))
