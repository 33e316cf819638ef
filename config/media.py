"""Where media files are kept: a folder, or a bucket of a server that speaks S3."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def media_storage(folder: Path) -> dict[str, Any]:
    """The entry of STORAGES. A bucket is named by TANDEM_S3_BUCKET; keys by AWS's own variables."""
    bucket = os.environ.get("TANDEM_S3_BUCKET")
    if not bucket:
        return {
            "BACKEND": "annotate.media.storage.DiskStorage",
            "OPTIONS": {"location": folder},
        }
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(
            "TANDEM_S3_BUCKET is set, but the extra s3 is not installed. "
            'Install it: TANDEM_EXTRAS="training s3" bin/serve.'
        )
    return {
        "BACKEND": "annotate.media.s3.BucketStorage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": os.environ.get("TANDEM_S3_ENDPOINT") or None,
            "region_name": os.environ.get("AWS_DEFAULT_REGION") or None,
            "location": os.environ.get("TANDEM_S3_PREFIX", ""),
            "default_acl": None,
        },
    }
