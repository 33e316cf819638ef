"""Reading and writing preference files. Pure: bytes in, records out, no Django."""
