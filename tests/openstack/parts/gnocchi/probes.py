#!/usr/bin/env python3
"""probes.py [PART]: direct calls a metrics client makes, by several users; each exchange goes to recordings/NN-NAME.json
(and a one-line summary to stdout). Needs the part up."""

import json
import os
import pathlib
import sys
import urllib.parse

import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import part
from part import SERVICE_PROJECT, log_in

H, RUN, KS, GN = part.settings(__file__, "HERE", "RUN", "KEYSTONE", "URL")
ids = part.ids(RUN)
truth = json.loads(pathlib.Path(__file__).resolve().with_name("truth.json").read_text())
out = part.recordings(H)


def tok(user, scope):
    return log_in(user, scope, KS)


P1, P2 = ids["p_one"], ids["p_two"]
pr = {"project": {"id": P1}}
T = {
    "reader": tok("accounting", pr),
    "system": tok("accounting", {"system": {"all": True}}),
    "role": tok("acct-role", pr),
    "admin": tok("acct-admin", pr),
    "sysadmin": tok("acct-admin", {"system": {"all": True}}),
    "none": None,
    "ceilometer": tok("ceilometer", SERVICE_PROJECT),
}
n = 0


def go(name, user, method, path, body=None, raw=None, headers=None):
    global n
    n += 1
    open(H + "/run/record", "w").close()
    if os.path.exists(H + "/run/rec.jsonl"):
        os.remove(H + "/run/rec.jsonl")
    h = {"X-Auth-Token": T[user]} if T[user] else {}
    h.update(headers or {})
    kw = dict(json=body) if raw is None else dict(data=raw)
    if raw is not None:
        h["Content-Type"] = "application/json"
    # requests would re-quote: send the path as it is
    req = requests.Request(method, GN + "/", headers=h, **({} if body is None and raw is None else kw)).prepare()
    req.url = GN + path
    r = requests.Session().send(req, allow_redirects=False)
    os.remove(H + "/run/record")
    try:
        d = json.loads(open(H + "/run/rec.jsonl").readlines()[-1])
    except FileNotFoundError:
        d = {
            "request_line": method + " " + path,
            "status": "%s %s" % (r.status_code, r.reason),
            "response_headers": list(r.headers.items()),
            "response_body": r.text,
        }
    d["user"], d["url_as_sent"] = user, path
    b = d.get("response_body")
    cut = None
    if isinstance(b, list) and len(b) > 60:
        cut = len(b)
        d["response_body"] = b[:5] + ["... %d entries, cut here ..." % cut] + b[-3:]
    json.dump(d, open("%s/%03d-%s.json" % (out, n, name), "w"), indent=1, ensure_ascii=False)
    print(
        "%03d %-34s %-9s %s %s -> %s %s %s"
        % (
            n,
            name,
            user,
            method,
            path[:150],
            d["status"],
            ("%d entries" % len(b)) if isinstance(b, list) else json.dumps(b, ensure_ascii=False)[:230],
            "Link: " + r.headers["Link"] if "Link" in r.headers else "",
        )
    )
    return b


q = urllib.parse.quote
S = ids["servers"]


def m(server, metric, i=0):
    return [x for x in truth[server]["metrics"] if x["metric"] == metric][i]


def metric_id(server, metric, i=0):
    x = m(server, metric, i)
    t = "instance" if metric == "cpu" else "instance_network_interface"
    return part.ask("GET", f"{GN}/v1/resource/{t}/{x['resource']}", T["admin"])["metrics"][metric]


A, Z = "2026-10-01T00:00:00", "2026-11-16T00:00:00"
# --- roots and settings
go("versions", "none", "GET", "/")
go("v1-root", "reader", "GET", "/v1")
go("v1-no-token", "none", "GET", "/v1/resource/instance")
go("v1-bad-token", "none", "GET", "/v1/resource/instance", headers={"X-Auth-Token": "gAAAAnonsense"})
go("build", "reader", "GET", "/v1/build")
go("capabilities", "reader", "GET", "/v1/capabilities")
go("status", "reader", "GET", "/v1/status")
go("status-admin", "admin", "GET", "/v1/status")
go("archive-policies", "reader", "GET", "/v1/archive_policy")
go("archive-policy", "reader", "GET", "/v1/archive_policy/ceilometer-low-rate")
go("resource-types", "reader", "GET", "/v1/resource_type")
go("resource-type-instance", "reader", "GET", "/v1/resource_type/instance")
# --- resources, by role
for u in ("reader", "role", "system", "admin", "sysadmin", "ceilometer"):
    go("list-instances-" + u, u, "GET", "/v1/resource/instance")
