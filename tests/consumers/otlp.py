"""otlp.py PROGRAMS COMPONENT: see tests/consumers/otlp."""

from __future__ import annotations

import http.client
import http.server
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

import rotel
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE

from bench import Bench, Failed, must, port, wait

PROJECTS, SERVERS = 3, 200


class Door(http.server.BaseHTTPRequestHandler):
    """Reads each request as OpenTelemetry's messages, and passes it on."""

    collector = 0
    read: list[ExportMetricsServiceRequest] = []
    spoil = False

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.spoil:
            body = body.replace(b'"resource":', b'"resource":3,"was":')
        else:
            # A field that the messages do not have, or a value of another type, is an error here.
            self.read.append(json_format.Parse(body, ExportMetricsServiceRequest()))
        onward = http.client.HTTPConnection("127.0.0.1", self.collector, timeout=30)
        onward.request("POST", self.path, body, {"Content-Type": self.headers["Content-Type"]})
        answer = onward.getresponse()
        said = answer.read()
        if answer.status == 200:
            json_format.Parse(said, ExportMetricsServiceResponse())
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def points(metric: str) -> dict[str, tuple[int, object]]:
    """Value and point by `host.id`, of all that was read."""
    found = {}
    for request in Door.read:
        for resource in request.resource_metrics:
            must(resource.resource.attributes[0].value.string_value == "caso", "the resource is another")
            for it in (it for scope in resource.scope_metrics for it in scope.metrics if it.name == metric):
                data = it.sum if it.HasField("sum") else it.gauge
                if it.HasField("sum"):
                    must(it.sum.is_monotonic, f"{metric} is not monotonic")
                    must(
                        it.sum.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE,
                        f"{metric} is not cumulative",
                    )
                for point in data.data_points:
                    host = next(it.value.string_value for it in point.attributes if it.key == "host.id")
                    must(host not in found, f"two points of {metric} and {host}")
                    found[host] = (point.as_int if point.HasField("as_int") else point.as_double, point)
    return found


def check(bench: Bench, log: pathlib.Path) -> None:
    door = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    threading.Thread(target=door.serve_forever, daemon=True).start()
    url = f"http://localhost:{door.server_port}"

    site = bench.site(url, endpoint=url)
    site.extract()
    vms = site.vms()
    must(len(vms) == PROJECTS * SERVERS, f"`ssm` has {len(vms)} VMs")
    for metric, field, factor in (
        ("caso.vm.wall.time", "WallDuration", 1),
        ("caso.vm.cpu.time", "CpuDuration", 1),
        ("caso.vm.cpu.limit", "CpuCount", 1),
        ("caso.vm.memory.limit", "Memory", 1 << 20),
        ("caso.vm.disk.limit", "Disk", 1 << 30),
    ):
        found = points(metric)
        expected = {uuid: float(fields[field]) * factor for uuid, fields in vms.items() if field in fields}
        must(
            {uuid: float(value) for uuid, (value, _) in found.items()} == expected,
            f"{metric} is not what `ssm` has as {field}",
        )
        print(f"{metric}: {len(found)} points as `ssm` has them")
    starts = {uuid: point.start_time_unix_nano for uuid, (_, point) in points("caso.vm.wall.time").items()}
    must(starts == {uuid: int(fields["StartTime"]) * 10**9 for uuid, fields in vms.items()}, "other starts")
    of_all = sorted(it.name for request in Door.read for it in request.resource_metrics[0].scope_metrics[0].metrics)
    taken = lambda: sorted(re.findall(r"-> Name: (\S+)", log.read_text()))  # noqa: E731
    wait("the collector's log", lambda: len(taken()) >= len(of_all))
    must(taken() == of_all, f"the collector read {taken()}, and not {of_all}")
    print(f"{len(Door.read)} requests were taken by the collector")

    # What the collector takes for bad is not taken for delivered, and costs no record.
    Door.spoil, Door.read[:] = True, []
    site = bench.site(url, endpoint=url)
    said = site.extract(ends=3)
    must("none of 5 records was taken" in said and "400" in said, said)
    Door.spoil = False
    site.deliver()
    must(len(points("caso.vm.wall.time")) == len(vms), "records are missing")
    print("what the collector answers with 400 waits, and is delivered later")


def main() -> int:
    programs, component = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="caso-otlp-") as name:
        folder = pathlib.Path(name)
        log = folder / "collector.log"
        Door.collector = port()
        agent = pathlib.Path(rotel.__file__).with_name("rotel-agent")
        command = [
            agent,
            "start",
            "--otlp-http-endpoint",
            f"127.0.0.1:{Door.collector}",
            "--otlp-grpc-endpoint",
            f"127.0.0.1:{port()}",
        ]
        command += ["--exporter", "blackhole", "--debug-log", "metrics", "--debug-log-verbosity", "detailed"]
        bench = Bench(programs, "otlp", component, folder, PROJECTS, SERVERS)
        with log.open("w") as out, bench.cloud, subprocess.Popen(command, stdout=out, stderr=out) as collector:
            try:

                def answers() -> bool:
                    http.client.HTTPConnection("127.0.0.1", Door.collector, timeout=5).connect()
                    return True

                wait("the collector", answers)
                check(bench, log)
            except Failed as failed:
                print(f"FAILED: {failed}", file=sys.stderr)
                return 1
            finally:
                collector.kill()
    print("ok: others read what `otlp` exports")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
