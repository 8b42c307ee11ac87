"""Labelled records: read, check, mend, split, and keep as one Arrow file a split.

    prepared = prepare(section, spec, target, seed=17)     # prepare.py: the stage; Prepared.open(target) reads it back
    report = check(section, spec, seed=17)                 # check.py:   every row looked at, nothing changed
    fixed = fix(section, spec, out, seed=17)               # fix.py:     cleaned copies and a list of changes
    tokens = tokenize(prepared.rows("train"), encode, …)   # tokens.py:  encoded once, kept by content

``sources/`` reads files, ``columns`` finds who is who, ``build`` puts it together, ``findings`` says what is wrong.
"""
