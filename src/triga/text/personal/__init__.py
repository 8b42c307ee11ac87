"""Personal data in English and Chinese text: found by pattern, checksum and context, and redacted (``redact``)."""
