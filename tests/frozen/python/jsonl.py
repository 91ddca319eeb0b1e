"""A messenger in Python: one JSON object a record, into a queue or over a connection.

Built by build.sh. The module must not have the name of the world, and all that it needs
at run time must be imported at the top: the interpreter is frozen into the component,
where there is no standard library on disk.
"""

import dataclasses
import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import connection, deliveries, descriptions, log, queue, types


settings = {}


def option(name, help_text):
    return descriptions.OptionDescription(
        name=name,
        kind=descriptions.OptionKind_Text(),
        default=None,
        required=False,
        help=help_text,
        old_names=[],
        attributes=[],
    )


class Description(exports.Description):
    def describe(self):
        return descriptions.ComponentDescription(
            name="python-jsonl",
            summary="JSON lines, written in Python",
            version="1.0.0",
            record_types=[],
            options=[
                option("output_path", "Queue for the messages"),
                option("server", "host:port for the messages"),
            ],
            capabilities=[
                descriptions.CapabilityRequest("outgoing", "queue", "${output_path}", False, []),
                descriptions.CapabilityRequest("server", "connection", "${server}", False, []),
            ],
            packing_option=None,
            attributes=[],
        )


class Delivery(exports.Delivery):
    def start(self, setup):
        for setting in setup.settings:
            settings[setting.name] = setting.value.value
        if not settings:
            raise Err(types.StartError_Misconfigured("set `output_path` or `server`"))

    def deliver(self, batch):
        lines = "".join(json.dumps(flat(record)) + "\n" for record in batch.records.value)
        # The connection first: a message put into the queue is published even if the
        # answer is to try again, and would then be there twice.
        try:
            if "server" in settings:
                send(lines.encode())
            if "output_path" in settings:
                queue.put("outgoing", lines.encode())
        except Err as error:
            return answer(0, rest_of(error.value))
        log.write(log.Level.DEBUG, f"{batch.id}: {len(batch.records.value)} records")
        return answer(len(batch.records.value), deliveries.Rest_Done())


def send(data):
    """Sends the data, and waits until the peer ends its side: then it has read all of it."""
    handle = connection.open("server")
    try:
        connection.send(handle, data)
        connection.finish(handle)
        while connection.receive(handle, 4096):
            pass
    finally:
        connection.close(handle)


def rest_of(error):
    """What the host should do after this error of a queue or a connection."""
    if isinstance(error, (queue.QueueError_Denied, connection.ConnectionError_Denied)):
        return deliveries.Rest_Misconfigured(error.value)
    if isinstance(error, queue.QueueError_TooLarge):
        return deliveries.Rest_TooLarge()
    if isinstance(error, connection.ConnectionError_Unavailable):
        return deliveries.Rest_Retry(deliveries.Retry(60, error.value, []))
    if isinstance(error, (connection.ConnectionError_Closed, connection.ConnectionError_TimedOut)):
        return deliveries.Rest_Retry(deliveries.Retry(60, "the server did not read all records", []))
    return deliveries.Rest_Other(repr(error))


def flat(record):
    """The record as a dictionary, without what is absent."""
    fields = dataclasses.asdict(record)
    fields.update(fields.pop("head"))
    return {name: value for name, value in fields.items() if value is not None}


def answer(accepted, rest):
    return deliveries.Answer(accepted=accepted, refused=[], rest=rest, attributes=[])
