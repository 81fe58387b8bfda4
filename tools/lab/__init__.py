"""Real processes on this machine, for the demo, the tests and the benchmarks.

A control plane and applications are started on free loopback ports, in folders of their own, and stopped
by their process id. Nothing outlives the `with` block that started it.
"""

from lab.application import Application, settings
from lab.browser import Browser, Page, sign_in
from lab.control_plane import Client, ControlPlane, User
from lab.processes import LabError, Process, free_port, wait_until
from lab.tls import Tls

__all__ = [
    "Application",
    "Browser",
    "Client",
    "ControlPlane",
    "LabError",
    "Page",
    "Process",
    "Tls",
    "User",
    "free_port",
    "settings",
    "sign_in",
    "wait_until",
]
