"""Tables of numbers by month and day, each with its chart, made of what was rolled up.

Nothing here reads an event, an account or a file: all pages together take one query.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, timedelta
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.staff import Cell
from indexsite import series
from indexsite.charts import Chart, Column, draw
from indexsite.counting import Numbers, months_back, read_numbers
from indexsite.models import DAY, MONTH

MONTHS_SHOWN = 12
DAYS_SHOWN = 30
NOTHING = "-"  # where there is no number
TIE = "\u00a0"  # between a number and its unit: no line may end there


@dataclass(frozen=True)
class Sheet:
    """A table, and the chart that shows the same.

    Attributes:
        columns: their headings; the first column names the rows.
        rows: newest first, where rows are periods.
        note: what must be known to read it.
    """

    key: str
    title: str
    columns: list[str]
    rows: list[list[Cell]]
    chart: Chart | None = None
    note: str = ""

    @property
    def labelled_rows(self) -> list[list[tuple[str, Cell]]]:
        """The rows, each cell with the heading of its column, as narrow pages show them."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]

    @property
    def body(self) -> SafeString:
        """The rows as HTML: a template takes longer for a thousand cells than all else does."""
        lines = []
        for first, *others in self.rows:
            name = _shown(first)
            head = f'<a href="{escape(first.url)}">{name}</a>' if first.url else name
            cells = "".join([f"<td>{_shown(cell)}</td>" for cell in others])
            lines.append(f'<tr><th scope="row">{head}</th>{cells}</tr>\n')
        return mark_safe("".join(lines))  # noqa: S308  (every text and address is escaped)


def _shown(cell: Cell) -> str:
    return conditional_escape(localize(cell.text))


@dataclass(frozen=True)
class Rolled:
    """What was rolled up, as sheets read it.

    Attributes:
        months: the first days of the months to show, oldest first.
        days: the days to show, oldest first.
    """

    today: date
    by_month: dict[str, Numbers]
    by_day: dict[str, Numbers]
    months: list[date] = field(init=False)
    days: list[date] = field(init=False)

    def __post_init__(self) -> None:
        months = months_back(MONTHS_SHOWN, self.today)
        first = min(
            (start for rows in self.by_month.values() for start in rows), default=months[-1]
        )
        shown = [month for month in months if month >= first] or months[-1:]
        object.__setattr__(self, "months", shown)
        days = [self.today - timedelta(days=back) for back in range(DAYS_SHOWN)]
        object.__setattr__(self, "days", days[::-1])

    @classmethod
    def read(cls) -> Rolled:
        """Everything that sheets show, in one query."""
        today = timezone.now().astimezone(UTC).date()
        found = read_numbers(
            month=months_back(MONTHS_SHOWN, today)[0],
            day=today - timedelta(days=DAYS_SHOWN - 1),
        )
        return cls(today, found[MONTH], found[DAY])

    def of(self, name: str, month: date) -> dict[str, int]:
        """The numbers of a series in a month, by label."""
        return self.by_month.get(name, {}).get(month, {})

    def latest(self, name: str) -> dict[str, int]:
        """How something that is measured stood last."""
        rows = self.by_month.get(name, {})
        return rows[max(rows)] if rows else {}

    def is_running(self, month: date) -> bool:
        """Whether a month is not over."""
        return month == self.today.replace(day=1)

    def month_name(self, month: date) -> str:
        """What the first cell of its row says."""
        name = date_format(month, "F Y")
        return _("%s, so far") % name if self.is_running(month) else name


def percent(part: int, whole: int) -> str:
    """A share with two digits, a dash of nothing."""
    return f"{100 * part / whole:.2f}{TIE}%" if whole else NOTHING


def with_factor(month: dict[str, int]) -> int:
    """How many sign-ins of a month verified a second factor or a passkey."""
    return month.get(series.FACTOR, 0) + month.get(series.PASSKEY, 0)


def factor_share(rolled: Rolled) -> Sheet:
    """The share of sign-ins with a second factor, and nothing else: harmless to publish."""
    rows = []
    for month in reversed(rolled.months):
        counts = rolled.of("sign-ins", month)
        share = percent(with_factor(counts), sum(counts.values()))
        rows.append([Cell(rolled.month_name(month)), Cell(share)])
    return Sheet(
        "sign-ins",
        _("Sign-ins with a second factor"),
        [_("Month (UTC)"), _("share")],
        rows,
        _share_chart(rolled),
        _(
            "Of all successful sign-ins in a browser, those in which a second factor or a passkey "
            "was verified."
        ),
    )


