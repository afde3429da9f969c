# frozen_string_literal: true

module Tidemill
  module SmartModule
    # What the host calls in the sandbox, by names of up to seven letters. Input comes through standard input, and each
    # call says how long it is.
    class Guest
      # Levels by number, as the host has them.
      LEVELS = Log::LEVELS.each_with_index.to_h.freeze
      private_constant :LEVELS

      # Of the one module that was defined; raises DefinitionError when there are several, or none.
      def self.of(name, version)
        modules = Base.modules
        return new(modules.first, name, version) if modules.size == 1

        told = modules.empty? ? "there is none" : "there are #{modules.map(&:name).join(', ')}"
        raise DefinitionError, "one class must be a SmartModule, such as `class Errors < Tidemill::Filter`; #{told}"
      end

      def initialize(definition, name, version)
        @exports = Exports.new(definition, name, version)
        @failed = false
        # A first byte that is no text tells the level.
        Log.sink = ->(level, text) { $stderr.syswrite(LEVELS[level].chr << text.b) }
        $stdout.sync = $stderr.sync = true
        # What is here now stays: the collector need not look at it again and again.
        GC.start
      end

      def about(_length) = reply { @exports.describe }

      def init(length) = reply { @exports.init(input(length)) }

      def process(length) = reply { @exports.process(input(length)) }

      def look(length) = reply { @exports.look_back(input(length)) }

      # Whether the last reply is a failure.
      def failed?(_length) = @failed

      private

      def input(length)
        length.zero? ? "".b : $stdin.sysread(length).b
      end

      def reply
        @failed = false
        yield
      rescue Failed => e
        @failed = true
        e.written
      rescue Exception => e # rubocop:disable Lint/RescueException -- it is told, and goes on.
        $stderr.syswrite(3.chr << e.full_message(highlight: false).b)
        raise
      end
    end
  end
end
