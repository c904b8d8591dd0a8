"""/admin: the queue, the settings, the dead letters."""

from collections.abc import Callable

from flask import Blueprint, Response

from service.answers import Config, DeadLetterList, Dropped, FlushRequested, Requeued
from service.routes.documents import document, sent_settings
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
        return document(Config(**overview.settings(), queue_size=overview.size()))

    @routes.patch("/config")
    def change_config() -> Response:
        overview.change_settings(sent_settings())
        return read_config()

    @routes.get("/queue")
    def read_queue() -> Response:
        return document(overview.queue())

    @routes.post("/flush")
    def flush() -> Response:
        buffer.flush_now()
        signal_flush()
        return document(FlushRequested(queue_size=overview.size()), 202)

    return routes


def dlq(dead_letters: DeadLetters, signal_flush: Callable[[], None]) -> Blueprint:
    """The routes under /admin/dlq; `signal_flush` wakes the worker."""
    routes = Blueprint("dlq", __name__, url_prefix="/admin/dlq")

    @routes.get("")
    def read_dead_letters() -> Response:
        return document(DeadLetterList(dead_letters.size(), dead_letters.oldest(SHOWN_LETTERS)))

    @routes.delete("")
    def drop_dead_letters() -> Response:
        return document(Dropped(dead_letters.drop()))

    @routes.post("/requeue")
    def requeue_dead_letters() -> Response:
        requeued, superseded, signal = dead_letters.requeue()
        if signal:
            signal_flush()
        return document(Requeued(requeued, superseded))

    return routes
