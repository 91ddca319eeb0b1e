"""A messenger for cASO: a CSV of VMs for each month, into a queue.

`wit/` has the contract, with every item documented. `describe` says what this component is
and wants, `start` takes the site's options, `deliver` gets the records.

The interpreter is frozen when the component is built: whatever is needed at run time must be
imported at the top of a module.
"""

import traceback

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import deliveries, descriptions, log, queue, records, types

from lines import months


def option(name, kind, default, help_text):
    return descriptions.OptionDescription(
        name=name, kind=kind, default=default, required=default is None, help=help_text, old_names=[], attributes=[]
    )


class Description(exports.Description):
    def describe(self):
        return descriptions.ComponentDescription(
            name="month-csv",
            summary="VMs of a month, as CSV",
            version="0.1.0",
            record_types=["cloud"],
            options=[
                option("output_path", descriptions.OptionKind_Path(), None, "Queue for the messages."),
            ],
            capabilities=[
                descriptions.CapabilityRequest(
                    name="outgoing",
                    kind="queue",
                    target="${output_path}",
                    required=True,
                    attributes=[types.Attribute("purpose", "the messages")],
                )
            ],
            packing_option=None,
            attributes=[],
        )


class Delivery(exports.Delivery):
    def start(self, setup):
        pass

    def deliver(self, batch):
        try:
            return deliver(batch)
        except Exception as error:
            # Without this nobody would learn what it was. Lines of the source are not looked up: there are no files.
            calls = traceback.walk_tb(error.__traceback__)
            calls = traceback.StackSummary.extract(calls, lookup_lines=False)
            places = [f"{call.name} in line {call.lineno}" for call in calls]
            what = traceback.format_exception_only(error)[-1].strip()
            log.write(log.Level.ERROR, " | ".join([what, *places[-5:]]))
            raise


def deliver(batch):
    if not isinstance(batch.records, records.RecordList_Cloud):
        return answer(0, deliveries.Rest_Other("only cloud records are taken"))
    vms = batch.records.value
    if not vms:
        return answer(0, deliveries.Rest_Done())
    try:
        # They appear in the queue when this call has returned a valid answer.
        for table in months(vms).values():
            queue.put("outgoing", table.encode())
    except Err as error:
        return answer(0, rest_of(error.value))
    log.write(log.Level.DEBUG, f"{len(vms)} VMs")
    return answer(len(vms), deliveries.Rest_Done())


def rest_of(error):
    """What cASO should do after this error of the queue."""
    if isinstance(error, queue.QueueError_Denied):
        return deliveries.Rest_Misconfigured(error.value)
    if isinstance(error, queue.QueueError_TooLarge):
        return deliveries.Rest_TooLarge()
    return deliveries.Rest_Other(repr(error))


def answer(accepted, rest):
    return deliveries.Answer(accepted=accepted, refused=[], rest=rest, attributes=[])
