"""The application: what is asked for where, and what is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from jaxdigits import __version__
from jaxdigits.serve import schemas
from jaxdigits.serve.assets import Asset, load_assets
from jaxdigits.serve.bodies import Held, Upload, media_type, parse_uploads, read_body
from jaxdigits.serve.guard import Guard
from jaxdigits.serve.limits import Limits
from jaxdigits.serve.readers import Answer, Readers
from jaxdigits.serve.refusals import Refusal, say

if TYPE_CHECKING:
    from jaxdigits.recognize import Recognizer

__all__ = ["make_app"]

JSON = "application/json"

_ENCODE = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

WRONG = {
    400: "The request can't be read: broken, empty, too many pixels or files, wrong shape or values.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is no picture.",
    503: "Too much is going on; Retry-After says when to try again.",
}


def make_app(recognizer: Recognizer, *, name: str, limits: Limits | None = None) -> Guard:
    """Make the application.

    Parameters
    ----------
    recognizer : Recognizer
        What reads the pictures.
    name : str
        What its model is called.
    limits : Limits or None, default=None
        How much is taken; None takes the defaults.

    Returns
    -------
    Guard
        An ASGI application; its ``app`` is FastAPI's.

    Examples
    --------
    >>> from jaxdigits.recognize import load_pretrained
    >>> from jaxdigits.serve.app import make_app
    >>> sorted(make_app(load_pretrained("small"), name="small").app.openapi()["paths"])
    ['/api/v1/model', '/api/v1/predict', '/api/v1/read', '/healthz']
    """
    limits = limits or Limits()
    readers = Readers(recognizer, limits)

    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.create_task(readers.warm_up())  # while the first page is being looked at
        yield
        warming.cancel()
        readers.close()

    app = FastAPI(
        title="jaxdigits",
        version=__version__,
        description="Reads handwritten digits.",
        docs_url=None,  # FastAPI's page of documentation loads scripts from another host
        redoc_url=None,
        redirect_slashes=False,
        lifespan=live,
        exception_handlers={Refusal: _refuse, HTTPException: _refuse_path},
    )
    taker = _Taker(limits)
    classes = recognizer.classes_.tolist()
    head = json.dumps({"model": name, "classes": classes})[:-1].encode() + b',"results":'
    _add_predict(app, taker, readers, head)
    _add_read(app, taker, readers, head)
    _add_facts(app, _describe_model(recognizer, name))
    for path, asset in load_assets().items():
        app.router.routes.append(Route(path, _make_sender(asset), methods=["GET"]))
    return Guard(app, limits)


class _Taker:
    """Takes the pictures of a request in, and answers while they are counted as held."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.held = Held(limits.held_bytes)

    async def answer(
        self, request: Request, read: Callable[[list[Upload]], Awaitable[Answer]], *, takes_pixels: bool
    ) -> Answer:
        headers = dict(request.scope["headers"])
        kind, options = media_type(headers)
        is_json = kind == JSON and takes_pixels
        if not is_json and kind != "multipart/form-data":
            parse_uploads(
                b"?", kind, options, limits=self.limits, takes_pixels=takes_pixels
            )  # of a type that is taken?
        most = self.limits.json_bytes if is_json else self.limits.body_bytes
        with self.held.share() as add:
            body = await read_body(request.receive, headers, most=most, limits=self.limits, add=add)
            uploads = parse_uploads(body, kind, options, limits=self.limits, takes_pixels=takes_pixels)
            del body
            return await read(uploads)


def _add_predict(app: FastAPI, taker: _Taker, readers: Readers, head: bytes) -> None:
    @app.post(
        "/api/v1/predict",
        summary="Read pictures of one digit each",
        description="One or more pictures as parts named `file` of a form, a picture as the body, or the pixels of one "
        "as JSON: 28 rows of 28 numbers or 784 numbers, 0 to 255 or 0 to 1.",
        response_model=None,
        responses=_document(schemas.PredictAnswer),
        openapi_extra=schemas.BODIES["predict"],
    )
    async def predict(request: Request) -> Response:
        return _tell(head, await taker.answer(request, readers.predict, takes_pixels=True))


def _add_read(app: FastAPI, taker: _Taker, readers: Readers, head: bytes) -> None:
    @app.post(
        "/api/v1/read",
        summary="Read pages of digits",
        description="One or more photos or scans as parts named `file` of a form, or one as the body.",
        response_model=None,
        responses=_document(schemas.ReadAnswer),
        openapi_extra=schemas.BODIES["read"],
    )
    async def read(request: Request) -> Response:
        return _tell(head, await taker.answer(request, readers.read, takes_pixels=False))


def _add_facts(app: FastAPI, facts: dict[str, Any]) -> None:
    told = json.dumps(facts).encode()

    @app.get(
        "/api/v1/model",
        summary="What is known of the model",
        response_model=None,
        responses={200: {"model": schemas.ModelAnswer}},
    )
    async def model() -> Response:
        return Response(told, media_type=JSON)

    @app.get(
        "/healthz",
        summary="Whether the server answers",
        response_model=None,
        responses={200: {"model": schemas.Health}},
    )
    async def healthz() -> Response:
        return Response(b'{"status":"ok"}', media_type=JSON)


def _document(answer: type[Any]) -> dict[int | str, dict[str, Any]]:
    wrong: dict[int | str, dict[str, Any]] = {
        status: {"model": schemas.ErrorAnswer, "description": words} for status, words in WRONG.items()
    }
    return {200: {"model": answer, "description": "What was read."}, **wrong}


def _tell(head: bytes, answer: Answer) -> Response:
    body = b"%b%b}" % (head, _ENCODE(answer.results).encode())
    timing = ", ".join(f"{name};dur={1000 * seconds:.2f}" for name, seconds in answer.seconds.items())
    return Response(body, media_type=JSON, headers={"server-timing": timing, "cache-control": "no-store"})


async def _refuse(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return Response(error.body, error.status, error.headers, JSON)


async def _refuse_path(request: Request, error: Exception) -> Response:
    """Say 404 and 405 in the form of all errors."""
    assert isinstance(error, HTTPException)
    words = {
        404: "There is nothing at this address. See /openapi.json for what there is.",
        405: f"This address does not take {request.method[:20]}. See the header Allow.",
    }
    headers = dict(error.headers or {})
    return Response(say(error.status_code, words.get(error.status_code, "")), error.status_code, headers, JSON)


def _make_sender(asset: Asset) -> Callable[[Request], Awaitable[Response]]:
    headers = {"etag": asset.tag, "cache-control": "no-cache"}

    async def send(request: Request) -> Response:
        if request.headers.get("if-none-match") == asset.tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.content, headers=headers, media_type=asset.media_type)

    return send


def _describe_model(recognizer: Recognizer, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": __version__,
        "classes": recognizer.classes_.tolist(),
        "threshold": recognizer.threshold,
        "outlier_threshold": recognizer.outlier_threshold,
        "card": recognizer.card,
    }
