"""Starting, watching and stopping processes: what `sealgate.testing` does for everybody."""

from sealgate.testing.processes import ControlPlaneError as LabError
from sealgate.testing.processes import Process, free_port, wait_until

__all__ = ["LabError", "Process", "free_port", "wait_until"]
