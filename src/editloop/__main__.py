"""`python -m editloop`."""

from editloop.cli.app import main

main()
