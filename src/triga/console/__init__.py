"""Pages for people, in English and Chinese: a process of its own that is a client of the HTTP API."""
