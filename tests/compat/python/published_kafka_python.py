"""A pytest plugin for kafka-python's own integration tests, as its source distribution ships them.

It stands in for what the distribution leaves out (`test/service.py`, which starts brokers: here one runs already)
and prints one JSON line a test, as the suites of this directory do.
"""

import json
import os
import sys
import types


class ExternalService:
    """A broker that runs already."""

    def __init__(self, host, port):
        self.host, self.port = host, port

    def stop(self):
        """Nothing of ours to stop."""


class SpawnedService:
    """A broker that the tests would start: they must not."""

    def __init__(self, *_arguments):
        raise RuntimeError("these tests run against the broker that KAFKA_URI names")


def _provide(name, **content):
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module


# The distribution has no `test/__init__.py`, so that the interpreter's own package `test` would be found instead.
_provide("test", __path__=[os.path.abspath("test")])
_provide("test.service", ExternalService=ExternalService, SpawnedService=SpawnedService)

_failed = {}


def _say(report, ok, detail):
    path, _, name = report.nodeid.partition("::")
    case = f"{os.path.basename(path).removesuffix('.py')}: {name}"
    line = json.dumps({"case": case, "ok": ok, "detail": detail[:600]})
    # On a line of its own: pytest shows its progress in the middle of one.
    print(f"\n{line}", file=sys.__stdout__, flush=True)


def pytest_runtest_logreport(report):
    """A test passed if its set-up, its call and its tear-down did."""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        _failed.setdefault(report.nodeid, crash.message if crash else str(report.longrepr))
    elif report.skipped:
        _failed.setdefault(report.nodeid, f"skipped: {report.longrepr}")
    if report.when == "teardown":
        detail = _failed.pop(report.nodeid, None)
        _say(report, detail is None, detail or "")
