#!/usr/bin/env python3
"""probes.py: what a client of the v2 API asks; each exchange goes to HOME/parts/ceilometer-v2/recordings/NN-NAME.json"""

import http.client
import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import part
from part import log_in

H, RUN, KS, URL = part.settings(__file__, "HERE", "RUN", "KEYSTONE", "URL")
ids = part.ids(RUN)
S, P1, P2 = ids["servers"], ids["p_one"], ids["p_two"]
out = part.recordings(H)


def tok(user, scope):
    return log_in(user, scope, KS)


pr = {"project": {"id": P1}}
T = {
    "reader": tok("accounting", pr),
    "role": tok("acct-role", pr),
    "system": tok("accounting", {"system": {"all": True}}),
    "admin": tok("acct-admin", pr),
    "none": None,
}
n = 0


def go(name, user, path, body=None, method="GET", headers=None):
    global n
    n += 1
    h = dict(headers or {}, **({"X-Auth-Token": T[user]} if T[user] else {}))
    if body is not None:
        h["Content-Type"] = "application/json"
    c = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlsplit(URL).port)
    c.request(method, path, body=json.dumps(body) if body is not None else None, headers=h)
    r = c.getresponse()
    raw = r.read().decode()
    try:
        b = json.loads(raw)
    except ValueError:
        b = raw
    k = len(b) if isinstance(b, list) else None
    info = ""
    if k and "timestamp" in b[0]:
        info = "%s .. %s" % (b[0]["timestamp"], b[-1]["timestamp"])
    if k and k > 8:
        b = b[:3] + ["... %d entries, cut here ..." % k] + b[-2:]
    json.dump(
        {
            "user": user,
            "request_line": method + " " + path,
            "request_headers": h,
            "request_body": body,
            "status": "%d %s" % (r.status, r.reason),
            "response_headers": r.getheaders(),
            "response_body": b,
        },
        open("%s/%02d-%s.json" % (out, n, name), "w"),
        indent=1,
        ensure_ascii=False,
    )
    print(
        "%02d %-22s %-7s %s -> %s %s %s"
        % (
            n,
            name,
            user,
            urllib.parse.unquote(path)[:170],
            r.status,
            "%d entries" % k if k is not None else json.dumps(b)[:260],
            info,
        )
    )


def q(*fs, **kw):
    s = "&".join("q.field=%s&q.op=%s&q.value=%s" % (f, o, urllib.parse.quote(str(v))) for f, o, v in fs)
    return "?" + s + "".join("&%s=%s" % i for i in kw.items())


M, A, Z = "/v2/meters/cpu", "2026-10-01T00:00:00", "2026-11-16T00:00:00"
N = "/v2/meters/network.incoming.bytes"
go("root", "none", "/")
go("v2-no-token", "none", M)
for u in ("reader", "role", "system", "admin"):
    go("cpu-" + u, u, M)
