#!/usr/bin/env python3
"""serve.py PORT CONF HOME: Gnocchi's real WSGI application in one waitress server.

While HOME/run/record exists, every exchange is appended to HOME/run/rec.jsonl."""

import io
import json
import os
import sys
import threading
import time

port, conf, home = int(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.argv = ["gnocchi-api"]
from gnocchi import opts, service
from gnocchi.rest import app as gapp
from oslo_config import cfg

opts.set_defaults()
c = service.prepare_service(args=[], conf=cfg.ConfigOpts(), default_config_files=[conf])
app = gapp.load_app(c)
lock = threading.Lock()


def rec(env, start):
    if not os.path.exists(home + "/run/record"):
        return app(env, start)
    n = int(env.get("CONTENT_LENGTH") or 0)
    body = env["wsgi.input"].read(n) if n else b""
    env["wsgi.input"] = io.BytesIO(body)
    hdrs = {k[5:].replace("_", "-").title(): v for k, v in env.items() if k.startswith("HTTP_")}
    if env.get("CONTENT_TYPE"):
        hdrs["Content-Type"] = env["CONTENT_TYPE"]
    # the path as the client wrote it is not kept by WSGI: PATH_INFO is percent-decoded
    line = "%s %s%s%s" % (
        env["REQUEST_METHOD"],
        env.get("SCRIPT_NAME", ""),
        env["PATH_INFO"],
        "?" + env["QUERY_STRING"] if env.get("QUERY_STRING") else "",
    )
    got, t = {}, time.time()

    def sr(status, headers, exc_info=None):
        got["status"], got["headers"] = status, list(headers)
        return start(status, headers, exc_info)

    it = app(env, sr)
    out = b"".join(it)
    if hasattr(it, "close"):
        it.close()

    def dec(b):
        try:
            return json.loads(b)
        except Exception:
            return b.decode("utf-8", "replace")

    with lock, open(home + "/run/rec.jsonl", "a") as f:
        f.write(
            json.dumps(
                {
                    "ms": round((time.time() - t) * 1000, 1),
                    "request_line": line,
                    "request_headers": hdrs,
                    "request_body": dec(body) if body else None,
                    "status": got.get("status"),
                    "response_headers": got.get("headers"),
                    "response_body": dec(out) if out else None,
                }
            )
            + "\n"
        )
    return [out]


import waitress

waitress.serve(rec, host="127.0.0.1", port=port, threads=6, ident=None, clear_untrusted_proxy_headers=True)
