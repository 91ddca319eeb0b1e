#!/usr/bin/env python3
"""seed_flavors.py: flavor-project, whose flavors changed under their servers.

Run after a reset; a second time it does nothing. Two flavors, two servers on
each, a project of their own, so that the other cases stay as they were:

f1.changed   had a benchmark of 10.5 and no accelerator when its servers
             booted; afterwards the operator set the benchmark to 21.0 and added
             a GPU. What counts is the flavor as it is now.
f2.reborn    4 CPUs and a benchmark of 11.5 when its servers booted; then
             deleted and made again under the same name, with another id, 8 CPUs
             and a benchmark of 30.0. What counts for its servers is what they
             booted with: the flavor of that name now is another one.

Each has a running server and one deleted in the period. Ids are fixed, times
too, and what is recorded of them can be compared byte by byte.
"""

import datetime
import json
import pathlib
import uuid

import pymysql
from api import ADMIN_PROJECT, KEYSTONE, ask, log_in
from nova import config, context, objects
from nova.network import model

BED = pathlib.Path(__file__).resolve().parent
NOVA = "http://127.0.0.1:18774/v2.1"
IDS = BED / "run" / "ids.json"
PROJECT = "f1a0f1a0f1a04000800000000000f1a0"
CHANGED = "f1a00001-0000-4000-8000-000000000001"
REBORN_FIRST = "f1a00002-0000-4000-8000-000000000001"
REBORN_SECOND = "f1a00002-0000-4000-8000-000000000002"
NAMESPACE = uuid.UUID("ca50ca50-0000-4000-8000-00000000f1a0")


def call(method, url, body=None):
    """One API call, as the cloud's administrator."""
    return ask(method, url, TOKEN, body)


def flavor(name, flavor_id, vcpus, extra):
    """A flavor with its extra specs."""
    body = {
        "name": name,
        "id": flavor_id,
        "vcpus": vcpus,
        "ram": 2048 * vcpus,
        "disk": 40,
        "OS-FLV-EXT-DATA:ephemeral": 10,
    }
    call("POST", f"{NOVA}/flavors", {"flavor": body})
    call("POST", f"{NOVA}/flavors/{flavor_id}/os-extra_specs", {"extra_specs": extra})


def benchmark(value):
    """The extra specs that cASO reads a benchmark from."""
    return {"accounting:benchmark_type": "HEPscore23", "accounting:benchmark_value": value}


