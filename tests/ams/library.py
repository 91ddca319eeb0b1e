"""argo-ams-library as a client of the stand-in AMS: so that what the component is tested
against is the library's AMS, and what the component published is what the library hands to
a receiver.

    library.py PORT AUTHN_PORT CERTIFICATE KEY TOPIC FOLDER

Publishes nothing into FOLDER's topic but three messages of its own at the end; before, it
pulls what lies there and writes each message to FOLDER/NUMBER, and its empaid to
FOLDER/NUMBER.empaid.
"""

import pathlib
import sys

from argo_ams_library import (
    AmsMessage,
    AmsServiceException,
    ArgoMessagingService,
)

port, authn_port, certificate, key, topic, folder = sys.argv[1:]
folder = pathlib.Path(folder)


def refused(code, call):
    try:
        call()
    except AmsServiceException as error:
        assert error.code == code, (error.code, code, error)
        return
    raise AssertionError(f"not refused with {code}")


# With the port of the token in the address the library would ask a host of that name.
ams = ArgoMessagingService(
    endpoint="localhost",
    project="accounting",
    cert=certificate,
    key=key,
    authn_port=int(authn_port),
)
assert ams.token
ams.endpoint = f"localhost:{port}"

assert ams.has_topic(topic)
assert not ams.has_topic("no-such-topic")

number = 0
while True:
    pulled = ams.pull_sub(topic, num=3, return_immediately=True)
    if not pulled:
        break
    for _, message in pulled:
        (folder / f"{number:03}").write_bytes(message.get_data())
        (folder / f"{number:03}.empaid").write_text(message.get_attr()["empaid"])
        number += 1
    assert ams.ack_sub(topic, [ack for ack, _ in pulled])
assert number, "nothing was published"

own = [AmsMessage(data=f"text {n}", attributes={"empaid": f"e/{n}"}) for n in range(3)]
ids = ams.publish(topic, own)["messageIds"]
assert len(ids) == len(set(ids)) == 3, ids
back = ams.pullack_sub(topic, num=10, return_immediately=True)
assert [message.get_data() for message in back] == [b"text 0", b"text 1", b"text 2"]
assert ams.pull_sub(topic, num=1, return_immediately=True) == []

large = AmsMessage(data="x" * 1_000_000, attributes={"empaid": "large"})
refused(413, lambda: ams.publish(topic, large))
refused(404, lambda: ams.publish("no-such-topic", own))
ams.token = "another"
refused(401, lambda: ams.publish(topic, own))
print(f"argo-ams-library pulled {number} messages, published its own and was refused as AMS refuses")
