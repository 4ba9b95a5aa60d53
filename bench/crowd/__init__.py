"""Two hundred people at once: the real bot process against the strict stand-in, beside a plain bot."""
