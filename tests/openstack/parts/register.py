#!/usr/bin/env python3
"""register.py KEYSTONE_V3 TYPE NAME URL USER...: a service type with its endpoints, and users with the roles admin
and service on project service, where they are missing."""

import json
import sys
import urllib.request

keystone, kind, name, url, *users = sys.argv[1:]
token = None


def do(method, path, body=None):
    headers = {"Content-Type": "application/json", **({"X-Auth-Token": token} if token else {})}
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(keystone + path, data, headers, method=method)) as answer:
        text = answer.read()
        return answer.headers, json.loads(text) if text else None


default = {"id": "default"}
admin = {"name": "admin", "domain": default, "password": "secret"}
scope = {"project": {"name": "admin", "domain": default}}
identity = {"methods": ["password"], "password": {"user": admin}}
token = do("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})[0]["X-Subject-Token"]

project = do("GET", "/projects?name=service")[1]["projects"][0]["id"]
roles = {role["name"]: role["id"] for role in do("GET", "/roles")[1]["roles"]}
for user in users:
    found = do("GET", "/users?name=" + user)[1]["users"]
    if not found:
        new = {"user": {"name": user, "domain_id": "default", "password": "secret"}}
        found = [do("POST", "/users", new)[1]["user"]]
    for role in ("admin", "service"):
        do("PUT", f"/projects/{project}/users/{found[0]['id']}/roles/{roles[role]}")

services = do("GET", "/services?type=" + kind)[1]["services"]
if not services:
    services = [do("POST", "/services", {"service": {"type": kind, "name": name}})[1]["service"]]
service = services[0]["id"]
if not do("GET", "/endpoints?service_id=" + service)[1]["endpoints"]:
    for interface in ("public", "internal", "admin"):
        endpoint = {"service_id": service, "interface": interface, "region_id": "RegionOne", "url": url}
        do("POST", "/endpoints", {"endpoint": endpoint})
