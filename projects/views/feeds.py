"""RSS feeds of what is new."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.cache import get_conditional_response
from django.utils.feedgenerator import Rss201rev2Feed
from django.utils.translation import gettext as _

from projects.models import Project, Release
from projects.names import is_normalized, normalize
from projects.views.readable import readable

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _SiteFeed(Feed):  # type: ignore[type-arg]
    """Addresses come from SITE_URL, never from the Host header, which Django's own would take."""

    feed_type = Rss201rev2Feed
    language = "en"

    def get_feed(self, obj: Any, request: HttpRequest) -> Any:
        """The feed, with addresses of the site."""
        feed = self.feed_type(
            title=self.title_of(obj),
            link=f"{settings.SITE_URL}{self.path_of(obj)}",
            description=self.title_of(obj),
            feed_url=f"{settings.SITE_URL}{request.path}",
            language=self.language,
        )
        for title, path, summary, moment in self.entries(obj):
            address = f"{settings.SITE_URL}{path}"
            feed.add_item(
                title=title,
                link=address,
                description=_NOT_IN_XML.sub("", summary),
                pubdate=moment,
                unique_id=address,
            )
        return feed

    def title_of(self, obj: Any) -> str:
        """What the feed is called."""
        raise NotImplementedError

    def path_of(self, obj: Any) -> str:
        """The page that it is about."""
        return "/"

    def entries(self, obj: Any) -> list[tuple[str, str, str, datetime]]:
        """Title, path, summary and time of each entry, newest first."""
        raise NotImplementedError


def _entry(release: Release) -> tuple[str, str, str, datetime]:
    name, version = release.project.normalized_name, release.version
    title = f"{release.project.name} {version}"
    return title, f"/project/{name}/{version}/", release.summary, release.created_at


class Updates(_SiteFeed):
    """The newest releases of all projects."""

    def title_of(self, obj: Any) -> str:
        """What the feed is called."""
        return _("%s: newest releases") % settings.SITE_NAME

    def entries(self, obj: Any) -> list[tuple[str, str, str, datetime]]:
        """A hundred releases."""
        releases = Release.objects.listed().newest().select_related("project")
        return [_entry(release) for release in releases[:100]]


class NewProjects(_SiteFeed):
    """The newest projects."""

    def title_of(self, obj: Any) -> str:
        """What the feed is called."""
        return _("%s: newest projects") % settings.SITE_NAME

    def entries(self, obj: Any) -> list[tuple[str, str, str, datetime]]:
        """Forty projects."""
        projects = Project.objects.listed().newest().select_related("search_entry")[:40]
        return [
            (
                _("%s was created") % one.name,
                f"/project/{one.normalized_name}/",
                one.search_entry.summary if hasattr(one, "search_entry") else "",
                one.created_at,
            )
            for one in projects
        ]


class ProjectReleases(_SiteFeed):
    """The newest releases of one project."""

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Project:
        """The project.

        Raises:
            Http404: if it is not there.
        """
        return get_object_or_404(Project.objects.listed(), normalized_name=kwargs["name"])

    def title_of(self, obj: Project) -> str:
        """What the feed is called."""
        return _("%s: newest releases") % obj.name

    def path_of(self, obj: Project) -> str:
        """The project's page."""
        return f"/project/{obj.normalized_name}/"

    def entries(self, obj: Project) -> list[tuple[str, str, str, datetime]]:
        """Forty releases."""
        releases = Release.objects.filter(project=obj).newest().select_related("project")
        return [_entry(release) for release in releases[:40]]


_updates = Updates()
_new_projects = NewProjects()
_releases = ProjectReleases()


def _send(request: HttpRequest, feed: HttpResponse) -> Any:
    """A feed, unless the reader has it already."""
    etag = f'"{hashlib.blake2b(feed.content, digest_size=16).hexdigest()}"'
    feed["ETag"] = etag
    response: Any = get_conditional_response(request, etag=etag, response=feed)
    if response.status_code == 304:  # caches would take it for the type of what they keep
        del response["Content-Type"]
    return response


@readable
def show_updates(request: HttpRequest) -> Any:
    """The newest releases of all projects."""
    return _send(request, _updates(request))


@readable
def show_new_projects(request: HttpRequest) -> Any:
    """The newest projects."""
    return _send(request, _new_projects(request))


@readable
def show_releases(request: HttpRequest, name: str) -> Any:
    """The newest releases of one project, at its one address."""
    if is_normalized(name):
        return _send(request, _releases(request, name=name))
    if not is_normalized(normalize(name)):
        raise Http404
    return redirect("projects:project-feed", normalize(name), permanent=True)
