"""An application that keeps photos in Swift or Cloud Files, and hands out links to them."""

import hashlib
import hmac
import time
from urllib.parse import quote, urlsplit

import requests


class PhotoBox:
    """Photos in one container of an account."""

    def __init__(self, auth_url, user, key, container="photos", attempts=4):
        self._sign_in_at = (auth_url, {"X-Auth-User": user, "X-Auth-Key": key})
        self._session = requests.Session()
        self._container = container
        self._attempts = attempts
        self._sign_in()
        self._link_key = hashlib.sha256(f"{user} {key}".encode()).hexdigest()[:32]
        self._send("PUT", "", headers={"X-Container-Meta-Temp-URL-Key": self._link_key})

    def store(self, name, photo):
        self._send("PUT", name, data=photo, headers={"ETag": hashlib.md5(photo).hexdigest()})

    def fetch(self, name):
        return self._send("GET", name).content

    def names(self):
        return self._send("GET", "").text.splitlines()

    def link(self, name, until):
        """A URL that anybody can fetch the photo with until a moment in Unix seconds."""
        url = self._url(name)
        # The path is signed as it is before it is percent-encoded.
        path = urlsplit(self._storage_url).path + f"/{self._container}/{name}"
        text = f"GET\n{until}\n{path}"
        signature = hmac.new(self._link_key.encode(), text.encode(), "sha256").hexdigest()
        return f"{url}?temp_url_sig={signature}&temp_url_expires={until}"

    def _sign_in(self):
        url, credentials = self._sign_in_at
        answer = self._session.get(url, headers=credentials)
        answer.raise_for_status()
        self._storage_url = answer.headers["X-Storage-Url"]
        self._session.headers["X-Auth-Token"] = answer.headers["X-Auth-Token"]

    def _url(self, name):
        return f"{self._storage_url}/{quote(self._container)}" + (f"/{quote(name)}" if name else "")

    def _send(self, method, name, **request):
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                answer = self._session.request(method, self._url(name), **request)
            except requests.ConnectionError:
                # Writing the same photo twice does no harm, so a lost answer is asked for again.
                if last:
                    raise
                continue
            if answer.status_code == 401 and not last:
                self._sign_in()
            elif answer.status_code in (429, 498, 503) and not last:
                time.sleep(float(answer.headers.get("Retry-After", 0)))
            else:
                answer.raise_for_status()
                return answer
