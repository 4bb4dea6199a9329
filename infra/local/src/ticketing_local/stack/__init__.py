"""What makes up the stack: programs, servers, ports, paths and their readiness."""
