"""A local mail server that delivers nothing and shows what it received."""