for u in ("reader", "role", "system", "admin", "sysadmin"):
    go("search-instances-project-" + u, u, "POST", "/v1/search/resource/instance", {"=": {"project_id": P1}})
go("search-other-project-reader", "reader", "POST", "/v1/search/resource/instance", {"=": {"project_id": P2}})
go("search-other-project-admin", "admin", "POST", "/v1/search/resource/instance", {"=": {"project_id": P2}})
win = {
    "and": [
        {"=": {"project_id": P1}},
        {"<": {"started_at": Z}},
        {"or": [{">=": {"ended_at": A}}, {"=": {"ended_at": None}}]},
    ]
}
go("search-window", "reader", "POST", "/v1/search/resource/instance", win)
go("search-window-nic", "reader", "POST", "/v1/search/resource/instance_network_interface", win)
go(
    "search-window-filter",
    "reader",
    "POST",
    "/v1/search/resource/instance?filter="
    + q("project_id='%s' and started_at<'%s' and (ended_at>='%s' or ended_at=null)" % (P1, Z, A)),
)
go(
    "search-nic-of-server",
    "reader",
    "POST",
    "/v1/search/resource/instance_network_interface",
    {"=": {"instance_id": S["active-in"]}},
)
go(
    "search-nic-in-servers",
    "reader",
    "POST",
    "/v1/search/resource/instance_network_interface",
    {"in": {"instance_id": [S["active-in"], S["active-old"]]}},
)
go(
    "search-nic-like-original",
    "reader",
    "POST",
    "/v1/search/resource/instance_network_interface",
    {"like": {"original_resource_id": "instance-%-" + S["rebooting"] + "-%"}},
)
go("search-attrs", "reader", "POST", "/v1/search/resource/instance?attrs=id&attrs=metrics", {"=": {"project_id": P1}})
go("search-empty-body", "reader", "POST", "/v1/search/resource/instance", {})
go("search-no-body", "reader", "POST", "/v1/search/resource/instance")
go("search-bad-attribute", "reader", "POST", "/v1/search/resource/instance", {"=": {"nosuch": 1}})
go("search-bad-json", "reader", "POST", "/v1/search/resource/instance", raw='{"=": ')
go("search-bad-type", "reader", "POST", "/v1/search/resource/nosuch", {})
go("search-generic", "reader", "POST", "/v1/search/resource/generic", {"=": {"project_id": P1}})
go("search-history", "reader", "POST", "/v1/search/resource/instance?history=true", {"=": {"id": S["active-old"]}})
go(
    "search-history-accept",
    "reader",
    "POST",
    "/v1/search/resource/instance",
    {"=": {"id": S["active-old"]}},
    headers={"Accept": "application/json; history=true"},
)
go("search-details", "reader", "POST", "/v1/search/resource/generic?details=true", {"=": {"id": S["active-old"]}})
# --- paging
go("page-1", "reader", "GET", "/v1/resource/instance?limit=5&sort=started_at:asc")
ids5 = [x["id"] for x in json.load(open("%s/%03d-page-1.json" % (out, n)))["response_body"]]
go("page-2", "reader", "GET", "/v1/resource/instance?limit=5&sort=started_at:asc&marker=" + ids5[-1])
go("page-search-1", "reader", "POST", "/v1/search/resource/instance?limit=3&sort=id:asc", {"=": {"project_id": P1}})
b = json.load(open("%s/%03d-page-search-1.json" % (out, n)))["response_body"]
go(
    "page-search-2",
    "reader",
    "POST",
    "/v1/search/resource/instance?limit=3&sort=id:asc&marker=" + b[-1]["id"],
    {"=": {"project_id": P1}},
)
go("page-exact", "reader", "GET", "/v1/resource/instance?limit=16")
go("page-over-max", "reader", "GET", "/v1/resource/instance?limit=5000")
go("page-zero", "reader", "GET", "/v1/resource/instance?limit=0")
go("page-bad", "reader", "GET", "/v1/resource/instance?limit=abc")
go("page-bad-marker", "reader", "GET", "/v1/resource/instance?limit=5&marker=00000000-0000-0000-0000-000000000000")
go("page-bad-sort", "reader", "GET", "/v1/resource/instance?sort=nosuch:asc")
# --- one resource
go("instance", "reader", "GET", "/v1/resource/instance/" + S["active-in"])
go("instance-as-generic", "reader", "GET", "/v1/resource/generic/" + S["active-in"])
go("instance-unknown", "reader", "GET", "/v1/resource/instance/" + S["paused"])
go("instance-other-project", "reader", "GET", "/v1/resource/instance/" + S["two-active"])
go("instance-other-project-system", "system", "GET", "/v1/resource/instance/" + S["two-active"])
go("instance-no-metrics", "reader", "GET", "/v1/resource/instance/" + S["suspended"])
go("instance-ended", "reader", "GET", "/v1/resource/instance/" + S["deleted-in"])
go("instance-history", "reader", "GET", "/v1/resource/instance/%s/history" % S["active-old"])
go("instance-metrics", "reader", "GET", "/v1/resource/instance/%s/metric" % S["active-in"])
go("instance-metric-cpu", "reader", "GET", "/v1/resource/instance/%s/metric/cpu" % S["active-in"])
go("instance-metric-missing", "reader", "GET", "/v1/resource/instance/%s/metric/memory.usage" % S["active-in"])
nic = m("active-in", "network.incoming.bytes")
go("nic-by-uuid", "reader", "GET", "/v1/resource/instance_network_interface/" + nic["resource"])
go(
    "nic-by-original-reader",
    "reader",
    "GET",
    "/v1/resource/instance_network_interface/" + q(nic["original_resource_id"], safe=""),
)
go(
    "nic-by-original-creator",
    "ceilometer",
    "GET",
    "/v1/resource/instance_network_interface/" + q(nic["original_resource_id"], safe=""),
)
pn = m("gone-user", "network.incoming.bytes")
go("nic-by-port-uuid", "reader", "GET", "/v1/resource/instance_network_interface/" + pn["original_resource_id"])
go("nic-metrics", "reader", "GET", "/v1/resource/instance_network_interface/%s/metric" % nic["resource"])
# --- metrics
for u in ("reader", "role", "system", "admin", "ceilometer"):
    go("list-metrics-" + u, u, "GET", "/v1/metric?limit=4")
