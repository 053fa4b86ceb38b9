"""The page at /docs: every request with an example, from the server's own OpenAPI description; it loads nothing."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from fittingroom.words import counted

if TYPE_CHECKING:
    from fittingroom.serving.served_models import ModelTable

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 0 auto; padding: 1rem; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid #8888; border-radius: .5rem; }
code { font-size: .9em; overflow-wrap: anywhere; }
h3 { margin: 1.5rem 0 .25rem; }
h3 b { display: inline-block; min-width: 3.2rem; }
p { margin: .25rem 0; }
"""
EXAMPLES = {
    "/v1/predict": "curl --data-binary @shirt.jpg {place}/v1/predict",
    "/v2/models/{name}/infer": (
        "import numpy as np, tritonclient.http as http\n"
        "client = http.InferenceServerClient('{host}')\n"
        "pixels = http.InferInput('{input}', [1, {shape}], 'UINT8')\n"
        "pixels.set_data_from_numpy(np.zeros((1, {shape}), np.uint8))\n"
        "client.infer('{model}', [pixels]).as_numpy('probabilities')"
    ),
    "/v1/models/{name}:predict": "curl -d '{{\"instances\": [...]}}' {place}/v1/models/{model}:predict",
}


def docs_page(openapi: dict[str, Any], table: ModelTable, place: str) -> str:
    """Return the page.

    Args:
        openapi: the description.
        table: the models, for the examples.
        place: the server's address, without a slash at its end.
    """
    parts = [f"<h1>{escape(openapi['info']['title'])}</h1><p>{escape(openapi['info']['description'])} "]
    parts.append('For programs: <a href="openapi.json">openapi.json</a>; figures: <a href="metrics">metrics</a>.</p>')
    parts.append("<h2>Models</h2><ul>")
    for (name, version), model in table.models.items():
        shape = ", ".join(map(str, model.image_shape))
        parts.append(
            f"<li><code>{escape(name)}</code>, version {version}: {escape(model.input_name)}, uint8 (n, {shape}), 0 to "
            f"255; {counted(model.classes, 'class', 'classes')}: {escape(', '.join(model.class_names))}.</li>"
        )
    parts.append("</ul>")
    title = ""
    for path, methods in openapi["paths"].items():
        for method, told in methods.items():
            tag = (told.get("tags") or [""])[0]
            if tag != title:
                title = tag
                parts.append(f"<h2>{escape(tag)}</h2>")
            parts.append(_request(path, method, told, table, place))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, '
        f'initial-scale=1"><title>{escape(openapi["info"]["title"])}</title><link rel="stylesheet" href="docs.css">'
        f"</head><body>{''.join(parts)}</body></html>"
    )


def _request(path: str, method: str, told: dict[str, Any], table: ModelTable, place: str) -> str:
    words = escape(told.get("description", "")).replace("`", "")
    parts = [f"<h3><b>{method.upper()}</b> <code>{escape(path)}</code></h3><p>{words}</p>"]
    example = EXAMPLES.get(path)
    if example is not None:
        model = next(iter(table.models.values()))
        shape = ", ".join(map(str, model.image_shape))
        host = place.partition("://")[2]
        text = example.format(place=place, host=host, model=model.source.name, input=model.input_name, shape=shape)
        parts.append(f"<pre><code>{escape(text)}</code></pre>")
    for kind, content in told.get("requestBody", {}).get("content", {}).items():
        if "example" in content:
            parts.append(f"<pre><code>{escape(kind)}: {escape(json.dumps(content['example']))}</code></pre>")
    return "".join(parts)
