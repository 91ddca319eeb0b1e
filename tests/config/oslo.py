#!/usr/bin/env python3
"""What oslo.config makes of the files in corpus/, written to expected.json.

    oslo.py           writes expected.json
    oslo.py --check   compares with it, exit code 1 where it differs

Needs oslo.config 10.7.0 (pip install oslo.config==10.7.0). The engine's own
tests compare with expected.json and need no Python.

A file NAME.conf may have a NAME.env beside it: lines NAME=VALUE that stand in
the environment while it is read.
"""

import json
import logging
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Options that cASO 5.2.2 registers and that are the engine's here, with oslo's
# types. Defaults are cASO's.
OPTIONS = [
    ("DEFAULT", "messengers", "list", ["noop"]),
    ("DEFAULT", "spooldir", "str", "/var/spool/caso"),
    ("DEFAULT", "lock_path", "str", "$spooldir"),
    ("DEFAULT", "dry_run", "bool", False),
    ("DEFAULT", "site_name", "str", None),
    ("DEFAULT", "service_name", "str", "$site_name"),
    ("DEFAULT", "projects", "list", []),
    ("DEFAULT", "caso_tag", "str", "caso"),
    ("DEFAULT", "vo_property", "str", "VO"),
    ("DEFAULT", "region_name", "str", None),
    ("DEFAULT", "extractor", "list", ["nova", "cinder", "neutron"]),
    ("DEFAULT", "debug", "bool", False),
    ("DEFAULT", "log_file", "str", None),
    ("keystone_auth", "auth_type", "str", None),
    ("keystone_auth", "auth_url", "str", None),
    ("keystone_auth", "username", "str", None),
    ("keystone_auth", "password", "str", None),
    ("keystone_auth", "project_id", "str", None),
    ("keystone_auth", "insecure", "bool", False),
    ("keystone_auth", "connect_retries", "int", 3),
    ("keystone_auth", "cafile", "str", None),
    ("messenger_ssm", "record_types", "list", None),
]
OLD = {
    ("DEFAULT", "projects"): [("DEFAULT", "tenants")],
    ("DEFAULT", "log_file"): [("DEFAULT", "logfile")],
    ("keystone_auth", "auth_type"): [("keystone_auth", "auth_plugin")],
    ("keystone_auth", "username"): [("keystone_auth", "user_name")],
    ("keystone_auth", "project_id"): [("keystone_auth", "tenant_id")],
}


def conf_for(path, cfg):
    conf = cfg.ConfigOpts()
    kinds = {
        "str": cfg.StrOpt,
        "list": cfg.ListOpt,
        "bool": cfg.BoolOpt,
        "int": cfg.IntOpt,
    }
    for group, name, kind, default in OPTIONS:
        old = [
            cfg.DeprecatedOpt(old_name, group=old_group)
            for old_group, old_name in OLD.get((group, name), [])
        ]
        opt = kinds[kind](name, default=default, deprecated_opts=old)
        conf.register_opt(opt, group=None if group == "DEFAULT" else group)
    conf([], project="caso", default_config_files=[str(path)], default_config_dirs=[])
    return conf


def sections_of(path, cfg):
    sections, normalized = {}, {}
    parser = cfg.ConfigParser(str(path), sections)
    parser._add_normalized(normalized)
    parser.parse()
    return normalized


def value_of(conf, cfg, group, name):
    try:
        value = conf[name] if group == "DEFAULT" else conf[group][name]
    except (cfg.ConfigFileValueError, cfg.ConfigSourceValueError):
        return {"error": "value"}
    except (cfg.NoSuchOptError, cfg.NoSuchGroupError, cfg.TemplateSubstitutionError):
        return {"error": "substitution"}
    except RecursionError:
        return {"error": "substitution"}
    return {"value": value}


def read(path):
    from oslo_config import cfg, iniparser

    try:
        sections = sections_of(path, cfg)
    except iniparser.ParseError as error:
        return {"fault": {"line": error.lineno, "what": error.msg}}
    except UnicodeDecodeError:
        return {"fault": {"what": "not UTF-8"}}
    conf = conf_for(path, cfg)
    values = {
        f"{group}.{name}": value_of(conf, cfg, group, name)
        for group, name, _, _ in OPTIONS
    }
    return {"sections": sections, "values": values}


def with_environment(path):
    extra = {}
    beside = path.with_suffix(".env")
    if beside.exists():
        for line in beside.read_text(encoding="utf-8").splitlines():
            name, value = line.split("=", 1)
            extra[name] = value
    os.environ.update(extra)
    try:
        return read(path)
    finally:
        for name in extra:
            del os.environ[name]


def main():
    if sys.flags.utf8_mode == 0:
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.argv])
    logging.disable(logging.CRITICAL)
    for name in [name for name in os.environ if name.startswith("OS_")]:
        del os.environ[name]
    files = sorted((HERE / "corpus").glob("*.conf"))
    found = {path.stem: with_environment(path) for path in files}
    # Of the others only what differs from an empty file.
    plain = found["empty"]["values"]
    for name, case in found.items():
        if name != "empty" and "values" in case:
            case["values"] = {
                option: value
                for option, value in case["values"].items()
                if value != plain[option]
            }
    text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    expected = HERE / "expected.json"
    if "--check" not in sys.argv[1:]:
        expected.write_text(text, encoding="utf-8")
        print(f"{len(files)} files")
        return 0
    if expected.read_text(encoding="utf-8") == text:
        print(f"{len(files)} files, as expected")
        return 0
    committed = json.loads(expected.read_text(encoding="utf-8"))
    for name in sorted(set(found) | set(committed)):
        if found.get(name) != committed.get(name):
            print(f"{name}: oslo.config says {found.get(name)}, expected.json {committed.get(name)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
