# frozen_string_literal: true

module Tidemill
  # Lines for the module's log. What is printed goes there too. In the sandbox they go to the server; in a unit test the
  # Runner keeps them, and without one they go to standard error.
  module Log
    # Levels, by rising gravity.
    LEVELS = %i[debug info warn error].freeze

    class << self
      # What takes a level and a text.
      attr_accessor :sink

      LEVELS.each do |level|
        define_method(level) { |text| sink.call(level, text) }
      end
    end

    self.sink = ->(level, text) { warn("#{level}: #{text}") }
  end
end
