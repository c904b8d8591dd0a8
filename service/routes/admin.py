"""/admin: the queue, the settings, the dead letters."""

from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest

from service.answers import Config, DeadLetterList, Dropped, FlushRequested, Requeued
from service.writebehind.buffer import Buffer
from service.writebehind.dead_letters import DeadLetters
from service.writebehind.limits import SHOWN_LETTERS
from service.writebehind.overview import Overview


def admin(overview: Overview, buffer: Buffer, signal_flush: Callable[[], None]) -> Blueprint:
    """The routes /admin/config, /admin/queue and /admin/flush.

    Args:
        signal_flush: Wakes the worker.
    """
    routes = Blueprint("admin", __name__, url_prefix="/admin")

    @routes.get("/config")
    def read_config() -> Response:
        return _json(Config(**overview.settings(), queue_size=overview.size()))

    @routes.patch("/config")
    def change_config() -> Response:
        overview.change_settings(_object(request.get_data(cache=False)))
        return read_config()

    @routes.get("/queue")
    def read_queue() -> Response:
        return _json(overview.queue())

    @routes.post("/flush")
    def flush() -> Response:
        buffer.flush_now()
        signal_flush()
        return _json(FlushRequested(queue_size=overview.size()), 202)

    return routes


def dlq(dead_letters: DeadLetters, signal_flush: Callable[[], None]) -> Blueprint:
    """The routes under /admin/dlq; `signal_flush` wakes the worker."""
    routes = Blueprint("dlq", __name__, url_prefix="/admin/dlq")

    @routes.get("")
    def read_dead_letters() -> Response:
        return _json(DeadLetterList(dead_letters.size(), dead_letters.oldest(SHOWN_LETTERS)))

    @routes.delete("")
    def drop_dead_letters() -> Response:
        return _json(Dropped(dead_letters.drop()))

    @routes.post("/requeue")
    def requeue_dead_letters() -> Response:
        requeued, superseded, signal = dead_letters.requeue()
        if signal:
            signal_flush()
        return _json(Requeued(requeued, superseded))

    return routes


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")


def _object(body: bytes) -> dict[str, Any]:
    """The members of a JSON object. Raises BadRequest if the body is not one."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest("the body must be a JSON object of settings")
    return value
