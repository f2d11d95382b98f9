# SPDX-License-Identifier: MIT
"""The server's clock, which a test may set ahead or back."""

import time


class Clock:
    """Real time plus an offset in seconds."""

    def __init__(self):
        self.offset = 0.0

    def now(self):
        """Return the server's time in epoch seconds."""
        return time.time() + self.offset


def iso(seconds):
    """Return YYYY-MM-DDTHH:MM:SSZ."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def http_date(seconds):
    """Return the time as a Date header writes it."""
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))
