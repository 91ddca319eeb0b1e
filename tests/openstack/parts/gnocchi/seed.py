#!/usr/bin/env python3
"""seed.py KEYSTONE_V3 GNOCCHI IDS.json: resource types, archive policies, resources and measures as Ceilometer 27 makes them.

The same calls in the same order as its gnocchi publisher: archive policies, resource types, then
POST /v1/batch/resources/metrics/measures?create_metrics=True with the ORIGINAL resource ids (a server's uuid; for an
interface "instance-XXXXXXXX-SERVER-TAP"). Only the dates differ: started_at, ended_at and the revisions are set to what
they would have been. truth.json beside this file: what was pushed, to compare a client's result with."""

import datetime as dt
import json
import pathlib
import sys
import uuid

import pymysql

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from part import SERVICE_PROJECT, ask, log_in

ks, gn, ids = sys.argv[1], sys.argv[2], json.loads(pathlib.Path(sys.argv[3]).read_text())
token = log_in("ceilometer", SERVICE_PROJECT, ks)


def call(m, path, body=None):
    return ask(m, gn + path, token, body)


# ---- archive policies: Ceilometer's four, and one that a site could make for accounting
def policy(name, methods, *defs):
    call(
        "POST",
        "/v1/archive_policy",
        {
            "name": name,
            "aggregation_methods": methods,
            "back_window": 0,
            "definition": [{"granularity": g, "timespan": t} for g, t in defs],
        },
    )


high = (("1 second", "1 hour"), ("1 minute", "1 day"), ("1 hour", "365 days"))
policy("ceilometer-low", ["mean"], ("5 minutes", "30 days"))
policy("ceilometer-low-rate", ["mean", "rate:mean"], ("5 minutes", "30 days"))
policy("ceilometer-high", ["mean"], *high)
policy("ceilometer-high-rate", ["mean", "rate:mean"], *high)
policy("accounting", ["mean", "min", "max", "last", "count", "rate:mean", "rate:sum"], ("1 hour", "400 days"))
# ---- resource types (all attributes of Ceilometer 27)
st = lambda req: {"type": "string", "min_length": 0, "max_length": 255, "required": req}
when = {"type": "datetime", "required": False}
call(
    "POST",
    "/v1/resource_type",
    {
        "name": "instance",
        "attributes": {
            "flavor_id": st(True),
            "image_ref": st(False),
            "host": st(False),
            "display_name": st(True),
            "server_group": st(False),
            "flavor_name": st(True),
            "launched_at": when,
            "created_at": when,
            "deleted_at": when,
            "availability_zone": st(False),
        },
    },
)
nic = {"name": st(True), "instance_id": {"type": "uuid", "required": True}}
call("POST", "/v1/resource_type", {"name": "instance_network_interface", "attributes": nic})
call("POST", "/v1/resource_type", {"name": "instance_disk", "attributes": nic})

