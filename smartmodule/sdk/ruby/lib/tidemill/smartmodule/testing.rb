# frozen_string_literal: true

require "json"
require_relative "../smartmodule"

module Tidemill
  # Unit tests without a sandbox: the module runs as it is, behind the same frames.
  module Testing
    # The time of test records, in milliseconds since 1970.
    NOW = 1_764_000_000_000

    # A record to test with; text is written as UTF-8.
    def self.record(value = nil, key: nil, headers: [], timestamp: NOW, offset: 0)
      written = SmartModule::Frame.record(0, 0, key, value, headers)
      frame = SmartModule::Frame.write(:records, [written], base_offset: offset || -1, base_timestamp: timestamp)
      SmartModule::Frame.new(frame).records.first
    end

    # What came of some records: `records`, each with the number of the one it came of, and `failed`, with the reason.
    Outcome = Struct.new(:records, :failed) do
      # The values of what goes on.
      def values = records.map { |_, record| record.value }
    end

    # A module, started.
    class Runner
      # What the module logged: pairs of a level and a text.
      attr_reader :log
      # What an aggregate came to so far.
      attr_reader :accumulator

      # Starts a module with its parameters. Raises ParamError when they do not fit.
      def initialize(definition, **params)
        @log = []
        @accumulator = "".b
        @offset = 0
        @exports = SmartModule::Exports.new(definition)
        logged { @exports.init(JSON.generate("params" => params, "place" => "a test")) }
      rescue SmartModule::Failed => e
        raise ParamError, e.message
      end

      # Runs one batch. A join takes pairs: a left record, then its right one.
      def run(records)
        kind = { "aggregate" => :aggregate, "join" => :join }.fetch(@exports.kind, :records)
        frame = frame(kind, records)
        answer = ReadAnswer.new(logged { @exports.process(frame) }, records.size, NOW)
        @accumulator = answer.accumulator if answer.accumulator
        kept = SmartModule::Frame.new(frame).records
        Outcome.new(answer.selection ? answer.selection.map { |at| [at, kept[at]] } : answer.records, answer.failed)
      end

      # Runs one batch, and gives the values that come out, as text. Raises when a record failed.
      def values(records)
        outcome = run(records)
        raise "records failed: #{outcome.failed}" unless outcome.failed.empty?

        outcome.records.map { |_, record| record.text }
      end

      # Shows older records. Raises RecordError when the module cannot rebuild its state from them.
      def look_back(records)
        logged { @exports.look_back(frame(:look_back, records)) }
      rescue SmartModule::Failed => e
        raise RecordError, e.message
      end

      private

      def frame(kind, records)
        written = records.each_with_index.map do |record, at|
          SmartModule::Frame.record(record.timestamp - NOW, at, record.key, record.value, record.headers)
        end
        base = @offset
        @offset += records.size
        SmartModule::Frame.write(kind, written, base_offset: base, base_timestamp: NOW,
                                                accumulator: kind == :aggregate ? @accumulator : "".b)
      end

      def logged
        before = Log.sink
        Log.sink = ->(level, text) { @log << [level, text] }
        yield
      ensure
        Log.sink = before
      end
    end

    # An answer, read and checked as the server does it. Raises ArgumentError when it is none.
    class ReadAnswer
      attr_reader :selection, :records, :failed, :accumulator

      def initialize(data, count, base_timestamp)
        raise ArgumentError, "the bytes end within the header" if data.bytesize < 16

        version, kind, flags, zero, number, failed, accumulator = data.unpack("CCCCL<L<L<")
        raise ArgumentError, "the header is not valid" if version != 1 || kind > 1 || flags > 1 || zero != 0

        @count = count
        @records = []
        @failed = []
        at = kind.zero? ? read_selection(data, number) : read_records(data, number, base_timestamp)
        at = read_failed(data, at, failed)
        @accumulator = data.byteslice(at, accumulator) if flags == 1
        raise ArgumentError, "there is no accumulator, and yet its length" if flags.zero? && accumulator != 0
        raise ArgumentError, "it does not end where it should" if at + accumulator != data.bytesize
      rescue FrameError => e
        raise ArgumentError, e.message
      end

      private

      def read_selection(data, number)
        size = (@count + 7) / 8
        bits = data.byteslice(16, size).unpack1("b*")
        raise ArgumentError, "it is a selection of another number" if number != @count || bits.size != size * 8
        raise ArgumentError, "a bit stands for no record" if bits[@count..].include?("1")

        @selection = (0...@count).select { |at| bits[at] == "1" }
        16 + size
      end

      def read_records(data, number, base_timestamp)
        at = 16
        least = 0
        number.times do
          source, at = SmartModule::Varint.read(data, at, data.bytesize, "the source of a record")
          raise ArgumentError, "#{source} is no source, or goes back" unless source.between?(least, @count - 1)

          least = source
          length, body = SmartModule::Varint.length(data, at, data.bytesize, "the length of a record")
          frame = SmartModule::Frame.write(:records, [data.byteslice(at, body - at + length)],
                                           base_timestamp: base_timestamp)
          record = SmartModule::Frame.new(frame).records.first
          # Read to its end, so that what is wrong with it shows here.
          record.headers
          @records << [source, record]
          at = body + length
        end
        at
      end

      def read_failed(data, at, failed)
        least = 0
        failed.times do
          index, at = SmartModule::Varint.read(data, at, data.bytesize, "the number of a failed record")
          raise ArgumentError, "#{index} fails twice, or is none" unless index.between?(least, @count - 1)

          least = index + 1
          length, at = SmartModule::Varint.length(data, at, data.bytesize, "the message of a failed record")
          @failed << [index, data.byteslice(at, length).force_encoding(Encoding::UTF_8)]
          at += length
        end
        at
      end
    end
  end
end
