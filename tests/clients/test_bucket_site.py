"""A site whose contents are in a bucket: upload, installation, and an outage."""

from __future__ import annotations

import hashlib
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.conf import settings

from projects.models import File
from tests.clients.test_tools import put, twine
from tests.support.artifacts import make_wheel
from tests.support.bucket import ACCESS_KEY, SECRET_KEY, bucket_server
from tests.support.people import make_person
from tests.support.server import StartSite
from tests.support.uploading import token_of

pytestmark = [pytest.mark.clients, pytest.mark.once, pytest.mark.long]


def test_a_site_keeps_its_files_in_a_bucket(
    start_site: StartSite, django_db_blocker: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "bucket"
    folder.mkdir()
    with bucket_server(folder) as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="files")
        environment = {
            "S3_BUCKET": "files",
            "S3_ENDPOINT_URL": server.url,
            "S3_ACCESS_KEY": ACCESS_KEY,
            "S3_SECRET_KEY": SECRET_KEY,
        }
        with (
            start_site(environment=environment) as site,
            django_db_blocker.unblock(),
            site.database.as_default(),
        ):
            token = token_of(make_person("alice"))
            name, content = make_wheel("bucket-one", "1.0")
            result = twine(site, tmp_path, token, put(tmp_path, (name, content)))
            assert result.is_well, result.text
            file = File.objects.get()
            kept = client.get_object(Bucket="files", Key=file.path)["Body"].read()
            assert kept == content
            assert not list((site.data / "files").rglob("*"))
            address = file.url.replace(settings.SITE_URL, site.url)
            with urllib.request.urlopen(address, timeout=30) as answer:
                assert hashlib.sha256(answer.read()).hexdigest() == file.sha256
            checked = site.manage("check_stored_files")
            assert "All is in order." in checked.stdout, checked.stderr
            server.process.kill()
            server.process.wait()
            result = twine(site, tmp_path, token, put(tmp_path, make_wheel("bucket-one", "1.1")))
            assert "The storage of this site does not answer at the moment" in result.line
            assert File.objects.count() == 1
