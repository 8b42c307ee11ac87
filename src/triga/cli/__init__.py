"""The command line: verbs that call the rooms below and print what they say. No logic of its own."""
