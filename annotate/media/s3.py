"""The bytes in a bucket of any server that speaks S3; needs the extra `s3`."""

import posixpath
from collections.abc import Iterator

from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from annotate.media.storage import CHUNK


class BucketStorage(S3Storage):
    """Private objects; each request is answered through the application, which asks who reads."""

    def keep(self, key: str, file: File) -> None:
        """S3 shows an object once it is whole."""
        if self.exists(key) and self.size(key) == file.size:
            return
        self.save(key, file)

    def read(self, key: str, begin: int, end: int) -> Iterator[bytes]:
        """Asks S3 for these bytes alone: the library's own files fetch the whole object first."""
        try:
            answer = self.connection.meta.client.get_object(
                Bucket=self.bucket_name,
                Key=posixpath.join(self.location, key),
                Range=f"bytes={begin}-{end - 1}",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                raise FileNotFoundError(key) from error
            raise
        return _Chunks(answer["Body"])


class _Chunks(Iterator[bytes]):
    """A connection's bytes. Whoever answers with them closes it, read or not."""

    def __init__(self, body: StreamingBody) -> None:
        self._chunks = body.iter_chunks(CHUNK)
        self.close = body.close

    def __next__(self) -> bytes:
        return next(self._chunks)
