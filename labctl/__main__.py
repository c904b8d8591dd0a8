"""The entry point: exit codes, signals, and the one place where errors become sentences."""

import errno
import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from labctl.app import app
from labctl.cli.context import Invocation
from labctl.cli.crash_report import write_crash_report
from labctl.cli.debug_log import start_debug_log
from labctl.cli.settings import CliSettings
from labctl.cli.signals import Interruptions
from labctl.render.json_text import write_document
from labctl.render.text.printable import printable
from labctl.render.text.wrap import fitted, width_of
from stack.errors import LabError, UsageError
from stack.refusals import explain, hint_for
from stack.spec.hints import for_lab
from stack.spec.names import DEFAULT_NAME

if TYPE_CHECKING:
    from typing import TextIO

_log = logging.getLogger(__name__)

BUG: Final = 70
INTERRUPTED: Final = 130
#: The exit code of a program whose reader went away, as shells report it: 128 + SIGPIPE.
READER_GONE: Final = 141
USAGE: Final = 2
UNFIT: Final = 4

#: A pipe without a reader; a terminal that was closed.
_READER_GONE: Final = (errno.EPIPE, errno.EIO)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code as in the README."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    sys.stdout, sys.stderr = _made_printable(sys.stdout), _made_printable(sys.stderr)
    # Python has none if it was closed: commands ask whether it is a terminal.
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - until the end
    call = Invocation()
    Interruptions(call.early_end).install()
    if CliSettings.from_env().debug:
        start_debug_log()
    return run(arguments, call)


def run(arguments: list[str], call: Invocation) -> int:
    """Run one command with what main() made; every error becomes a sentence and an exit code."""
    call.json = _promises_json(arguments)
    try:
        _require_text(arguments)
        return _invoke(arguments, call)
    except KeyboardInterrupt:
        return _interrupted(call)
    except LabError as error:
        _log.debug("ends with %s: %s", type(error).__name__, error.message, exc_info=error)
        return _fail(call, error.message, error.hint, error.exit_code)
    except typer.TyperException as error:
        return _refuse(call, error)
    except typer.Abort:
        return _interrupted(call)
    except OSError as error:
        return _survive(call, error)
    except Exception as error:  # noqa: BLE001 - the last line of defence: a bug gets a sentence, too
        return _report(call, error)


def _invoke(arguments: list[str], call: Invocation) -> int:
    try:
        code = app(args=arguments, prog_name="labctl", standalone_mode=False, obj=call)
    except SystemExit:
        # Typer and Rich end the program like this when the reader of a pipe has gone.
        return _reader_gone()
    finally:
        call.close()
    # Typer turns an interruption into an exit code.
    return _interrupted(call) if code == INTERRUPTED else int(code or 0)


def _require_text(arguments: list[str]) -> None:
    """Raises UsageError for bytes that are not UTF-8: no server that labctl talks to would accept them."""
    for word in arguments:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"{os.fsencode(word)!r} is not UTF-8 text", hint="type it in a terminal that is set to UTF-8"
            ) from error


def _promises_json(arguments: list[str]) -> bool:
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in own


def _fail(call: Invocation, message: str, hint: str, code: int) -> int:
    hint = for_lab(hint, call.name or DEFAULT_NAME)
    lines = [("labctl: ", message), *([("  what to do: ", hint)] if hint else [])]
    # The reader may have gone.
    with suppress(OSError):
        for lead, told in lines:
            # A message may hold the last lines of a log.
            text = "\n".join(printable(line.expandtabs()) for line in told.split("\n"))
            sys.stderr.writelines(f"{line}\n" for line in fitted(text, width_of(sys.stderr), lead=lead))
        sys.stderr.flush()
    with suppress(OSError):
        _fail_in_json(call, {"message": message, "hint": hint, "exit_code": code})
    return code


def _fail_in_json(call: Invocation, error: dict[str, object]) -> None:
    if call.json:
        write_document(sys.stdout, {"error": error})


def _refuse(call: Invocation, error: typer.TyperException) -> int:
    """A command line that Typer does not understand."""
    context = getattr(error, "ctx", None)
    message = error.format_message().replace("Value error, ", "")
    command = context.command_path if context is not None else "labctl"
    if not message:
        # A group without a command: Typer has already shown the help.
        return USAGE
    return _fail(call, message, _misplaced(error, context) or f"see `{command} --help`", USAGE)


def _misplaced(error: typer.TyperException, context: typer.Context | None) -> str:
    """A hint where an option stands before the command that it belongs to; empty for other errors."""
    option = getattr(error, "option_name", "")
    commands: Mapping[str, Any] = getattr(context and context.command, "commands", {})
    for name, command in commands.items():
        if context is not None and any(option in parameter.opts for parameter in command.params):
            return f"options come after the command: `{context.command_path} {name} {option}`"
    return ""


def _interrupted(call: Invocation) -> int:
    return _fail(call, "interrupted", call.when_interrupted, INTERRUPTED)


def _survive(call: Invocation, error: OSError) -> int:
    """A fault of the machine, which could hit any program."""
    if error.errno in _READER_GONE:
        return _reader_gone()
    return _fail(call, f"this machine refuses what labctl needs: {explain(error)}", hint_for(error), UNFIT)


def _report(call: Invocation, error: Exception) -> int:
    """A bug, unless the machine is at its limit."""
    if isinstance(error, MemoryError):
        return _survive(call, OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)))
    # Python's own error where the system refuses a thread; it does not keep the errno.
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return _survive(call, OSError(errno.EAGAIN, str(error)))
    return _report_bug(call, error)


def _reader_gone() -> int:
    # Python flushes stdout once more at exit, and must not fail on the closed pipe.
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
            continue
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return READER_GONE


def _report_bug(call: Invocation, error: Exception) -> int:
    path = write_crash_report(error)
    where = f"the details are in {path}" if path else "its details could not be written anywhere"
    message = f"this is a bug in labctl: {type(error).__name__}: {error}"
    return _fail(call, message, f"{where}; please report them", BUG)


def _made_printable(stream: "TextIO | None") -> "TextIO":
    """A character that the stream's encoding lacks becomes `?`; a closed stream is replaced by /dev/null."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")
    return stream


if __name__ == "__main__":
    from labctl.start import leave_behind

    leave_behind()
    sys.exit(main())