def time(text):
    """A time of day in UTC, or none."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC) if text else None


def server(number, name, flavor_id, created, deleted=None):
    """A row of Nova's, written by Nova's own code, then given its dates."""
    server_id = str(uuid.uuid5(NAMESPACE, name))
    now = objects.Flavor.get_by_flavor_id(ADMIN, flavor_id)
    owner = context.RequestContext(user_id=ids["alice"], project_id=PROJECT, is_admin=True)
    fixed = model.FixedIP(address=f"10.0.1.{10 + number}")
    subnet = model.Subnet(cidr="10.0.1.0/24", ips=[fixed])
    network = model.Network(id=ids["net_p_one"], bridge="br-int", label="private", subnets=[subnet])
    vif = model.VIF(
        id=str(uuid.uuid5(NAMESPACE, "vif" + name)), address=f"fa:16:3e:00:01:{number:02x}", network=network
    )
    with context.target_cell(owner, CELL) as cell:
        row = objects.Instance(
            context=cell, uuid=server_id, user_id=ids["alice"], project_id=PROJECT, display_name=name,
            hostname=f"f{number}", image_ref=ids["image"], vm_state="deleted" if deleted else "active",
            task_state=None, power_state=0 if deleted else 1, memory_mb=now.memory_mb, vcpus=now.vcpus,
            root_gb=now.root_gb, ephemeral_gb=now.ephemeral_gb, instance_type_id=now.id, flavor=now,
            old_flavor=None, new_flavor=None, launched_at=time(created), terminated_at=time(deleted),
            reservation_id=f"r-f{number:07d}", launch_index=0, availability_zone="nova", host="compute-1",
            config_drive="", key_name="alice-key", root_device_name="/dev/vda", metadata={},
            system_metadata={}, locked=False, pci_requests=None,
            info_cache=objects.InstanceInfoCache(
                context=cell, instance_uuid=server_id, network_info=model.NetworkInfo([] if deleted else [vif])
            ),
            security_groups=objects.SecurityGroupList(objects=[]),
        )  # fmt: skip
        row.create()
        if deleted:
            row.destroy()
    objects.InstanceMapping(
        owner, instance_uuid=server_id, project_id=PROJECT, user_id=ids["alice"], cell_mapping=CELL,
        queued_for_delete=bool(deleted),
    ).create()  # fmt: skip
    with DATABASE.cursor() as cursor:
        cursor.execute(
            "update nova.instances set created_at=%s, updated_at=%s, deleted_at=%s, launched_at=%s, terminated_at=%s where uuid=%s",
            (created, deleted or created, deleted, created, deleted, server_id),
        )
    return server_id


ids = json.loads(IDS.read_text())
if "p_flavor" in ids:
    raise SystemExit("flavor-project is there already")
TOKEN = log_in("admin", ADMIN_PROJECT)
DATABASE = pymysql.connect(host="127.0.0.1", port=13306, user="os", password="os", autocommit=True)

# Keystone gives ids itself; this project gets the one that references name.
project = {"name": "flavor-project", "domain_id": "default", "tags": ["caso-flavor"], "VO": "vo.flavor.example.org"}
made = call("POST", f"{KEYSTONE}/projects", {"project": project})["project"]["id"]
with DATABASE.cursor() as cursor:
    cursor.execute("set foreign_key_checks=0")
    cursor.execute("update keystone.project set id=%s where id=%s", (PROJECT, made))
    cursor.execute("update keystone.project_tag set project_id=%s where project_id=%s", (PROJECT, made))
    cursor.execute("update keystone.project_option set project_id=%s where project_id=%s", (PROJECT, made))
    cursor.execute("set foreign_key_checks=1")
roles = {role["name"]: role["id"] for role in call("GET", f"{KEYSTONE}/roles")["roles"]}
for user, role in (("accounting", "reader"), ("acct_noscope", "reader"), ("acct_admin", "admin"), ("alice", "member")):
    call("PUT", f"{KEYSTONE}/projects/{PROJECT}/users/{ids[user]}/roles/{roles[role]}")

config.parse_args(["nova-seed", "--config-file", str(BED / "etc/nova/nova.conf")], default_config_files=[])
objects.register_all()
ADMIN = context.get_admin_context()
CELL = next(cell for cell in objects.CellMappingList.get_all(ADMIN) if cell.name == "cell1")

flavor("f1.changed", CHANGED, 2, benchmark("10.5"))
flavor("f2.reborn", REBORN_FIRST, 4, benchmark("11.5"))
servers = {
    "changed-running": server(1, "changed-running", CHANGED, "2026-10-03 00:00:00"),
    "changed-deleted": server(2, "changed-deleted", CHANGED, "2026-10-03 00:00:00", "2026-10-13 12:00:00"),
    "reborn-running": server(3, "reborn-running", REBORN_FIRST, "2026-10-04 00:00:00"),
    "reborn-deleted": server(4, "reborn-deleted", REBORN_FIRST, "2026-10-04 00:00:00", "2026-10-14 12:00:00"),
}
accelerator = {
    "Accelerator:Type": "GPU", "Accelerator:Vendor": "NVIDIA", "Accelerator:Model": "H100", "Accelerator:Number": "1",
}  # fmt: skip
call("POST", f"{NOVA}/flavors/{CHANGED}/os-extra_specs", {"extra_specs": benchmark("21.0") | accelerator})
call("DELETE", f"{NOVA}/flavors/{REBORN_FIRST}")
flavor("f2.reborn", REBORN_SECOND, 8, benchmark("30.0"))

ids["p_flavor"] = PROJECT
ids["servers"].update(servers)
IDS.write_text(json.dumps(ids, indent=1))
print(f"flavor-project is {PROJECT}: {servers}")
