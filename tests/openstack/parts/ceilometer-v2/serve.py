#!/usr/bin/env python3
"""serve.py PORT HOME [upgrade]: the last Ceilometer with the v2 API (9.0.7, Pike): its own WSGI application under waitress, SQLite below."""

import inspect
import sys

if not hasattr(inspect, "getargspec"):  # Python 3.11 and later: the API reads its own functions' arguments with it
    inspect.getargspec = lambda f: inspect.getfullargspec(f)[:4]
port, home = sys.argv[1:3]
from ceilometer import service, storage
from ceilometer.api import app

conf = service.prepare_service([], [home + "/etc/ceilometer.conf"])
if sys.argv[3:] == ["upgrade"]:
    storage.get_connection_from_config(conf).upgrade()
    sys.exit()
import waitress

waitress.serve(app.load_app(conf), host="127.0.0.1", port=int(port), ident=None, threads=4)