cpu = metric_id("active-in", "cpu")
for u in ("reader", "role", "system", "admin"):
    go("metric-" + u, u, "GET", "/v1/metric/" + cpu)
go("metric-unknown", "reader", "GET", "/v1/metric/00000000-0000-4000-8000-000000000000")
# --- measures
for u in ("reader", "role", "system", "admin", "none"):
    go("measures-" + u, u, "GET", "/v1/metric/%s/measures?start=2026-11-15T23:30:00&stop=%s" % (cpu, Z))
go("measures-all", "reader", "GET", "/v1/metric/%s/measures" % cpu)
go(
    "measures-by-resource",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?start=2026-11-15T23:30:00&stop=%s" % (S["active-in"], Z),
)
W = "start=2026-11-15T23:30:00&stop=2026-11-15T23:50:00"
MS = "/v1/metric/%s/measures?" % cpu
for name, qs in (
    ("mean", "aggregation=mean&granularity=300&" + W),
    ("rate", "aggregation=rate:mean&granularity=300&" + W),
    ("rate-encoded", "aggregation=rate%3Amean&granularity=300&" + W),
    ("granularity-float", "granularity=300.0&" + W),
    ("granularity-text", "granularity=" + q("5 minutes") + "&" + W),
    ("granularity-absent", "granularity=60&" + W),
    ("aggregation-absent", "aggregation=max&" + W),
    ("aggregation-unknown", "aggregation=nosuch&" + W),
    ("aggregation-rate-last", "aggregation=rate:last&" + W),
    ("start-z", "start=2026-11-15T23:30:00Z&stop=2026-11-15T23:50:00Z"),
    ("start-offset", "start=" + q("2026-11-16T00:30:00+01:00") + "&stop=" + q("2026-11-16T00:50:00+01:00")),
    ("start-plus-unquoted", "start=2026-11-16T00:30:00+01:00&stop=2026-11-16T00:50:00+01:00"),
    ("start-space", "start=" + q("2026-11-15 23:30:00") + "&stop=" + q("2026-11-15 23:50:00")),
    ("start-epoch", "start=1794785400&stop=1794786600"),
    ("start-micro", "start=2026-11-15T23:30:00.500000&stop=2026-11-15T23:50:00"),
    ("start-date", "start=2026-11-16"),
    ("start-relative", "start=" + q("-6 days") + "&stop=" + q("-5.6 days")),
    ("start-bad", "start=yesterday-ish"),
    ("start-mid", "start=2026-11-15T23:32:00&stop=2026-11-15T23:47:00"),
    ("stop-before-start", "start=2026-11-16&stop=2026-11-15"),
    ("resample", "granularity=300&resample=600&" + W),
    ("refresh", "refresh=true&" + W),
    ("limit", "limit=2&" + W),
):
    go("measures-" + name, "reader", "GET", MS + qs)
