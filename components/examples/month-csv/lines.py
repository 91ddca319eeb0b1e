"""What is written: a CSV for each month, the part that can be tested without a sandbox."""

import csv
import datetime
import io

FIELDS = ["month", "vo", "vm", "user", "status", "start", "end", "wall_seconds", "cpu_seconds", "cpus", "memory_mib"]


def months(vms):
    """The VMs' CSVs by month, `2026-11` first."""
    found = {}
    for vm in vms:
        found.setdefault(month(vm.head.measured_at), []).append(vm)
    return {name: table(name, found[name]) for name in sorted(found)}


def month(measured_at):
    """The month of which a record speaks: the moment at which it ends belongs to it."""
    at = datetime.datetime.fromtimestamp(measured_at - 1, datetime.timezone.utc)
    return at.strftime("%Y-%m")


def table(name, vms):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for vm in sorted(vms, key=lambda vm: (vm.fqan, vm.vm_uuid)):
        writer.writerow(
            [
                name,
                vm.fqan,
                vm.vm_uuid,
                vm.global_user_name,
                vm.status,
                day_and_time(vm.start),
                day_and_time(vm.end),
                vm.wall_seconds,
                vm.cpu_seconds,
                vm.cpu_count,
                vm.memory_mib,
            ]
        )
    return text.getvalue()


def day_and_time(seconds):
    """As a spreadsheet reads it; nothing for what is not known."""
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
