"""Passcodes as an application on a telephone makes them (TOTP, RFC 6238: SHA-1, 30 seconds, 6 digits)."""

import base64
import hashlib
import hmac
import time


def now(secret):
    """The passcode of this moment for a secret in base32."""
    key = base64.b32decode(secret)
    digest = hmac.digest(key, int(time.time() // 30).to_bytes(8), hashlib.sha1)
    start = digest[-1] & 15
    return f"{int.from_bytes(digest[start:start + 4]) % 2**31 % 10**6:06}"
