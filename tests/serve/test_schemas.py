"""Tests of jaxdigits.serve.schemas: the document says what the server answers, which is made without it."""

import io

import pytest
from PIL import Image

from jaxdigits.serve import schemas


@pytest.fixture
def blank():
    file = io.BytesIO()
    Image.new("L", (40, 40), 255).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "path", "picture"),
    [
        ("PredictAnswer", "/api/v1/predict", "seven"),
        ("PredictAnswer", "/api/v1/predict", "blank"),
        ("ReadAnswer", "/api/v1/read", "page"),
        ("ReadAnswer", "/api/v1/read", "blank"),
    ],
)
def test_answers_have_the_form_of_the_document(client, request, name, path, picture):
    told = client.post(path, request.getfixturevalue(picture)).json
    model = getattr(schemas, name)
    assert model.model_validate(told).model_dump(mode="json") == told


def test_the_other_answers_have_the_form_of_the_document(client):
    for path, model in (("/api/v1/model", schemas.ModelAnswer), ("/healthz", schemas.Health)):
        told = client.get(path).json
        assert model.model_validate(told).model_dump(mode="json") == told
    refused = client.get("/nothing").json
    assert schemas.ErrorAnswer.model_validate(refused).model_dump() == refused


def test_both_endpoints_tell_what_they_take(client):
    paths = client.get("/openapi.json").json["paths"]
    for name, body in schemas.BODIES.items():
        told = paths[f"/api/v1/{name}"]["post"]["requestBody"]
        assert told == body["requestBody"]
        assert "multipart/form-data" in told["content"]
    assert "application/json" not in schemas.BODIES["read"]["requestBody"]["content"]
