# frozen_string_literal: true

module Tidemill
  module SmartModule
    # What a module answers: which records to keep, or other records, and which failed.
    module Answer
      HEADER = "CCCCL<L<L<"
      private_constant :HEADER

      module_function

      # The answer that keeps some records. `marks` has a digit a record: 1 keeps it. `failed` are pairs of a number and
      # a text.
      def selection(marks, failed)
        head = [Frame::VERSION, 0, 0, 0, marks.bytesize, failed.size, 0].pack(HEADER)
        head << [marks].pack("b*")
        failures(head, failed)
      end

      # The answer that has other records: `written`, which are `count`.
      def records(written, count, failed, accumulator = nil)
        flags = accumulator ? 1 : 0
        out = [Frame::VERSION, 1, flags, 0, count, failed.size, accumulator ? accumulator.bytesize : 0].pack(HEADER)
        failures(out << written, failed)
        accumulator ? out << accumulator.b : out
      end

      # A failure of a whole frame, at the record of this number if it was at one.
      def failure(message, index = nil)
        [index || 0xFFFF_FFFF].pack("L<") << message.b
      end

      def failures(out, failed)
        failed.each { |index, why| Varint.put(out << Varint.write(index), why.scrub("?")) }
        out
      end
    end
  end
end
