"""`/openapi.json`, and `/docs` which shows it: Swagger UI from an installed package, never from another host."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse, JSONResponse, Response

OURS = Path(__file__).with_name("static")
SWAGGER = Path(str(files("fastapi_swagger") / "resources"))
FILES = {
    "start.js": OURS / "docs.js",
    "swagger-ui.css": SWAGGER / "swagger-ui.css",
    "swagger-ui-bundle.js": SWAGGER / "swagger-ui-bundle.js",
    "favicon-32x32.png": SWAGGER / "favicon-32x32.png",
}
# Swagger UI writes style attributes and data: images; it needs nothing else, and nothing from elsewhere.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def routes(app: FastAPI) -> APIRouter:
    """The description of this application, the page that shows it, and that page's files."""
    router = APIRouter(include_in_schema=False)

    @router.get("/openapi.json")
    async def description() -> Response:
        return JSONResponse(app.openapi())

    @router.get("/docs")
    async def docs() -> Response:
        return FileResponse(OURS / "docs.html", headers={"Content-Security-Policy": POLICY})

    @router.get("/docs/{name}")
    async def file(name: str) -> Response:
        if name not in FILES:
            return JSONResponse({"detail": "Not Found"}, 404)
        return FileResponse(FILES[name], headers={"Cache-Control": "public, max-age=3600"})

    return router
