"""``python -m triga``: the command line, for where the ``triga`` script is not on the path."""

from triga.cli.main import main

main()
