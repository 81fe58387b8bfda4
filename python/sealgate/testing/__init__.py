"""For tests of applications behind the gate: actors without signing in, and a control plane to sign in at.

```python
from sealgate.testing import as_user

with as_user(app, id="u1", scopes=["expenses:read"]):
    assert client.get("/expenses").status_code == 200
```

The actor is put below the dependencies, in the gate itself: mounts, static files, unmarked routes and
WebSockets are reached, and every requirement is judged as ever.
"""

from sealgate.testing.blocks import as_agent, as_machine, as_nobody, as_user, with_policies
from sealgate.testing.control_plane import Client, ControlPlane, Person
from sealgate.testing.made import make_agent, make_machine, make_user
from sealgate.testing.processes import ControlPlaneError

__all__ = [
    "Client",
    "ControlPlane",
    "ControlPlaneError",
    "Person",
    "as_agent",
    "as_machine",
    "as_nobody",
    "as_user",
    "make_agent",
    "make_machine",
    "make_user",
    "with_policies",
]
