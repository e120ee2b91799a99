"""Keystone's v3 over HTTP, as far as our scripts ask it for something. Real or emulated."""

import json
import urllib.error
import urllib.request


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, what, status, text):
        super().__init__(f"{what}: {status}: {text[:300]}")
        self.status = status


class Keystone:
    """A Keystone, and the token that it is asked with."""

    def __init__(self, url):
        self.url = f"{url.rstrip('/')}/v3"
        self.token = None

    @classmethod
    def signed_in(cls, url, user, password, project, domain="default"):
        """One asked by this user of this project; both are of the same domain."""
        keystone = cls(url)
        keystone.token, _ = keystone.sign_in(user, password, project, domain)
        return keystone

    def sign_in(self, user, password, project=None, domain="default"):
        """A token, and what Keystone says of it."""
        user = {"name": user, "domain": {"id": domain}, "password": password}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
        auth["scope"] = {"project": {"name": project, "domain": {"id": domain}}} if project else "unscoped"
        described, headers = self.call("POST", "/auth/tokens", {"auth": auth})
        return headers["X-Subject-Token"], described["token"]

    def revoke(self, token):
        self.call("DELETE", "/auth/tokens", headers={"X-Auth-Token": token, "X-Subject-Token": token})

    def call(self, method, path, body=None, headers=None):
        shown = {"X-Auth-Token": self.token} if self.token else {}
        headers = {"Content-Type": "application/json", **shown, **(headers or {})}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else None, answer.headers
        except urllib.error.HTTPError as error:
            raise Refused(f"{method} {path}", error.code, error.read().decode(errors="replace")) from None

    def make(self, kind, **members):
        """Makes something that has a name, or finds it. Returns its id."""
        plural = f"{kind}s"
        narrow = f"&domain_id={members['domain_id']}" if "domain_id" in members else ""
        found, _ = self.call("GET", f"/{plural}?name={members['name']}{narrow}")
        if found[plural]:
            return found[plural][0]["id"]
        made, _ = self.call("POST", f"/{plural}", {kind: members})
        return made[kind]["id"]
