# frozen_string_literal: true

module Tidemill
  module SmartModule
    # Zigzag varints, as Kafka's records have them.
    module Varint
      # The bytes of short numbers, which nearly all are.
      SHORT = 4096

      module_function

      # The bytes of a number of 64 bits.
      def write(value)
        return TABLE[value] if value >= 0 && value < SHORT

        encode(value)
      end

      # The number at a place, and where it ends.
      def read(data, at, limit, what)
        first = at
        value = shift = 0
        while at < limit && shift < 70
          byte = data.getbyte(at)
          at += 1
          value |= (byte & 0x7F) << shift
          if byte < 0x80
            break if value >> 64 != 0

            return [(value >> 1) ^ -(value & 1), at]
          end
          shift += 7
        end
        raise FrameError, "#{what} is not valid (byte #{first})" if at < limit || shift >= 70

        raise FrameError, "the bytes end within #{what} (byte #{first})"
      end

      # A length at a place, and where it ends. What it is the length of ends at `limit` at the latest.
      def length(data, at, limit, what)
        first = at
        value, at = read(data, at, limit, what)
        raise FrameError, "#{what} is not valid (byte #{first})" if value.negative?
        raise FrameError, "the bytes end within #{what} (byte #{first})" if at + value > limit

        [value, at]
      end

      # Bytes that may be missing, and where they end.
      def nullable(data, at, limit, what)
        return [nil, at + 1] if at < limit && data.getbyte(at) == 1

        size, at = length(data, at, limit, what)
        [data.byteslice(at, size), at + size]
      end

      # Bytes that may be missing, with their length before them, at the end of `out`.
      def put(out, bytes)
        return out << NONE if bytes.nil?

        out << write(bytes.bytesize) << bytes.b
      end

      def encode(value)
        rest = ((value << 1) ^ (value >> 63)) & 0xFFFF_FFFF_FFFF_FFFF
        out = String.new(capacity: 10)
        while rest >= 0x80
          out << (rest & 0x7F | 0x80)
          rest >>= 7
        end
        (out << rest).b.freeze
      end

      TABLE = Array.new(SHORT) { |value| encode(value) }.freeze
      # The length that stands for nothing.
      NONE = encode(-1)
      private_constant :TABLE
    end
  end
end
