"""Which mails somebody wants."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts import topics
from accounts.models import User


class MailChoicesForm(forms.Form):
    """A choice for each topic."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for topic in topics.all_topics():
            self.fields[topic.name] = forms.ChoiceField(
                label=topic.title,
                choices=list(topic.choices.items()),
                initial=topic.choice_of(user),
                widget=forms.RadioSelect,
            )
