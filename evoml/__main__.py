"""``python -m evoml`` is the command ``evoml``."""

from evoml.cli.main import app

if __name__ == "__main__":
    app(prog_name="evoml")
