"""What can go wrong, cut by who is to mend it."""


class RecordError(Exception):
    """Raise it where a record cannot be worked on; the message is shown as it is.

    What becomes of the record is said where the module is attached: the stream stops, the record is left out, passes as
    it was, or is put aside. Any other exception fails the record too, with its type before its message.
    """


class ParamError(ValueError):
    """A parameter is missing or wrong, or the parameters make no sense together."""


class FrameError(ValueError):
    """Bytes that are not a frame: the host's mistake, not the module's."""


class DefinitionError(TypeError):
    """A module that cannot be one: the message says what to change in it."""
