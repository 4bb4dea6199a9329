"""When a reservation runs out."""
