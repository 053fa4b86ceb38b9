"""The routes of the Open Inference Protocol, and those of TensorFlow Serving's REST API, for the same models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from fittingroom._version import __version__
from fittingroom.arrays import Array
from fittingroom.errors import DataError, UsageError
from fittingroom.serving.inference_protocol import (
    LENGTH_HEADER,
    InferenceRequest,
    numbers,
    read_json_object,
    read_request,
    write_answer,
)
from fittingroom.serving.served_models import NONE_OF_THESE, PROBABILITIES, ModelTable, ServedModel
from fittingroom.web.problems import AsciiJSON, Problem
from fittingroom.words import counted, listed

if TYPE_CHECKING:
    from fittingroom.serving.request_batches import Outputs

LIVE, READY = "/v2/health/live", "/v2/health/ready"
TENSORS = {
    "required": True,
    "content": {
        "application/json": {
            "example": {
                "inputs": [
                    {"name": "pixels", "shape": [1, 28, 28], "datatype": "UINT8", "data": ["784 numbers, 0 to 255"]}
                ]
            }
        },
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}
INSTANCES = {
    "required": True,
    "content": {"application/json": {"example": {"instances": ["a picture each: 28 lists of 28 numbers, 0 to 255"]}}},
}
NO_VERSION = None


def inference_routes(table: ModelTable, most_images: int) -> APIRouter:
    """Return the routes of the Open Inference Protocol, version 2.

    Args:
        table: the models.
        most_images: in one request.
    """
    routes = APIRouter(tags=["Open Inference Protocol"])

    @routes.get(LIVE)
    async def live() -> dict[str, bool]:
        """Say whether the server lives."""
        return {"live": True}

    @routes.get(READY)
    async def ready() -> dict[str, bool]:
        """Say whether the server, and every model in it, can be asked."""
        return {"ready": True}

    @routes.get("/v2")
    async def server() -> dict[str, Any]:
        """Tell what this server is."""
        return {"name": "fittingroom", "version": __version__, "extensions": ["binary_tensor_data"]}

    @routes.get("/v2/models/{name}/versions/{version}/ready")
    @routes.get("/v2/models/{name}/ready")
    async def model_ready(name: str, version: str | None = NO_VERSION) -> dict[str, Any]:
        """Say whether a model can be asked."""
        return {"name": found(table, name, version).source.name, "ready": True}

    @routes.get("/v2/models/{name}/versions/{version}")
    @routes.get("/v2/models/{name}")
    async def model(name: str, version: str | None = NO_VERSION) -> dict[str, Any]:
        """Tell what a model takes and gives."""
        return model_metadata(found(table, name, version), table)

    @routes.post("/v2/models/{name}/versions/{version}/infer", openapi_extra={"requestBody": TENSORS})
    @routes.post("/v2/models/{name}/infer", openapi_extra={"requestBody": TENSORS})
    async def infer(request: Request, name: str, version: str | None = NO_VERSION) -> Response:
        """Ask a model: one tensor of images in, their probabilities out; JSON, or binary tensors behind JSON."""
        asked = found(table, name, version)
        read = read_request(await _body(request), request.headers.get(LENGTH_HEADER))
        notes: list[str] = []
        images = _images(asked, read.input_name, read.values, most_images, notes)
        wanted = _wanted(asked, read)
        outputs = await asked.answer(images)
        body, length = write_answer(read, name, asked.source.version, {one: outputs[one] for one in wanted}, notes)
        if length is None:
            return Response(body, media_type="application/json")
        return Response(body, media_type="application/octet-stream", headers={LENGTH_HEADER: str(length)})

    return routes


async def _body(request: Request) -> bytes:
    """Return a request's body; one that was packed on the way is refused."""
    packed = request.headers.get("content-encoding", "identity")
    if packed.casefold() != "identity":
        raise Problem(415, f"Expected the body as it is, received it packed ({packed[:20]}). Send it without.")
    return await request.body()


def found(table: ModelTable, name: str, version: str | None) -> ServedModel:
    """Return a model of the table.

    Raises:
        Problem: 404, there is none.
    """
    try:
        return table.find(name, version)
    except UsageError as error:
        raise Problem(404, str(error)) from None


def model_metadata(model: ServedModel, table: ModelTable) -> dict[str, Any]:
    """Return what the protocol tells of a model; in ``parameters``: what pixels mean, and the class names."""
    outputs = {PROBABILITIES: [-1, model.classes], NONE_OF_THESE: [-1]}
    return {
        "name": model.source.name,
        "versions": [str(version) for version in table.versions(model.source.name)],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": model.input_name, "datatype": "UINT8", "shape": [-1, *model.image_shape]}],
        "outputs": [{"name": name, "datatype": "FP32", "shape": outputs[name]} for name in model.output_names],
        "parameters": {
            "pixels": "uint8, 0 to 255; floats in 0..1 are refused unless each is exactly k/255",
            "class_names": list(model.class_names),
            "sha256": model.sha256,
        },
    }


def _images(model: ServedModel, name: str, values: Array, most: int, notes: list[str]) -> Array:
    if name != model.input_name:
        raise DataError(f"input '{name}': expected the one input of this model, '{model.input_name}'.")
    if values.ndim and len(values) > most:
        raise DataError(
            f"input '{name}': expected at most {counted(most, 'image')}, received {len(values):,}. Send them in parts."
        )
    return model.taken(values, notes.append)


