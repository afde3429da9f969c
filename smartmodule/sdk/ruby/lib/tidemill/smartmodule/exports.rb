# frozen_string_literal: true

require "json"

module Tidemill
  module SmartModule
    # A whole call failed, maybe at a record.
    class Failed < StandardError
      attr_reader :index

      def initialize(message, index = nil)
        super(message)
        @index = index
      end

      # As the contract has it.
      def written = Answer.failure(message, index)
    end

    # A module, as the host calls it. The same code runs in the sandbox and in unit tests.
    class Exports
      attr_reader :kind

      def initialize(definition, name = "", version = "")
        @definition = definition
        @kind = definition.kind
        @described = JSON.generate(definition.describe(name, version))
      end

      # What it is, as JSON.
      def describe = @described

      # Starts it; raises Failed when the parameters do not fit.
      def init(parameters)
        @module = @definition.new(JSON.parse(parameters)["params"] || {})
        "".b
      rescue ParamError, RecordError => e
        raise Failed, e.message
      rescue StandardError => e
        Log.error(e.full_message(highlight: false))
        raise Failed, told(e)
      end

      # Answers a frame; raises Failed when it is none.
      def process(frame)
        raise Failed, "the module was not started" unless @module

        @told = false
        answer(Frame.new(frame))
      rescue FrameError => e
        raise Failed, "the frame is not valid: #{e.message}"
      end

      # Shows older records; raises Failed when the module cannot rebuild its state.
      def look_back(frame)
        raise Failed, "the module was not started" unless @module

        index = nil
        Frame.new(frame).records.each_with_index do |record, at|
          index = at
          @module.look_back(record)
        end
        "".b
      rescue FrameError => e
        raise Failed, "the frame is not valid: #{e.message}"
      rescue Failed
        raise
      rescue StandardError => e
        raise Failed.new(told(e), index)
      end

      private

      def answer(frame)
        case @kind
        when "filter" then filter(frame)
        when "validate" then validate(frame)
        when "map" then each(frame) { |out, index, record| one(out, index, record, @module.map(record)) }
        when "filter_map"
          each(frame) { |out, index, record| one_or_none(out, index, record, @module.filter_map(record)) }
        when "flat_map"
          each(frame) { |out, index, record| @module.flat_map(record).sum { |made| one(out, index, record, made) } }
        when "aggregate" then aggregate(frame)
        else join(frame)
        end
      end

      def filter(frame)
        failed = []
        marks = String.new
        frame.records.each_with_index do |record, index|
          kept = begin
            @module.filter(record)
          rescue StandardError => e
            fails(failed, index, e)
            false
          end
          marks << (kept ? "1" : "0")
        end
        Answer.selection(marks, failed)
      end

      def validate(frame)
        failed = []
        marks = String.new
        frame.records.each_with_index do |record, index|
          why = begin
            @module.validate(record)
          rescue StandardError => e
            fails(failed, index, e)
            marks << "0"
            next
          end
          failed << [index, why.to_s] if why
          marks << (why ? "0" : "1")
        end
        Answer.selection(marks, failed)
      end

      def each(frame)
        failed = []
        written = String.new(encoding: Encoding::BINARY)
        count = 0
        frame.records.each_with_index do |record, index|
          before = written.bytesize
          count += yield(written, index, record)
        rescue StandardError => e
          # A record fails as a whole, also when some of it was written.
          written.slice!(before..)
          fails(failed, index, e)
        end
        Answer.records(written, count, failed)
      end

      def aggregate(frame)
        accumulator = frame.accumulator
        failed = []
        written = String.new(encoding: Encoding::BINARY)
        count = 0
        frame.records.each_with_index do |record, index|
          folded = @module.aggregate(accumulator, record)
          raise TypeError, "an aggregate gives a String, not #{folded.class}" unless folded.is_a?(String)

          count += one(written, index, record, record.with_value(folded))
          accumulator = folded
        rescue StandardError => e
          fails(failed, index, e)
        end
        Answer.records(written, count, failed, accumulator)
      end

      def join(frame)
        records = frame.records
        raise FrameError, "the number of records (a join takes pairs) is not valid (byte 4)" if records.size.odd?

        failed = []
        written = String.new(encoding: Encoding::BINARY)
        count = 0
        records.each_slice(2).with_index do |(left, right), pair|
          count += one_or_none(written, pair * 2, left, @module.join(left, right))
        rescue StandardError => e
          fails(failed, pair * 2, e)
        end
        Answer.records(written, count, failed)
      end

      def one(out, index, record, made)
        body = case made
               when Output then made.written(record)
               when Record then made.frame.equal?(record.frame) ? made.written : made.to_output.written(record)
               else
                 raise TypeError, "a module gives a Record or an Output, such as record.with_value(...), not " \
                                  "#{made.class}"
               end
        out << Varint.write(index) << Varint.write(body.bytesize) << body
        1
      end

      def one_or_none(out, index, record, made)
        made.nil? ? 0 : one(out, index, record, made)
      end

      # The first failure of a batch that was not foreseen tells the log where it happened.
      def fails(failed, index, error)
        raise error if error.is_a?(FrameError)

        unless @told || error.is_a?(RecordError)
          @told = true
          Log.warn("record #{index}: #{error.full_message(highlight: false)}")
        end
        failed << [index, told(error)]
      end

      def told(error)
        error.is_a?(RecordError) ? error.message : "#{error.class}: #{error.message}"
      end
    end
  end
end
