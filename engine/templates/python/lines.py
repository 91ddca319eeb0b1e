"""What is written: the part that can be tested without a sandbox."""


def lines(records, separator):
    """A line for each VM: its id, its VO and for how long it has run, in seconds.

    What is not known stays empty: absent is not zero.
    """
    return "".join(line(record, separator) for record in records)


def line(record, separator):
    wall = "" if record.wall_seconds is None else str(record.wall_seconds)
    return separator.join(one_line(field) for field in (record.vm_uuid, record.fqan, wall)) + "\n"


def one_line(text):
    """A text may hold anything, ends of lines too."""
    return text.replace("\n", " ").replace("\r", " ")
