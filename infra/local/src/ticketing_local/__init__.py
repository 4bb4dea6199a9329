"""The whole system on a bare machine, without containers."""