go(
    "measures-old-part",
    "reader",
    "GET",
    "/v1/metric/%s/measures?start=%s&stop=%s" % (metric_id("active-old", "cpu"), A, Z),
)
go("measures-no-measures", "reader", "GET", "/v1/resource/instance/%s/metric/cpu/measures" % S["shutoff"])
go("measures-one", "reader", "GET", "/v1/resource/instance/%s/metric/cpu/measures" % S["deleted-short"])
go(
    "measures-one-rate",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?aggregation=rate:mean" % S["deleted-short"],
)
go(
    "measures-reset",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?start=2026-10-25T02:45:00&stop=2026-10-25T03:20:00" % S["rebooting"],
)
go(
    "measures-reset-rate",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?aggregation=rate:mean&start=2026-10-25T02:45:00&stop=2026-10-25T03:20:00"
    % S["rebooting"],
)
go(
    "measures-gap",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?start=2026-10-28T11:50:00&stop=2026-10-30T00:10:00"
    % S["private-flavor"],
)
go(
    "measures-gap-rate",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?aggregation=rate:mean&start=2026-10-28T11:50:00&stop=2026-10-30T00:10:00"
    % S["private-flavor"],
)
u = S["máquina-ñandú-☃"]
go("measures-high-all", "reader", "GET", "/v1/resource/instance/%s/metric/cpu/measures" % u)
go(
    "measures-high-3600",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?granularity=3600&start=%s&stop=%s" % (u, A, Z),
)
go("measures-high-60", "reader", "GET", "/v1/resource/instance/%s/metric/cpu/measures?granularity=60" % u)
go(
    "measures-high-window-old",
    "reader",
    "GET",
    "/v1/resource/instance/%s/metric/cpu/measures?start=2026-10-10T00:00:00&stop=2026-10-10T04:00:00" % u,
)
for a in ("last", "max", "mean", "rate:mean", "rate:sum", "count"):
    go(
        "measures-accounting-" + a.replace(":", "-"),
        "reader",
        "GET",
        "/v1/resource/instance/%s/metric/cpu/measures?aggregation=%s&start=2026-10-25T01:00:00&stop=2026-10-25T06:00:00"
        % (S["vmcatcher-image"], a),
    )
# --- aggregates
AG = "/v1/aggregates"
ref = [cpu, metric_id("active-old", "cpu")]
for u in ("reader", "role", "system", "admin"):
    go("aggregates-ids-" + u, u, "POST", AG + "?" + W, {"operations": ["metric"] + [[x, "mean"] for x in ref]})
op = "(aggregate sum (metric cpu rate:mean))"
for u in ("reader", "system", "admin"):
    go(
        "aggregates-search-" + u,
        u,
        "POST",
        AG + "?" + W,
        {"operations": op, "search": "project_id='%s'" % P1, "resource_type": "instance"},
    )
