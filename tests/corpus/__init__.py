"""The route scan against real applications: `make corpus`."""
