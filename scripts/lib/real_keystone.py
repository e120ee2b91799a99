"""A real Keystone and a real Swift that trusts it: their configuration, their users."""

import getpass
import grp
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import keystone_api
import real_swift
import swift_lab

PEOPLE = Path(__file__).resolve().parents[1] / "keystone.toml"

KEYSTONE_CONF = """\
[DEFAULT]
log_file = {run}/keystone.log

[database]
connection = sqlite:///{run}/keystone.db

[auth]
methods = password,token,totp,application_credential

[token]
provider = fernet

[fernet_tokens]
key_repository = {run}/fernet

[fernet_receipts]
key_repository = {run}/receipts

[credential]
key_repository = {run}/credential
"""

PIPELINE = [name for name in real_swift.PIPELINE if name != "tempauth"]
PIPELINE[PIPELINE.index("staticweb"):PIPELINE.index("staticweb")] = ["authtoken", "keystoneauth"]


def proxy_settings(keystone, rules):
    own = {section: kept for section, kept in real_swift.PROXY_SETTINGS.items() if section != "filter:tempauth"}
    return {
        **own,
        "filter:authtoken": {
            "paste.filter_factory": "keystonemiddleware.auth_token:filter_factory",
            "www_authenticate_uri": keystone,
            "auth_url": keystone,
            "auth_type": "password",
            "username": "swift",
            "password": "swift-password",
            "user_domain_id": "default",
            "project_name": "service",
            "project_domain_id": "default",
            "delay_auth_decision": "true",
            "cache": "swift.cache",
            "include_service_catalog": "false",
            # Swift's own tests show tokens of users who are no service beside the user's, and want them not to matter.
            "service_token_roles_required": "false",
        },
        "filter:keystoneauth": {
            "reseller_prefix": "AUTH, SERVICE",
            "operator_roles": ", ".join(rules["operator_roles"]),
            "project_reader_roles": ", ".join(rules["project_reader_roles"]),
            "system_reader_roles": ", ".join(rules["system_reader_roles"]),
            "reseller_admin_role": rules["reseller_admin_role"],
            "SERVICE_service_roles": ", ".join(rules["service_roles"]),
        },
    }


class RealKeystone(real_swift.RealSwift):
    """The pair: a Swift whose processes include the Keystone it asks."""

    def __init__(self, port):
        self.keystone = f"http://127.0.0.1:{port}"
        self.keystone_port = port
        configuration = tomllib.loads(PEOPLE.read_text())
        self.people = configuration["keystone"]
        self.regions = [region["name"] for region in configuration["regions"]]
        settings = proxy_settings(self.keystone, self.people)
        super().__init__(port + 1, PIPELINE, settings, swift_lab.KEYSTONE_PYTHON)

    def bootstrap(self):
        """A Keystone with an administrator and its own endpoints."""
        config = self.run / "keystone.conf"
        config.write_text(KEYSTONE_CONF.format(run=self.run))
        manage = [self.python.with_name("keystone-manage"), "--config-file", config]
        owner = ["--keystone-user", getpass.getuser(), "--keystone-group", grp.getgrgid(os.getgid()).gr_name]
        url = f"{self.keystone}/v3/"
        steps = [
            ["db_sync"],
            ["fernet_setup", *owner],
            ["credential_setup", *owner],
            ["bootstrap", "--bootstrap-password", "admin", "--bootstrap-region-id", self.regions[0],
             "--bootstrap-public-url", url, "--bootstrap-internal-url", url, "--bootstrap-admin-url", url],
        ]
        for folder in ("fernet", "receipts", "credential"):
            (self.run / folder).mkdir(mode=0o700)
        for step in steps:
            with open(self.run / "keystone-manage.log", "ab") as log:
                done = subprocess.run(list(map(str, [*manage, *step])), stdout=log, stderr=log)
            if done.returncode:
                sys.exit(f"keystone-manage {step[0]} failed; see {self.run}/keystone-manage.log")
        return config

    def configure(self, devices):
        super().configure(devices)
        config = self.bootstrap()
        server = Path(swift_lab.__file__).with_name("keystone_server.py")
        command = [self.python, server, config, self.keystone_port]
        self.keystone_pid = self.launch("keystone", command)
        try:
            deadline = time.monotonic() + 60
            while real_swift.answers(self.keystone_port, "/v3") != 200:
                if time.monotonic() > deadline:
                    sys.exit(f"Keystone did not come up; see {self.run}/keystone.log")
                time.sleep(0.1)
            admin = keystone_api.Keystone.signed_in(self.keystone, "admin", "admin", "admin")
            make_people(admin, self.people)
            make_service(admin, self.regions, self.port)
        except BaseException:
            os.killpg(self.keystone_pid, signal.SIGKILL)
            raise

    def extra_processes(self):
        return {"keystone": self.keystone_pid}

    def expired(self, token):
        """A token like this one that has run out."""
        program = Path(swift_lab.__file__).with_name("expired_token.py")
        command = list(map(str, [self.python, program, self.run / "fernet"]))
        return subprocess.run(command, input=token, text=True, check=True, capture_output=True).stdout.strip()

    def clouds(self, emulator):
        print("clouds:")
        for name, url in [("real-keystone", self.keystone), ("emulator", emulator)]:
            if url:
                print(CLOUD.format(name=name, url=url.rstrip("/"), region=self.regions[0]))


