"""The demo: a control plane, an application, and a story performed against both."""
