"""The one signal: an event was recorded and its transaction has committed. For metrics only."""

from django.dispatch import Signal

event_recorded = Signal()
