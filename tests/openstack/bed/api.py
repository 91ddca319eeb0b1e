"""Calls of OpenStack's APIs, for the seeds and probes of the test-bed and its parts.

The standard library alone: they run in virtual environments that share nothing else.
"""

import json
import urllib.error
import urllib.parse
import urllib.request

KEYSTONE = "http://127.0.0.1:15000/v3"
DEFAULT = {"id": "default"}
ADMIN_PROJECT = {"project": {"name": "admin", "domain": DEFAULT}}
SERVICE_PROJECT = {"project": {"name": "service", "domain": DEFAULT}}


def exchange(method, url, token=None, body=None, query=(), absent=False):
    """The headers of the answer and its JSON, None if it has none.

    An error ends the program with what was answered; where the thing may be `absent`,
    404 is None too.
    """
    if query:
        url += "?" + urllib.parse.urlencode(query)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["X-Auth-Token"] = token
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method)) as answer:
            text = answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.headers, json.loads(text) if text and is_json else None
    except urllib.error.HTTPError as error:
        if absent and error.code == 404:
            return error.headers, None
        raise SystemExit(f"{method} {url} -> {error.code} {error.read()[:800]}") from error


def ask(method, url, token=None, body=None, query=(), absent=False):
    """The JSON of the answer alone."""
    return exchange(method, url, token, body, query, absent)[1]


def log_in(user, scope, keystone=KEYSTONE, password="secret"):
    """A token for a user of the default domain."""
    identity = {"methods": ["password"], "password": {"user": {"name": user, "domain": DEFAULT, "password": password}}}
    body = {"auth": {"identity": identity, "scope": scope}}
    return exchange("POST", keystone + "/auth/tokens", body=body)[0]["X-Subject-Token"]
