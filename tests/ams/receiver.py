"""SSM's own receiver takes messages: `decrypt` and `verify` of a checkout of apel/ssm.

    receiver.py SSM CAPATH CERTIFICATE KEY FOLDER

SSM is the checkout. Decides as Ssm2._handle_msg does whether a message is encrypted. Prints the sha256 of each
message of FOLDER as SSM hands it on, a line each; fails where SSM refuses one.
"""

import hashlib
import pathlib
import sys

checkout, capath, certificate, key, folder = sys.argv[1:]
sys.path.insert(0, checkout)
from ssm import crypto  # noqa: E402

for path in sorted(pathlib.Path(folder).iterdir()):
    if path.suffix == ".empaid":
        continue
    text = path.read_text()
    if "application/pkcs7-mime" in text or "application/x-pkcs7-mime" in text:
        text = crypto.decrypt(text, certificate, key)
    body, signer = crypto.verify(text, capath, False)
    assert signer.endswith("host.example.org"), signer
    # It strips what is read, so that the text has no line feed at its end.
    print(hashlib.sha256(body.encode()).hexdigest(), " -")
