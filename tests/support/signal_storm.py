#!/usr/bin/python3
"""Send processes a thousand signals a second that must do them no harm.

usage: signal_storm.py SECONDS PID...

For so long, and longer on a machine that is too busy for 2,000 in that time.

In turn: STOP and at once CONT; CHLD; URG; HUP to all but the first, who is the
supervisor and reads its settings on HUP. Prints how many there were. Nobody
handles them, so no call is interrupted: that is what alarm_clock.c is for.
"""

import os
import signal
import sys
import time

PERIOD_S = 0.001
LEAST = 2000


def main():
    """One signal each period, to one process after the other."""
    end = time.monotonic() + float(sys.argv[1])
    pids = [int(pid) for pid in sys.argv[2:]]
    sent = 0
    while time.monotonic() < end or sent < LEAST:
        pid = pids[sent % len(pids)]
        kind = (sent // len(pids)) % 4
        if kind == 0:
            os.kill(pid, signal.SIGSTOP)
            os.kill(pid, signal.SIGCONT)
        elif kind == 1:
            os.kill(pid, signal.SIGCHLD)
        elif kind == 2:
            os.kill(pid, signal.SIGURG)
        elif pid != pids[0]:
            os.kill(pid, signal.SIGHUP)
        sent += 1
        time.sleep(PERIOD_S)  # so many a second were asked for
    print(sent)


if __name__ == "__main__":
    main()
