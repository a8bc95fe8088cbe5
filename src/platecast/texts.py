"""Amounts in the few characters that tables have for them."""


def memory_text(megabytes: float | None) -> str:
    """Return an amount of memory in few characters; nothing where it is not known."""
    if megabytes is None:
        return ""
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"


def duration_text(seconds: float | None) -> str:
    """Return a duration in its two largest units; nothing where it is not known."""
    if seconds is None:
        return ""
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (int(seconds), "s")]
    first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])
