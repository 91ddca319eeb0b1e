#!/usr/bin/env python3
"""Our lock and Python cASO's are one lock.

    fasteners_check.py PATH_OF_CASO_EXTRACT

cASO takes its lock with oslo.concurrency, which takes it with fasteners; this
uses fasteners itself, so run it by a Python that has it. Both directions:

1. Python holds the lock: ours must give up with exit code 75 and name Python's
   process.
2. Ours runs (against a Keystone that accepts the connection and never answers):
   Python must not get the lock; when ours is killed, it must.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

import fasteners

LOCK = "caso_should_not_run_in_parallel"
LOCKED = 75

CONF = """
[DEFAULT]
spooldir = {spool}
lock_path = {spool}
lock_timeout = 1
site_name = TEST
projects = 0123456789abcdef0123456789abcdef
messengers = noop
[keystone_auth]
auth_type = v3password
auth_url = http://127.0.0.1:{port}/v3
username = caso
password = secret
user_domain_id = default
system_scope = all
"""


def fail(text):
    sys.exit(f"fasteners_check: {text}")


def command(binary, conf):
    return [binary, "--config-file", conf, "--config-dir", os.path.dirname(conf)]


def python_holds(binary, conf, path):
    lock = fasteners.InterProcessLock(path)
    if not lock.acquire(blocking=False):
        fail("Python cannot take a lock that nobody holds")
    try:
        ours = subprocess.run(
            command(binary, conf), capture_output=True, text=True, timeout=60
        )
    finally:
        lock.release()
    if ours.returncode != LOCKED:
        fail(f"exit code {ours.returncode}, not {LOCKED}: {ours.stderr}")
    if str(os.getpid()) not in ours.stderr:
        fail(f"process {os.getpid()} is not named: {ours.stderr}")


def ours_holds(binary, conf, path, keystone):
    ours = subprocess.Popen(command(binary, conf), stderr=subprocess.PIPE, text=True)
    try:
        # Its first request comes after it has the lock.
        keystone.settimeout(60)
        connection, _ = keystone.accept()
        if fasteners.InterProcessLock(path).acquire(blocking=False):
            fail("Python got the lock that ours holds")
    finally:
        ours.send_signal(signal.SIGKILL)
        ours.communicate()
    connection.close()
    lock = fasteners.InterProcessLock(path)
    deadline = time.monotonic() + 10
    while not lock.acquire(blocking=False):
        if time.monotonic() > deadline:
            fail("the lock outlives the process that held it")
        time.sleep(0.05)
    lock.release()
    if not os.path.exists(path):
        fail("the lock's file was removed")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder, socket.socket() as keystone:
        keystone.bind(("127.0.0.1", 0))
        keystone.listen()
        conf_folder = os.path.join(folder, "conf.d")
        spool = os.path.join(folder, "spool")
        os.mkdir(conf_folder)
        os.mkdir(spool)
        conf = os.path.join(conf_folder, "caso.conf")
        with open(conf, "w", encoding="utf-8") as out:
            out.write(CONF.format(spool=spool, port=keystone.getsockname()[1]))
        path = os.path.join(spool, LOCK)
        python_holds(sys.argv[1], conf, path)
        ours_holds(sys.argv[1], conf, path, keystone)
    print("fasteners_check: one lock, both ways")


if __name__ == "__main__":
    main()