def sign_ins(rolled: Rolled) -> Sheet:
    """Successful sign-ins in a browser, by what was verified."""
    labels = [series.FACTOR, series.PASSKEY, series.REMEMBERED, series.PASSWORD]
    rows = []
    for month in reversed(rolled.months):
        counts = rolled.of("sign-ins", month)
        share = percent(with_factor(counts), sum(counts.values()))
        numbers = [counts.get(label, 0) for label in labels]
        rows.append([Cell(text) for text in (rolled.month_name(month), share, *numbers)])
    names = [_("second factor"), _("passkey"), _("remembered device"), _("password only")]
    return Sheet(
        "sign-ins",
        _("Sign-ins with a second factor"),
        [_("Month (UTC)"), _("share"), *names],
        rows,
        _share_chart(rolled),
        _(
            "Successful sign-ins in a browser. The share is that of sign-ins in which a second "
            "factor or a passkey was verified; on a remembered device none was asked for."
        ),
    )


def _share_chart(rolled: Rolled) -> Chart:
    columns = []
    for month in rolled.months:
        counts = rolled.of("sign-ins", month)
        total = sum(counts.values())
        share = 100 * with_factor(counts) / total if total else 0
        caption = f"{share:.1f}{TIE}%" if total else NOTHING
        columns.append(_column(rolled, month, [share], caption))
    title = _("Share of sign-ins with a second factor")
    return draw("sign-ins", title, [title], columns, unit=f"{TIE}%", highest=100)


def _column(rolled: Rolled, month: date, parts: Sequence[float], caption: str) -> Column:
    is_running = rolled.is_running(month)
    label = date_format(month, "M")
    return Column(f"{label}…" if is_running else label, parts, caption, is_running)


def coverage(rolled: Rolled) -> Sheet:
    """Accounts and owners with a second factor, as each month ended."""
    names = [
        ("accounts with a factor", "accounts"),
        ("owners with a factor", "owners"),
    ]
    rows, columns = [], []
    for month in reversed(rolled.months):
        counts = rolled.of("coverage", month)
        cells: list[Any] = [rolled.month_name(month)]
        for part, whole in names:
            have, of = counts.get(part, 0), counts.get(whole, 0)
            cells += [percent(have, of), have, of] if counts else [NOTHING, NOTHING, NOTHING]
        rows.append([Cell(text) for text in cells])
        have, of = counts.get("accounts with a factor", 0), counts.get("accounts", 0)
        caption = f"{100 * have / of:.0f}{TIE}%" if of else NOTHING
        columns.append(_column(rolled, month, [100 * have / of if of else 0], caption))
    title = _("Share of accounts with a second factor")
    return Sheet(
        "coverage",
        _("Who has a second factor"),
        [
            _("End of the month"),
            _("of accounts"),
            _("accounts with one"),
            _("accounts"),
            _("of owners"),
            _("owners with one"),
            _("owners"),
        ],
        rows,
        draw("coverage", title, [title], columns[::-1], unit=f"{TIE}%", highest=100),
        _("Open accounts, and those of them that own a project."),
    )


def coverage_share(rolled: Rolled) -> Sheet:
    """The shares of coverage without the numbers of people: harmless to publish."""
    whole = coverage(rolled)
    kept = (0, 1, 4)
    return Sheet(
        whole.key,
        whole.title,
        [whole.columns[place] for place in kept],
        [[row[place] for place in kept] for row in whole.rows],
        whole.chart,
        whole.note,
    )


def stacked(
    key: str, title: str, name: str, labels: dict[str, Any], note: str = ""
) -> Callable[[Rolled], Sheet]:
    """A sheet of a series by month, one part of each column for each label."""

    def make(rolled: Rolled) -> Sheet:
        rows, columns = [], []
        for month in rolled.months:
            counts = rolled.of(name, month)
            parts = [counts.get(label, 0) for label in labels]
            total = sum(parts)
            rows.append([Cell(text) for text in (rolled.month_name(month), total, *parts)])
            columns.append(_column(rolled, month, parts, str(total)))
        names = [_(text) for text in labels.values()]
        chart = draw(key, _(title), names, columns)
        headings = [_("Month (UTC)"), _("together"), *names]
        return Sheet(key, _(title), headings, rows[::-1], chart, _(note) if note else "")

    return make


uploads = stacked(
    "uploads",
    gettext_noop("Uploads by credential"),
    "uploads",
    {
        "token": gettext_noop("API token"),
        "password": gettext_noop("password"),
        "other": gettext_noop("another one"),
    },
    gettext_noop("Files that were uploaded, by what the client proved itself with."),
)


