#!/usr/bin/env python3
"""expected.py [FROM TO]: what a careful client can get out of Gnocchi for the accounting period, server by server, into expected.json:
the increase of each counter between the first and the last point in [FROM, TO), a fall counted as a new start from 0 (increase = the new value).
cpu_ns, in_bytes, out_bytes (summed over the server's interfaces), with the first and last point and their number. As user accounting (project scope)."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from part import ask, ids, log_in, settings

HERE = pathlib.Path(__file__).resolve().parent
RUN, KS, GN = settings(__file__, "RUN", "KEYSTONE", "URL")
project = ids(RUN)["p_one"]
A, Z = (sys.argv[1:] + ["2026-10-01T00:00:00", "2026-11-16T00:00:00"][len(sys.argv) - 1 :])[:2]
token = log_in("accounting", {"project": {"id": project}}, KS)
q = {
    "and": [
        {"=": {"project_id": project}},
        {"<": {"started_at": Z}},
        {"or": [{">=": {"ended_at": A}}, {"=": {"ended_at": None}}]},
    ]
}
search = lambda t: ask("POST", f"{GN}/v1/search/resource/{t}?sort=started_at:asc&sort=id:asc", token, q)


def seconds(text):  # "30 days, 0:00:00", "0:05:00"
    d, _, t = text.rpartition(", ")
    h, m, s = t.split(":")
    return (int(d.split()[0]) if d else 0) * 86400 + int(h) * 3600 + int(m) * 60 + float(s)


def usage(metric):
    pol = ask("GET", f"{GN}/v1/metric/{metric}", token)["archive_policy"]
    g = max(pol["definition"], key=lambda d: seconds(d["timespan"]))["granularity"]  # the longest kept
    m = ask(
        "GET",
        f"{GN}/v1/metric/{metric}/measures",
        token,
        query={
            "aggregation": "last" if "last" in pol["aggregation_methods"] else "mean",
            "granularity": seconds(g),
            "start": A,
            "stop": Z,
        },
    )
    inc = sum(y[2] - x[2] if y[2] >= x[2] else y[2] for x, y in zip(m, m[1:], strict=False))
    return {
        "increase": inc,
        "points": len(m),
        "first": m[0][0] if m else None,
        "last": m[-1][0] if m else None,
        "granularity": seconds(g),
    }


out = {}
for r in search("instance"):
    o = out[r["display_name"]] = {"server": r["id"], "started_at": r["started_at"], "ended_at": r["ended_at"]}
    if "cpu" in r["metrics"]:
        o["cpu_ns"] = usage(r["metrics"]["cpu"])
name = {o["server"]: o for o in out.values()}
for r in search("instance_network_interface"):
    o = name[r["instance_id"]]
    for key, m in (("in_bytes", "network.incoming.bytes"), ("out_bytes", "network.outgoing.bytes")):
        o.setdefault(key, []).append(dict(usage(r["metrics"][m]), interface=r["id"]))
json.dump(out, (HERE / "expected.json").open("w"), indent=1, ensure_ascii=False)
for n, o in out.items():
    c = o.get("cpu_ns") or {}
    print(
        "%-20s cpu %s s from %s to %s (%s points), in %s B, out %s B"
        % (
            n,
            round(c.get("increase", 0) / 1e9, 1),
            c.get("first"),
            c.get("last"),
            c.get("points"),
            sum(x["increase"] for x in o.get("in_bytes", [])),
            sum(x["increase"] for x in o.get("out_bytes", [])),
        )
    )
