"""The frame of a Python suite: cases by decorator, one JSON line each, a time limit on every case."""

import json
import os
import signal
import sys
import time
import traceback
import uuid

BOOTSTRAP = os.environ["BOOTSTRAP"]
CASE_LIMIT_S = 60

_cases = []


def case(name):
    """Registers a function as a case under a name."""

    def register(function):
        _cases.append((name, function))
        return function

    return register


def unique(prefix):
    """A name that no other case or run uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def equal(found, wanted):
    """Fails with a short account of the difference."""
    if found != wanted:
        raise AssertionError(f"wanted {wanted!r:.300}, found {found!r:.300}")


def eventually(check, seconds=30, step=lambda: time.sleep(0.05)):
    """Repeats `step` until `check` answers true; returns what it answered."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = check()
        if answer:
            return answer
        step()
    raise AssertionError(f"did not come true within {seconds} s")


def _expired(_signal, _frame):
    raise TimeoutError(f"the case took longer than {CASE_LIMIT_S} s")


def main():
    """Runs every case, or those whose name holds the first argument."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    signal.signal(signal.SIGALRM, _expired)
    for name, function in _cases:
        if wanted not in name:
            continue
        ok, detail = True, ""
        signal.alarm(CASE_LIMIT_S)
        try:
            function()
        except BaseException as error:  # noqa: BLE001: whatever goes wrong is the case's result
            ok = False
            detail = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        finally:
            signal.alarm(0)
        print(json.dumps({"case": name, "ok": ok, "detail": detail[:600]}), flush=True)
    # A client that hangs in its own shutdown must not hold up the suite.
    sys.stdout.flush()
    os._exit(0)
