"""The command `creditgate`: its root, and the commands that need nothing but the client.

Other packages add commands through the entry point group `creditgate.commands`; one that talks to
the server takes its options and its connection from `connected`.
"""

from creditgate.client.cli._connection import Connection, Failure, connected
from creditgate.client.cli._output import amount, facts, table
from creditgate.client.cli._parameters import TIME
from creditgate.client.cli._root import main

__all__ = ["TIME", "Connection", "Failure", "amount", "connected", "facts", "main", "table"]
