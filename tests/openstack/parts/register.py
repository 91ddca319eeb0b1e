#!/usr/bin/env python3
"""register.py KEYSTONE_V3 TYPE NAME URL USER...: a service type with its endpoints, and users with the roles admin
and service on project service, where they are missing."""

import sys

from part import ADMIN_PROJECT, ask, log_in

keystone, kind, name, url, *users = sys.argv[1:]
token = log_in("admin", ADMIN_PROJECT, keystone)


def do(method, path, body=None):
    return ask(method, keystone + path, token, body)


project = do("GET", "/projects?name=service")["projects"][0]["id"]
roles = {role["name"]: role["id"] for role in do("GET", "/roles")["roles"]}
for user in users:
    found = do("GET", "/users?name=" + user)["users"]
    if not found:
        new = {"user": {"name": user, "domain_id": "default", "password": "secret"}}
        found = [do("POST", "/users", new)["user"]]
    for role in ("admin", "service"):
        do("PUT", f"/projects/{project}/users/{found[0]['id']}/roles/{roles[role]}")

services = do("GET", "/services?type=" + kind)["services"]
if not services:
    services = [do("POST", "/services", {"service": {"type": kind, "name": name}})["service"]]
service = services[0]["id"]
if not do("GET", "/endpoints?service_id=" + service)["endpoints"]:
    for interface in ("public", "internal", "admin"):
        endpoint = {"service_id": service, "interface": interface, "region_id": "RegionOne", "url": url}
        do("POST", "/endpoints", {"endpoint": endpoint})
