# frozen_string_literal: true

module Tidemill
  # Raise it where a record cannot be worked on; the message is shown as it is. What becomes of the record is said where
  # the module is attached. Any other error fails its record too, with its class before its message.
  class RecordError < StandardError; end

  # A parameter is missing or wrong, or the parameters make no sense together.
  class ParamError < ArgumentError; end

  # Bytes that are not a frame: the host's mistake, not the module's.
  class FrameError < StandardError; end

  # A module that cannot be one: the message says what to change in it.
  class DefinitionError < StandardError; end
end
