"""/docs shows the API's description with a page of our own server; nothing is loaded from elsewhere."""

from flask import Blueprint, Response, make_response, render_template

from marketplace.kernel.access import public

pages = Blueprint("docs", __name__)


@pages.get("/docs")
@public
def docs() -> Response:
    """The OpenAPI description, to read and to try."""
    answer = make_response(render_template("docs.html"))
    # Swagger UI writes style attributes and draws its icons from data addresses.
    answer.headers["Content-Security-Policy"] = (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    return answer
