# frozen_string_literal: true

module Tidemill
  module SmartModule
    # What the host hands to a module: a header, an accumulator, and records as they lie in a stored batch.
    class Frame
      # The version of the contract that this SDK speaks.
      VERSION = 1
      # What a frame's records are for, by number.
      KINDS = %i[records look_back aggregate join].freeze
      # Bytes of its header.
      HEADER = 32
      STAMPED = 1
      private_constant :STAMPED

      attr_reader :kind, :count, :base_offset, :base_timestamp, :stamped, :accumulator

      # Reads the header; raises FrameError when it is none.
      def initialize(data)
        version = data.getbyte(0)
        if version && version != VERSION
          raise FrameError, "version #{version} of the frame is not spoken here; version #{VERSION} is"
        end
        raise FrameError, "the bytes end within the header of a frame (byte 0)" if data.bytesize < HEADER

        _, kind, flags, zero, @count, @base_offset, @base_timestamp, accumulator, zeros = data.unpack("CCCCL<q<q<L<L<")
        raise FrameError, "the kind of a frame is not valid (byte 1)" unless KINDS[kind]
        raise FrameError, "a flag of a frame is not valid (byte 2)" if flags > STAMPED || zero != 0 || zeros != 0

        @data = data
        @at = HEADER + accumulator
        raise FrameError, "the bytes end within the accumulator (byte #{HEADER})" if @at > data.bytesize

        @kind = KINDS[kind]
        @stamped = flags == STAMPED
        @accumulator = data.byteslice(HEADER, accumulator)
      end

      # All of its records. What is wrong within one shows when it is read.
      def records
        data = @data
        at = @at
        limit = data.bytesize
        records = []
        @count.times do
          byte = data.getbyte(at)
          if byte && byte.even? && byte < 0x80
            first = at + 1
            at = first + (byte >> 1)
          else
            length, first = Varint.length(data, at, limit, "the length of a record")
            at = first + length
          end
          raise FrameError, "the bytes end within a record (byte #{first})" if at > limit

          records << Record.new(self, data, first, at)
        end
        raise FrameError, "there are bytes after the end (byte #{at})" if at < limit

        records
      end

      # The bytes of a frame; `records` are as Frame.record writes them.
      def self.write(kind, records, base_offset: 0, base_timestamp: 0, stamped: false, accumulator: "".b)
        head = [VERSION, KINDS.index(kind), stamped ? STAMPED : 0, 0, records.size, base_offset, base_timestamp,
                accumulator.bytesize, 0].pack("CCCCL<q<q<L<L<")
        records.reduce(head << accumulator, :<<)
      end

      # The bytes of a record; timestamp and offset count from those of the frame.
      def self.record(timestamp, offset, key, value, headers = [])
        body = "\0".b << Varint.write(timestamp) << Varint.write(offset)
        Varint.put(body, key)
        Varint.put(body, value)
        body << Varint.write(headers.size)
        headers.each { |name, content| Varint.put(Varint.put(body, name), content) }
        Varint.write(body.bytesize).b << body
      end
    end
  end
end