# ---- who has what.  (name, policy, first sample, end of samples, what is special)
T = lambda s: dt.datetime.fromisoformat(s)
B0, E1 = T("2026-10-01 00:00"), T("2026-11-16 06:00")
CASES = [
    ("active-old", "ceilometer-low-rate", B0, E1, dict(nics=1)),
    ("active-in", "ceilometer-low-rate", T("2026-10-10 08:05"), E1, dict(nics=2)),
    ("deleted-in", "ceilometer-low-rate", B0, T("2026-10-20 12:34"), dict(nics=1, ended="2026-10-20T12:34:58")),
    (
        "gpu-deleted",
        "ceilometer-high-rate",
        T("2026-10-05 06:10"),
        T("2026-11-03 18:00"),
        dict(nics=1, ended="2026-11-03T18:00:02"),
    ),
    ("máquina-ñandú-☃", "ceilometer-high-rate", T("2026-10-07 00:05"), E1, dict(nics=1)),
    ("boot-from-volume", "accounting", T("2026-10-06 07:10"), E1, dict(nics=1)),
    ("rebooting", "ceilometer-low-rate", T("2026-10-18 00:05"), E1, dict(nics=1, reset=T("2026-10-25 03:00"))),
    ("vmcatcher-image", "accounting", T("2026-10-09 00:05"), E1, dict(nics=1, reset=T("2026-10-25 03:30"))),
    (
        "private-flavor",
        "ceilometer-low-rate",
        T("2026-10-18 00:05"),
        E1,
        dict(nics=1, gaps=[("2026-10-28 12:00", "2026-10-30 00:00"), ("2026-11-02 10:00", "2026-11-02 10:20")]),
    ),
    ("shutoff", "ceilometer-low-rate", None, None, dict(nics=0, nomeasures=True)),  # metric cpu, never a measure
    ("suspended", "ceilometer-low-rate", None, None, dict(nics=0, nometrics=True)),  # resource, no metric at all
    (
        "deleted-short",
        "ceilometer-low-rate",
        T("2026-10-20 00:00"),
        T("2026-10-20 00:04"),
        dict(nics=1, ended="2026-10-20T00:05:00"),
    ),  # one sample
    ("created-after", "ceilometer-low-rate", T("2026-11-17 00:05"), T("2026-11-18 00:00"), dict(nics=1)),
    (
        "deleted-before",
        "ceilometer-low-rate",
        T("2026-09-08 00:00"),
        T("2026-09-10 12:00"),
        dict(nics=1, ended="2026-09-10T12:00:01"),
    ),
    (
        "gone-user",
        "ceilometer-low-rate",
        T("2026-11-10 00:05"),
        E1,
        dict(nics=1, port=True),
    ),  # interface named by a port's uuid
    (
        'odd: name=100% "q"',
        "ceilometer-low-rate",
        T("2026-11-10 00:05"),
        E1,
        dict(nics=2, swap=T("2026-11-12 12:00")),
    ),  # one interface replaced by another
    ("two-active", "ceilometer-low-rate", T("2026-11-10 00:05"), E1, dict(nics=1, project="p_two")),
    # paused and the others: not in Gnocchi
]
NS = uuid.UUID("c0ffee00-0000-4000-8000-000000000001")
truth = {}
db = pymysql.connect(host="127.0.0.1", port=13306, user="os", password="os", database="gnocchi", autocommit=True)
cur = db.cursor()
nova = pymysql.connect(host="127.0.0.1", port=13306, user="os", password="os", database="nova").cursor()


def times(a, b, gaps=()):
    # every 300 s, some seconds after the five minutes, never at quite the same second
    i, t = 0, a.replace(second=0, microsecond=0) + dt.timedelta(seconds=137)
    while t < b:
        if not any(T(x) <= t < T(y) for x, y in gaps):
            yield t + dt.timedelta(seconds=(0, 1, 0, 2, 1)[i % 5], microseconds=386214)
        i, t = i + 1, t + dt.timedelta(seconds=300)


def counter(a, start, per_s, reset=None):
    """the counter at t: per_s changes with the hour of the day (4 steps), all integers"""

    def at(t):
        base = start
        if reset and t >= reset:
            a0, base = reset, 0
        else:
            a0 = a
        n = int((t - a0).total_seconds() * 1000)  # ms
        full, rest = divmod(n, 86400000)
        w = lambda ms: sum(max(0, min(ms - q * 21600000, 21600000)) * k for q, k in enumerate((1, 3, 4, 2)))
        return base + (full * w(86400000) + w(rest)) * per_s // 1000

    return at


