"""`python -m editloop`."""

from editloop.cli.app import main

if __name__ == "__main__":
    main()