def _wanted(model: ServedModel, read: InferenceRequest) -> tuple[str, ...]:
    for name in read.outputs or ():
        if name not in model.output_names:
            raise DataError(f"output '{name[:100]}': expected one of {listed(list(model.output_names))}.")
    return model.output_names if read.outputs is None else tuple(read.outputs)


def tensorflow_routes(table: ModelTable, most_images: int) -> APIRouter:
    """Return the routes of TensorFlow Serving's REST API.

    Args:
        table: the models.
        most_images: in one request.

    Source: https://www.tensorflow.org/tfx/serving/api_rest
    """
    routes = APIRouter(tags=["TensorFlow Serving"])

    @routes.get("/v1/models/{name}/versions/{version}")
    @routes.get("/v1/models/{name}")
    async def status(name: str, version: str | None = NO_VERSION) -> dict[str, Any]:
        """Tell which versions of a model are there."""
        found(table, name, version)
        versions = [version] if version is not None else [str(one) for one in reversed(table.versions(name))]
        state = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return {"model_version_status": [{"version": one, **state} for one in versions]}

    @routes.get("/v1/models/{name}/versions/{version}/metadata")
    @routes.get("/v1/models/{name}/metadata")
    async def metadata(name: str, version: str | None = NO_VERSION) -> dict[str, Any]:
        """Tell what a model takes and gives."""
        model = found(table, name, version)
        spec = {"name": name, "signature_name": "", "version": str(model.source.version)}
        return {
            "model_spec": spec,
            "metadata": {"signature_def": {"signature_def": {"serving_default": signature(model)}}},
        }

    @routes.post("/v1/models/{name}/versions/{version}:predict", openapi_extra={"requestBody": INSTANCES})
    @routes.post("/v1/models/{name}:predict", openapi_extra={"requestBody": INSTANCES})
    async def predict(request: Request, name: str, version: str | None = NO_VERSION) -> Response:
        """Ask a model: pictures in as "instances" or "inputs", their probabilities out."""
        model = found(table, name, version)
        told = read_json_object(await _body(request))
        by_row, values = instances(told, model)
        images = _images(model, model.input_name, values, most_images, [])
        return AsciiJSON(predictions(await model.answer(images), by_row=by_row))

    return routes


def instances(told: dict[str, Any], model: ServedModel) -> tuple[bool, Array]:
    """Return whether a request is in rows, and its pictures as one array.

    Raises:
        DataError: neither "instances" nor "inputs", or something else than pictures in them.
    """
    signature_name = told.get("signature_name", "serving_default")
    if signature_name != "serving_default":
        raise DataError(f"signature_name: expected serving_default, received {str(signature_name)[:60]}.")
    if ("instances" in told) == ("inputs" in told):
        raise DataError('Expected either "instances", a list of pictures, or "inputs".')
    by_row = "instances" in told
    data = told["instances" if by_row else "inputs"]
    if by_row and isinstance(data, list) and data and all(isinstance(one, dict) for one in data):
        if any(set(one) != {model.input_name} for one in data):
            raise DataError(f'instances: expected each as {{"{model.input_name}": picture}}.')
        data = [one[model.input_name] for one in data]
    if not by_row and isinstance(data, dict):
        data = data.get(model.input_name)
    if not isinstance(data, list):
        raise DataError(f"{'instances' if by_row else 'inputs'}: expected a list of pictures.")
    values = numbers(data, "instances" if by_row else "inputs")
    if model.is_of_photos and values.dtype.kind in "iu" and values.size and values.min() >= 0 and values.max() <= 255:
        return by_row, values.astype("u1")
    return by_row, values


def predictions(outputs: Outputs, *, by_row: bool) -> dict[str, Any]:
    """Return outputs as TensorFlow Serving gives them: a list of rows, or of columns; named where there are several."""
    if not by_row:
        columns = {name: rows.tolist() for name, rows in outputs.items()}
        return {"outputs": columns if len(columns) > 1 else columns[PROBABILITIES]}
    if len(outputs) == 1:
        return {"predictions": outputs[PROBABILITIES].tolist()}
    names = list(outputs)
    rows = zip(*(outputs[name].tolist() for name in names), strict=True)
    return {"predictions": [dict(zip(names, row, strict=True)) for row in rows]}


def signature(model: ServedModel) -> dict[str, Any]:
    """Return what TensorFlow Serving's metadata tells of a model's input and outputs."""

    def tensor(dtype: str, shape: list[int], name: str) -> dict[str, Any]:
        sides = [{"size": str(side), "name": ""} for side in shape]
        return {"dtype": dtype, "tensor_shape": {"dim": sides, "unknown_rank": False}, "name": name}

    shapes = {PROBABILITIES: [-1, model.classes], NONE_OF_THESE: [-1]}
    return {
        "inputs": {model.input_name: tensor("DT_UINT8", [-1, *model.image_shape], model.input_name)},
        "outputs": {name: tensor("DT_FLOAT", shapes[name], name) for name in model.output_names},
        "method_name": "tensorflow/serving/predict",
    }