n_measures = 0
for k, (name, pol, a, b, sp) in enumerate(CASES):
    sid, proj = ids["servers"][name], ids[sp.get("project", "p_one")]
    nova.execute(
        "select user_id, image_ref, created_at, launched_at, lower(hex(id)), deleted_at from instances where uuid=%s",
        (sid,),
    )
    user, image, created, launched, hexid, deleted = nova.fetchone()
    started = (a or T("2026-10-01 00:00")) + dt.timedelta(seconds=139)
    nova.execute("select flavor from instance_extra where instance_uuid=%s", (sid,))
    fl = json.loads(nova.fetchone()[0])["cur"]["nova_object.data"]
    attrs = dict(
        project_id=proj,
        host="compute-1",
        display_name=name,
        flavor_id=fl["flavorid"],
        flavor_name=fl["name"],
        created_at=created.isoformat(),
        launched_at=launched.isoformat(),
    )
    if image:
        attrs["image_ref"] = image
    res = [
        (sid, "instance", dict(id=sid, user_id=user, started_at=started.isoformat(), **attrs), started, sp.get("ended"))
    ]
    series = (
        []
        if a is None
        else [
            (
                sid,
                "cpu",
                "ns",
                counter(a, 90_000_000_000 * (k + 1), 110_000_000 * fl["vcpus"] + 1_000_003, sp.get("reset")),
                a,
                b,
            )
        ]
    )
    for j in range(sp["nics"]):
        tap = "tap%s-%02x" % (str(uuid.uuid5(NS, name + str(j)))[:8], j)
        orig = (
            str(uuid.uuid5(NS, "port" + name)) if sp.get("port") else "instance-%08x-%s-%s" % (int(hexid, 16), sid, tap)
        )
        na, nb, end = a, b, sp.get("ended")
        if sp.get("swap"):
            na, nb, end = ((a, sp["swap"], (sp["swap"] + dt.timedelta(seconds=5)).isoformat()), (sp["swap"], b, None))[
                j
            ]
        nst = na + dt.timedelta(seconds=139)
        res.append(
            (
                orig,
                "instance_network_interface",
                dict(
                    id=orig,
                    user_id=user,
                    project_id=proj,
                    started_at=nst.isoformat(),
                    name=orig if sp.get("port") else tap,
                    instance_id=sid,
                ),
                nst,
                end,
            )
        )
        series += [
            (
                orig,
                "network.incoming.bytes",
                "B",
                counter(na, 1_000_000 * (j + 1), 20_011 + 997 * k, sp.get("reset")),
                na,
                nb,
            ),
            (
                orig,
                "network.outgoing.bytes",
                "B",
                counter(na, 500_000 * (j + 1), 7_013 + 499 * k, sp.get("reset")),
                na,
                nb,
            ),
        ]
    made = {}
    for orig, typ, body, _, _ in res:
        body = dict(body)
        if sp.get("nomeasures") and typ == "instance":
            body["metrics"] = {"cpu": {"archive_policy_name": pol, "unit": "ns"}}
        got = call("POST", "/v1/resource/" + typ, body)
        made[orig] = got["id"]
    batch = {}
    for orig, metric, unit, f, sa, sb in series:
        pts = [(t, f(t)) for t in times(sa, sb, sp.get("gaps", ()))]
        m = [{"timestamp": t.isoformat(), "value": v} for t, v in pts]
        n_measures += len(m)
        batch.setdefault(orig, {})[metric] = {"measures": m, "archive_policy_name": pol, "unit": unit}
        inc = sum(max(0, y[1] - x[1]) for x, y in zip(pts, pts[1:], strict=False))
        truth.setdefault(name, {"server": sid, "project": proj, "archive_policy": pol, "metrics": []})[
            "metrics"
        ].append(
            {
                "resource": made[orig],
                "original_resource_id": orig,
                "metric": metric,
                "unit": unit,
                "samples": len(pts),
                "first": [pts[0][0].isoformat(), pts[0][1]],
                "last": [pts[-1][0].isoformat(), pts[-1][1]],
                "sum_of_increases": inc,
                "reset_at": sp["reset"].isoformat() if sp.get("reset") else None,
            }
        )
    if batch:
        call("POST", "/v1/batch/resources/metrics/measures?create_metrics=True", batch)
    for orig, typ, _, _, end in res:
        rid = uuid.UUID(made[orig]).bytes
        if name == "active-old" and typ == "instance":  # two revisions: it was moved from another host
            call("PATCH", "/v1/resource/instance/" + sid, {"host": "compute-2"})
            call("PATCH", "/v1/resource/instance/" + sid, {"host": "compute-1"})
        if end:
            call("PATCH", "/v1/resource/%s/%s" % (typ, made[orig]), {"ended_at": end})
    # the revisions get the dates they would have had
    for orig, typ, _, st_, end in res:
        rid = uuid.UUID(made[orig]).bytes
        s = lambda t: t.strftime("%Y-%m-%d %H:%M:%S.%f")
        last = T(end) if end else st_
        if name == "active-old" and typ == "instance":
            last = T("2026-11-01 09:00:00")
            cur.execute("select revision from resource_history where id=%s order by revision", (rid,))
            revs = [x[0] for x in cur.fetchall()]
            for r_, (x, y) in zip(
                revs, ((st_, T("2026-10-21 15:00:00")), (T("2026-10-21 15:00:00"), last)), strict=False
            ):
                cur.execute(
                    "update resource_history set revision_start=%s, revision_end=%s where revision=%s", (s(x), s(y), r_)
                )
        else:
            cur.execute(
                "update resource_history set revision_start=%s, revision_end=%s where id=%s", (s(st_), s(last), rid)
            )
        cur.execute("update resource set revision_start=%s where id=%s", (s(last), rid))
json.dump(truth, pathlib.Path(__file__).resolve().with_name("truth.json").open("w"), indent=1, ensure_ascii=False)
print(len(CASES), "servers,", n_measures, "measures pushed")
