"""A media file as an HTTP answer: whole, a range, or "you have it"; never run by a browser."""

import logging

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags

from annotate.media.ranges import Unsatisfiable, read_range
from annotate.media.storage import media_storage
from annotate.models import MediaFile

# Opened as a page of its own, the file may show itself and nothing else.
POLICY = (
    "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'"
)

logger = logging.getLogger(__name__)


def answer_file(request: HttpRequest, file: MediaFile, name: str) -> HttpResponseBase:
    """The answer to a GET or HEAD of somebody who may read the file.

    Browsers keep it but ask each time whether it still is theirs to see (no-cache). Raises
    Http404 when the storage has lost the bytes.
    """
    answer = _body(request, file)
    answer["ETag"] = _etag(file)
    answer["Accept-Ranges"] = "bytes"
    answer["Cache-Control"] = "private, no-cache"
    answer["Content-Disposition"] = content_disposition_header(False, name)
    answer["Content-Security-Policy"] = POLICY
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _body(request: HttpRequest, file: MediaFile) -> HttpResponseBase:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if _etag(file) in known or f"W/{_etag(file)}" in known or known == ["*"]:
        return HttpResponse(status=304)
    try:
        wanted = _range(request, file)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}"})
    begin, end = wanted or (0, file.size)
    headers = {"Content-Length": str(end - begin)}
    if wanted:
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{file.size}"
    status = 206 if wanted else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=file.content_type, headers=headers)
    try:
        chunks = media_storage().read(file.key, begin, end)
    except FileNotFoundError:
        logger.error("The storage has no bytes for media file %d (%s)", file.pk, file.key)
        raise Http404("The bytes of this file are missing; upload it again.") from None
    return StreamingHttpResponse(
        chunks, status=status, content_type=file.content_type, headers=headers
    )


def _range(request: HttpRequest, file: MediaFile) -> tuple[int, int] | None:
    """None where the whole file is wanted, also when the client's part is of other bytes."""
    header = request.headers.get("Range", "")
    if not header or request.headers.get("If-Range", _etag(file)) != _etag(file):
        return None
    return read_range(header, file.size)


def _etag(file: MediaFile) -> str:
    return f'"{file.sha256}"'
