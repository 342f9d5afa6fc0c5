"""The command line: the list of verbs. Each lives in its room's ``commands``, and is loaded when it is used."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

import click

from app.kit.process.logs import configure_logs


class Verb(NamedTuple):
    """Where a command lies, as ``module:name``, and its line in the list; one without a line is not listed."""

    place: str
    line: str

    def load(self) -> click.Command:
        """Import the command."""
        module, _, name = self.place.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


class VerbGroup(click.Group):
    """A group that lists its verbs without loading them: what most of them need takes longer than to say so."""

    def __init__(self, name: str, doc: str, verbs: Mapping[str, Verb | click.Command]) -> None:
        super().__init__(name, help=doc, context_settings={"help_option_names": ["-h", "--help"]})
        self.verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which they are listed."""
        del ctx
        return sorted(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a verb."""
        del ctx
        verb = self.verbs.get(cmd_name)
        return verb.load() if isinstance(verb, Verb) else verb

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list."""
        lines = {name: verb.line if isinstance(verb, Verb) else verb.help or "" for name, verb in self.verbs.items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, lines[name]) for name in self.list_commands(ctx) if lines[name]])


class Main(VerbGroup):
    """The whole command line."""

    def invoke(self, ctx: click.Context) -> object:
        """Make ready what every verb needs."""
        configure_logs()
        signal.signal(signal.SIGTERM, _exit)
        return super().invoke(ctx)


def _exit(*_: object) -> None:
    """Unwind the stack as Ctrl-C does, so that what was started is stopped."""
    sys.exit(128 + signal.SIGTERM)


SCORE = VerbGroup(
    "score",
    "Scores: computed again, explained, proven.",
    {
        "distribution": Verb("app.score.city.commands:distribution", "Print how the scores of the live city lie."),
        "explain": Verb("app.membership.commands:explain", "Compute a score again from a citizen's exported FILE."),
        "recompute": Verb("app.score.city.commands:recompute", "Score everybody anew today."),
        "verify": Verb("app.score.city.commands:verify", "Compute the scores of a random sample again and compare."),
    },
)
main = Main(
    "huixin",
    "Huixin (惠信): what good credit earns. Settings come from the environment; README.md lists them.",
    {
        "city": Verb("app.town.city.commands:city", "Make a believable city of people who are not real."),
        "demo": Verb("app.demo.commands:demo", "Make a demo city and play the main job in it."),
        "keys": Verb("app.kit.process.commands:keys", "Make and rotate the city's secret keys."),
        "migrate": Verb("app.kit.process.commands:migrate", "Bring the database to this version."),
        "official": Verb("app.official.commands:official", "Staff accounts."),
        "openapi": Verb("app.serve:openapi", ""),
        "records": Verb("app.intake.file.commands:records", "Register sources, import their files, correct them."),
        "redemption": Verb(
            "app.redemption.till.commands:redemption", "What became of a redemption, or why it was refused."
        ),
        "schema": Verb("app.kit.process.commands:schema", ""),
        "score": SCORE,
        "serve": Verb("app.serve:serve", "Run the API; a city without servers of its own gets them."),
        "verify": Verb("app.verify:verify", "Check the invariants that hold at any time."),
        "worker": Verb("app.worker:worker", "Do what happens by itself."),
    },
)

if __name__ == "__main__":
    main()
