"""How every form of the site is drawn: labels, help, errors, and the list of errors above them."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class FormRenderer(TemplatesSetting):
    """Draws forms with templates/forms/. Needs "django.forms" in INSTALLED_APPS for the widgets."""

    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
