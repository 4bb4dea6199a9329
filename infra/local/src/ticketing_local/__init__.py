"""The whole stack on a bare machine, without containers."""
