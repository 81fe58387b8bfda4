"""What FastAPI does to authentication, tried behind the gate and, as a control, without it."""
