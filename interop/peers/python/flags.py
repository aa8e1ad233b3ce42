"""The flags of the public description, and of each what is wrong with it in one line."""

import argparse


class Flags(argparse.ArgumentParser):
    def __init__(self, command: str):
        super().__init__(prog=command, allow_abbrev=False, add_help=False)
        self.truth("use_tls")

    def truth(self, name: str) -> None:
        self.add_argument(f"--{name}", choices=("true", "false"), default="false")

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message}\n")
