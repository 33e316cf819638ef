"""What responses have that people choose or turn down: factors of texts, their effects. Pure."""
