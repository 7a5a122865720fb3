"""Scripts that measure jaxdigits; they use its public names only. Run them from the top folder of a clone."""