CLOUD = """\
  {name}:
    auth:
      auth_url: {url}/v3
      username: demo
      password: demo-password
      project_name: demo
      user_domain_name: Default
      project_domain_name: Default
    region_name: {region}
    identity_api_version: 3"""


def make_people(admin, people):
    """What keystone.toml lists, and the user by which Swift asks."""
    domains = {"default": "default"}
    for domain in people["domains"]:
        domains[domain["name"]] = admin.make("domain", name=domain["name"])
    projects = {"service": admin.make("project", name="service", domain_id="default")}
    for project in people["projects"]:
        domain = domains[project.get("domain", "default")]
        projects[project["name"]] = admin.make("project", name=project["name"], domain_id=domain)
    swift = {"name": "swift", "password": "swift-password", "roles": [{"project": "service", "roles": ["service", "admin"]}]}
    for user in [*people["users"], swift]:
        members = {"name": user["name"], "domain_id": domains[user.get("domain", "default")]}
        home = {"default_project_id": projects[user["default_project"]]} if "default_project" in user else {}
        careful = {"multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}
        factor = {"options": careful} if "second_factor" in user else {}
        made = admin.make("user", **members, password=user["password"], **home, **factor)
        if factor:
            credential = {"type": "totp", "user_id": made, "blob": user["second_factor"]["secret"]}
            admin.call("POST", "/credentials", {"credential": credential})
        for assignment in user.get("roles", []):
            for role in assignment["roles"]:
                role = admin.make("role", name=role)
                if "project" in assignment:
                    place = f"/projects/{projects[assignment['project']]}"
                elif "domain" in assignment:
                    place = f"/domains/{domains[assignment['domain']]}"
                else:
                    place = "/system"
                admin.call("PUT", f"{place}/users/{made}/roles/{role}")


def make_service(admin, regions, swift_port):
    """Swift's endpoints; it stands in for every region."""
    service = admin.make("service", name="swift", type="object-store")
    for region in regions[1:]:
        admin.call("POST", "/regions", {"region": {"id": region}})
    for region in regions:
        for interface in ("public", "internal", "admin"):
            endpoint = {
                "service_id": service,
                "interface": interface,
                "region_id": region,
                "url": f"http://127.0.0.1:{swift_port}/v1/AUTH_%(project_id)s",
            }
            admin.call("POST", "/endpoints", {"endpoint": endpoint})
