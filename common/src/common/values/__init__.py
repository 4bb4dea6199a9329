"""Small value types: time, ids, money and text."""