go("cpu-old-caso", "reader", M + q(("project_id", "eq", P1), ("timestamp", "ge", A), ("timestamp", "le", Z)))
go(
    "cpu-limit-10000",
    "reader",
    M + q(("project_id", "eq", P1), ("timestamp", "ge", A), ("timestamp", "le", Z), limit=10000),
)
go("cpu-limit-100000", "reader", M + q(("timestamp", "ge", A), limit=100000))
go("cpu-limit-0", "reader", M + "?limit=0")
go("cpu-limit-negative", "reader", M + "?limit=-1")
go("cpu-limit-text", "reader", M + "?limit=x")
go(
    "cpu-one-server",
    "reader",
    M
    + q(
        ("resource_id", "eq", S["rebooting"]),
        ("timestamp", "ge", "2026-11-15T02:30:00"),
        ("timestamp", "lt", "2026-11-15T03:30:00"),
    ),
)
go("cpu-last", "reader", M + q(("resource_id", "eq", S["active-old"]), ("timestamp", "le", Z), limit=1))
go("cpu-short", "reader", M + q(("resource_id", "eq", S["deleted-short"])))
go("cpu-absent-server", "reader", M + q(("resource_id", "eq", S["paused"])))
go(
    "cpu-edge-lt",
    "reader",
    M
    + q(
        ("resource_id", "eq", S["active-old"]),
        ("timestamp", "ge", "2026-11-14T00:02:17"),
        ("timestamp", "lt", "2026-11-14T00:12:17"),
    ),
)
go(
    "cpu-edge-le",
    "reader",
    M
    + q(
        ("resource_id", "eq", S["active-old"]),
        ("timestamp", "gt", "2026-11-14T00:02:17"),
        ("timestamp", "le", "2026-11-14T00:12:17"),
    ),
)
go("net", "reader", N + q(("timestamp", "ge", A), ("timestamp", "le", Z), limit=2))
go("net-instance-id", "reader", N + q(("metadata.instance_id", "eq", S["active-in"]), ("timestamp", "le", Z), limit=2))
go("net-resource-metadata", "reader", N + q(("resource_metadata.instance_id", "eq", S["active-in"]), limit=2))
go("net-resource-is-server", "reader", N + q(("resource_id", "eq", S["active-in"])))
go("net-outcoming-typo", "reader", "/v2/meters/network.outcoming.bytes")
go("unknown-meter", "reader", "/v2/meters/nosuch")
go("other-project-reader", "reader", M + q(("project_id", "eq", P2)))
go("other-project-admin", "admin", M + q(("project_id", "eq", P2), limit=2))
go("admin-all-projects", "admin", M + "?limit=100000")
go("system-project", "system", M + q(("project_id", "eq", P1), limit=2))
go("field-unknown", "reader", M + q(("nosuch", "eq", 1)))
go("op-unimplemented", "reader", M + q(("resource_id", "ne", S["active-in"])))
go("op-unknown", "reader", M + q(("resource_id", "like", S["active-in"])))
go("op-timestamp-eq", "reader", M + q(("timestamp", "eq", A)))
go("op-missing", "reader", M + "?q.field=resource_id&q.value=" + S["active-in"] + "&limit=1")
go(
    "op-missing-one-of-two",
    "reader",
    M + "?q.field=resource_id&q.value=" + S["active-in"] + "&q.field=timestamp&q.op=ge&q.value=" + A + "&limit=1",
)
go("timestamp-z", "reader", M + q(("timestamp", "ge", "2026-11-15T00:00:00Z"), limit=1))
go(
    "timestamp-offset",
    "reader",
    M + q(("resource_id", "eq", S["active-old"]), ("timestamp", "lt", "2026-11-14T02:00:00+02:00")),
)
go("timestamp-space", "reader", M + q(("timestamp", "ge", "2026-11-15 00:00:00"), limit=1))
go("timestamp-micro", "reader", M + q(("timestamp", "ge", "2026-11-15T00:00:00.500000"), limit=1))
go("timestamp-date", "reader", M + q(("timestamp", "ge", "2026-11-15"), limit=1))
go("timestamp-epoch", "reader", M + q(("timestamp", "ge", "1794700000"), limit=1))
go("timestamp-bad", "reader", M + q(("timestamp", "ge", "soon")))
go("json-body", "reader", M, {"q": [{"field": "resource_id", "op": "eq", "value": S["active-old"]}], "limit": 1})
go("accept-json-error", "reader", M + q(("nosuch", "eq", 1)), headers={"Accept": "application/json"})
go(
    "statistics",
    "reader",
    M + "/statistics" + q(("resource_id", "eq", S["active-old"]), ("timestamp", "ge", A), ("timestamp", "lt", Z)),
)
go(
    "statistics-groupby",
    "reader",
    M
    + "/statistics"
    + q(("project_id", "eq", P1), ("timestamp", "ge", A), ("timestamp", "lt", Z), groupby="resource_id"),
)
go(
    "statistics-period",
    "reader",
    M
    + "/statistics"
    + q(
        ("resource_id", "eq", S["rebooting"]),
        ("timestamp", "ge", "2026-11-15T00:00:00"),
        ("timestamp", "lt", "2026-11-15T06:00:00"),
        period=3600,
    ),
)
go("meters", "reader", "/v2/meters?limit=3")
go("resources", "reader", "/v2/resources?limit=2")
go("samples", "reader", "/v2/samples" + q(("meter", "eq", "cpu"), limit=1))
go("capabilities", "reader", "/v2/capabilities")