def tokens_now(rolled: Rolled) -> Sheet:
    """The API tokens that can be used, and those that were, as they were measured last."""
    now, used = rolled.latest("tokens"), rolled.latest("tokens in use")
    people = {"active": now.get("people", NOTHING), "used": now.get("people who use one", NOTHING)}
    names = [
        (_("together"), "active"),
        (_("for one project"), series.ONE),
        (_("for several projects"), series.SEVERAL),
        (_("for all projects"), series.ALL),
        (_("without an end"), "without an end"),
        (_("end within 14 days"), "ends within 14 days"),
        (_("end later"), "ends later"),
    ]
    rows: list[list[Any]] = [
        [text, now.get(label, NOTHING), used.get(label, NOTHING)] for text, label in names
    ]
    rows.insert(1, [_("people who have them"), people["active"], people["used"]])
    rows.append([_("never used"), now.get("never used", NOTHING), NOTHING])
    rows.append([_("not used for 90 days"), now.get("not used for 90 days", NOTHING), NOTHING])
    return Sheet(
        "tokens",
        _("API tokens"),
        [_("Tokens"), _("active"), _("used in the last 90 days")],
        [[Cell(text) for text in row] for row in rows],
        None,
        _("API tokens that were not revoked and have not expired."),
    )


_SCOPES = {
    series.ONE: gettext_noop("one project"),
    series.SEVERAL: gettext_noop("several projects"),
    series.ALL: gettext_noop("all projects"),
}
tokens_used = stacked(
    "tokens-used",
    gettext_noop("API tokens in use"),
    "tokens in use",
    _SCOPES,
    gettext_noop("As each month ended: tokens that were used in the 90 days before."),
)
ends_of_tokens_used = stacked(
    "ends-of-tokens-used",
    gettext_noop("API tokens in use, by their end"),
    "tokens in use",
    {
        "ends within 14 days": gettext_noop("within 14 days"),
        "ends later": gettext_noop("later"),
        "without an end": gettext_noop("without an end"),
    },
    gettext_noop("As each month ended: tokens that were used in the 90 days before."),
)
_tokens_made = stacked("tokens-made", gettext_noop("API tokens made"), "tokens made", _SCOPES)
ends_of_tokens_made = stacked(
    "ends-of-tokens-made",
    gettext_noop("API tokens made, by their end"),
    "ends of tokens made",
    {
        series.MONTH: gettext_noop("within a month"),
        series.YEAR: gettext_noop("within a year"),
        series.LATER: gettext_noop("later"),
        series.ENDLESS: gettext_noop("without an end"),
    },
    gettext_noop("How long they could be used when they were made."),
)


def tokens_made(rolled: Rolled) -> Sheet:
    """New API tokens by scope, and how many people made them."""
    sheet = _tokens_made(rolled)
    makers = [
        rolled.of("makers of tokens", month).get("people", NOTHING)
        for month in reversed(rolled.months)
    ]
    rows = [[*row, Cell(count)] for row, count in zip(sheet.rows, makers, strict=True)]
    return replace(sheet, columns=[*sheet.columns, _("people who made them")], rows=rows)


def contents(rolled: Rolled) -> Sheet:
    """What the index holds, as each month ended."""
    rows, columns = [], []
    for month in rolled.months:
        now = rolled.of("index", month)
        cells: list[Any] = [now.get(label, NOTHING) for label in ("projects", "releases", "files")]
        cells.append(filesizeformat(now["bytes"]) if now else NOTHING)
        rows.append([Cell(text) for text in (rolled.month_name(month), *cells)])
        projects = now.get("projects", 0)
        columns.append(_column(rolled, month, [projects], str(projects) if now else NOTHING))
    title = _("Projects")
    return Sheet(
        "contents",
        _("What the index holds"),
        [_("End of the month"), title, _("releases"), _("files"), _("stored")],
        rows[::-1],
        draw("contents", title, [title], columns),
    )


def refusals(rolled: Rolled) -> Sheet:
    """Failed sign-ins, refused uploads and refused API tokens of each day."""
    labels = (series.SIGN_INS, series.UPLOADS, series.TOKENS)
    rows, columns = [], []
    for day in rolled.days:
        counts = rolled.by_day.get("refusals by cause", {}).get(day, {})
        parts = [counts.get(label, 0) for label in labels]
        is_running = day == rolled.today
        name = _("%s, so far") % day.isoformat() if is_running else day.isoformat()
        rows.append([Cell(text) for text in (name, *parts)])
        columns.append(Column(date_format(day, "j M"), parts, "", is_running))
    names = [_("failed sign-ins"), _("refused uploads"), _("refused API tokens")]
    title = _("Refused in the last 30 days")
    return Sheet(
        "refusals",
        title,
        [_("Day (UTC)"), *names],
        rows[::-1],
        draw("refusals", title, names, columns),
        _("Repeats count as often as they happened, once their 15 minutes are over."),
    )