go(
    "aggregates-search-list",
    "reader",
    "POST",
    AG + "?" + W,
    {
        "operations": ["aggregate", "sum", ["metric", "cpu", "rate:mean"]],
        "search": {"=": {"project_id": P1}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-plain",
    "reader",
    "POST",
    AG + "?" + W,
    {"operations": "(metric cpu mean)", "search": {"=": {"project_id": P1}}, "resource_type": "instance"},
)
go(
    "aggregates-plain-300",
    "reader",
    "POST",
    AG + "?granularity=300&" + W,
    {
        "operations": "(metric cpu mean)",
        "search": {"in": {"id": [S["active-in"], S["active-old"]]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-details",
    "reader",
    "POST",
    AG + "?details=true&granularity=300&" + W,
    {
        "operations": "(metric cpu mean)",
        "search": {"in": {"id": [S["active-in"], S["active-old"]]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-groupby",
    "reader",
    "POST",
    AG + "?granularity=300&groupby=instance_id&" + W,
    {
        "operations": "(aggregate sum (metric network.incoming.bytes rate:mean))",
        "search": {"=": {"project_id": P1}},
        "resource_type": "instance_network_interface",
    },
)
go(
    "aggregates-groupby-details",
    "reader",
    "POST",
    AG + "?granularity=300&groupby=instance_id&details=true&" + W,
    {
        "operations": "(aggregate sum (metric network.incoming.bytes rate:mean))",
        "search": {"in": {"instance_id": [S["active-in"], S["active-old"]]}},
        "resource_type": "instance_network_interface",
    },
)
go(
    "aggregates-rateofchange",
    "reader",
    "POST",
    AG + "?start=2026-10-25T02:45:00&stop=2026-10-25T03:20:00",
    {
        "operations": "(rateofchange (metric cpu mean))",
        "search": {"=": {"id": S["rebooting"]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-clip",
    "reader",
    "POST",
    AG + "?start=2026-10-25T02:45:00&stop=2026-10-25T03:20:00",
    {
        "operations": "(clip_min 0 (rateofchange (metric cpu mean)))",
        "search": {"=": {"id": S["rebooting"]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-negative-abs",
    "reader",
    "POST",
    AG + "?start=2026-10-25T02:45:00&stop=2026-10-25T03:20:00",
    {
        "operations": "(* (>= (metric cpu rate:mean) 0) (metric cpu rate:mean))",
        "search": {"=": {"id": S["rebooting"]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-overlap-fill",
    "reader",
    "POST",
    AG + "?needed_overlap=0&fill=null&granularity=300&start=2026-10-28T11:50:00&stop=2026-10-28T12:10:00",
    {
        "operations": "(aggregate sum (metric cpu mean))",
        "search": {"in": {"id": [S["private-flavor"], S["active-old"]]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-overlap-default",
    "reader",
    "POST",
    AG + "?granularity=300&start=2026-10-28T11:50:00&stop=2026-10-28T12:10:00",
    {
        "operations": "(aggregate sum (metric cpu mean))",
        "search": {"in": {"id": [S["private-flavor"], S["active-old"]]}},
        "resource_type": "instance",
    },
)
go(
    "aggregates-none-found",
    "reader",
    "POST",
    AG + "?" + W,
    {"operations": "(metric cpu mean)", "search": {"=": {"id": S["paused"]}}, "resource_type": "instance"},
)
go(
    "aggregates-no-such-method",
    "reader",
    "POST",
    AG + "?" + W,
    {"operations": "(metric cpu max)", "search": {"=": {"project_id": P1}}, "resource_type": "instance"},
)
go(
    "aggregates-use-history",
    "reader",
    "POST",
    AG + "?use_history=true&granularity=300&groupby=host&start=2026-11-01T08:50:00&stop=2026-11-01T09:10:00",
    {
        "operations": "(aggregate mean (metric cpu mean))",
        "search": {"=": {"id": S["active-old"]}},
        "resource_type": "instance",
    },
)
go("old-aggregation", "reader", "GET", "/v1/aggregation/metric?metric=%s&aggregation=mean&%s" % (cpu, W))
go(
    "old-aggregation-resource",
    "reader",
    "POST",
    "/v1/aggregation/resource/instance/metric/cpu?aggregation=mean&granularity=300&" + W,
    {"=": {"project_id": P1}},
)
# --- a metric that is asked for by resource, many at once is not offered: no batch read. writes:
go("write-reader", "reader", "POST", "/v1/metric/%s/measures" % cpu, [{"timestamp": "2026-11-16T00:00:00", "value": 1}])
go(
    "batch-write-reader",
    "reader",
    "POST",
    "/v1/batch/resources/metrics/measures?create_metrics=true",
    {S["active-in"]: {"cpu": [{"timestamp": "2026-11-16T00:00:00", "value": 1}]}},
)
go(
    "batch-write-unknown",
    "ceilometer",
    "POST",
    "/v1/batch/resources/metrics/measures?create_metrics=true",
    {S["paused"]: {"cpu": [{"timestamp": "2026-11-16T00:00:00", "value": 1}]}},
)
# --- errors with Accept: application/json
J = {"Accept": "application/json"}
go("json-error-404", "reader", "GET", "/v1/resource/instance/" + S["paused"], headers=J)
go("json-error-403", "reader", "GET", "/v1/resource/instance/" + S["two-active"], headers=J)
go("json-error-400", "reader", "GET", MS + "start=yesterday-ish", headers=J)
go("json-error-404-aggregation", "reader", "GET", MS + "aggregation=max", headers=J)
go("json-error-404-granularity", "reader", "GET", MS + "granularity=60", headers=J)
go(
    "json-error-aggregates",
    "reader",
    "POST",
    AG + "?" + W,
    {"operations": op, "search": {"=": {"project_id": P1}}, "resource_type": "instance"},
    headers=J,
)
go(
    "json-error-unknown-resources",
    "ceilometer",
    "POST",
    "/v1/batch/resources/metrics/measures?create_metrics=true",
    {S["paused"]: {"cpu": [{"timestamp": "2026-11-16T00:00:00", "value": 1}]}},
    headers=J,
)
go("json-error-system-search", "system", "POST", "/v1/search/resource/instance", {"=": {"project_id": P1}}, headers=J)
