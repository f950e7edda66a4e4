"""What the memory holds about an account."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.gates import account_page
from audit.models import Event
from audit.rendering import history

PAGE_LENGTH = 50


@account_page
@require_http_methods(["GET", "HEAD"])
def show_history(request: HttpRequest) -> HttpResponse:
    """Everything that the memory holds about this account."""
    events = Event.objects.for_user(request.user)
    page = Paginator(events, PAGE_LENGTH).get_page(request.GET.get("page"))
    context = {
        "nav": "history",
        "page": page,
        "lines": history(page.object_list, reader_id=str(request.user.pk)),
    }
    return render(request, "accounts/history.html", context)
