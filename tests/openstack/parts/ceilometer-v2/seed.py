#!/usr/bin/env python3
"""seed.py KEYSTONE_V3 URL IDS.json: samples through the API itself (POST /v2/meters/NAME?direct=True, as user ceilometer), one each 10 minutes.

cpu (cumulative ns, resource = server), network.incoming.bytes and network.outgoing.bytes (cumulative B, resource = interface, the server only in
resource_metadata.instance_id), for vo-project and one server of other-project; and the meter network.outcoming.bytes that old cASO asked for has none."""

import datetime as dt
import json
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from part import SERVICE_PROJECT, ask, log_in

ks, url, ids = sys.argv[1], sys.argv[2], json.loads(pathlib.Path(sys.argv[3]).read_text())
tok = log_in("ceilometer", SERVICE_PROJECT, ks)
T = lambda s: dt.datetime.strptime(s, "%Y-%m-%dT%H:%M:%S")
# name, from, to, reset, gap, project
CASES = [
    ("active-old", "2026-11-14T00:00:00", "2026-11-16T06:00:00", None, None, "p_one"),
    ("active-in", "2026-11-14T00:00:00", "2026-11-16T06:00:00", None, None, "p_one"),
    ("rebooting", "2026-11-14T00:00:00", "2026-11-16T06:00:00", "2026-11-15T03:00:00", None, "p_one"),
    (
        "private-flavor",
        "2026-11-14T00:00:00",
        "2026-11-16T06:00:00",
        None,
        ("2026-11-14T12:00:00", "2026-11-15T00:00:00"),
        "p_one",
    ),
    ("deleted-in", "2026-10-19T00:00:00", "2026-10-20T12:34:00", None, None, "p_one"),
    ("deleted-short", "2026-10-15T00:00:00", "2026-10-15T00:05:00", None, None, "p_one"),
    ("two-active", "2026-11-15T00:00:00", "2026-11-16T00:00:00", None, None, "p_two"),
]
total = 0
for k, (name, a, z, reset, gap, proj) in enumerate(CASES):
    sid, t, n = ids["servers"][name], T(a) + dt.timedelta(seconds=137), 0
    nic = "instance-%08x-%s-tap%s" % (k + 1, sid, str(uuid.uuid5(uuid.NAMESPACE_OID, name))[:11])
    out = {"cpu": [], "network.incoming.bytes": [], "network.outgoing.bytes": []}
    base, start = 1, T(a)
    while t < T(z):
        if reset and t >= T(reset):
            base, start = 0, T(reset)
        if not (gap and T(gap[0]) <= t < T(gap[1])):
            s = int((t - start).total_seconds())
            meta = {
                "display_name": name,
                "host": "compute-1",
                "status": "active",
                "flavor.name": "m1.small",
                "flavor.vcpus": "1",
            }
            for meter, unit, res, v, more in (
                ("cpu", "ns", sid, base * 10**12 * (k + 1) + s * 500000000, {}),
                (
                    "network.incoming.bytes",
                    "B",
                    nic,
                    base * 10**9 + s * 60000,
                    {"instance_id": sid, "name": nic[-14:], "mac": "fa:16:3e:00:00:%02x" % k},
                ),
                (
                    "network.outgoing.bytes",
                    "B",
                    nic,
                    base * 10**8 + s * 21000,
                    {"instance_id": sid, "name": nic[-14:], "mac": "fa:16:3e:00:00:%02x" % k},
                ),
            ):
                out[meter].append(
                    {
                        "counter_name": meter,
                        "counter_type": "cumulative",
                        "counter_unit": unit,
                        "counter_volume": v,
                        "resource_id": res,
                        "user_id": ids["alice"],
                        "project_id": ids[proj],
                        "timestamp": t.isoformat(),
                        "resource_metadata": dict(meta, **more),
                        "source": "openstack",
                    }
                )
        t += dt.timedelta(seconds=600)
    for meter, samples in out.items():
        for i in range(0, len(samples), 200):
            ask("POST", f"{url}/v2/meters/{meter}?direct=True", tok, samples[i : i + 200])
        total += len(samples)
print(total, "samples")
