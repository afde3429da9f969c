# frozen_string_literal: true

require "json"

module Tidemill
  # A record of the stream. It is read when it is first looked at, and cannot be changed. What a module gives back is this
  # record, or an Output made of it: `record.with_value(...)`.
  class Record
    # For the SDK; tests make records with Tidemill::Testing.record.
    def initialize(frame, data, first, limit)
      @frame = frame
      @data = data
      @first = first
      @limit = limit
      @headers_at = nil
    end

    # Its key, as bytes; nil is not the same as empty.
    def key
      decode unless @headers_at
      @key
    end

    # Its value, as bytes; nil (a tombstone) is not the same as empty.
    def value
      decode unless @headers_at
      @value
    end

    # Milliseconds since 1970; -1 when the producer gave none.
    def timestamp
      decode unless @headers_at
      @frame.stamped ? @frame.base_timestamp : @frame.base_timestamp + @timestamp
    end

    # Its offset in the partition; nil on ingest, where it has none yet.
    def offset
      decode unless @headers_at
      @frame.base_offset.negative? ? nil : @frame.base_offset + @offset
    end

    # Its headers, in the order they were sent: pairs of a name and a value; names may repeat, and a value may be nil.
    def headers
      decode unless @headers_at
      @headers ||= decode_headers
    end

    # The value of the last header of that name.
    def header(name)
      headers.reverse_each { |other, value| return value if other == name }
      nil
    end

    # Its value as text. Raises RecordError when there is none or it is not UTF-8, unless a default is given.
    def text(default = RAISE)
      as_text(value, "value", default)
    end

    # Its key as text, as #text does for the value.
    def key_text(default = RAISE)
      as_text(key, "key", default)
    end

    # Its value, read as JSON. Raises RecordError when it is not, unless a default is given.
    def json(default = RAISE)
      ::JSON.parse(text)
    rescue ::JSON::ParserError => e
      raise RecordError, "the value is not JSON: #{e.message}" if default.equal?(RAISE)

      default
    rescue RecordError
      raise if default.equal?(RAISE)

      default
    end

    # This record, to be changed.
    def to_output = Output.of(self)

    # This record with another value; nil makes a tombstone.
    def with_value(value) = Output.of(self).with_value(value)

    # This record with another value, written as JSON.
    def with_json(value) = with_value(::JSON.generate(value))

    def ==(other)
      other.is_a?(Record) && parts == other.parts
    end

    def inspect
      "#<Tidemill::Record key=#{key.inspect} value=#{value.inspect} headers=#{headers.inspect} " \
        "timestamp=#{timestamp} offset=#{offset.inspect}>"
    end

    # As an answer has it, without its length. Its timestamp counts from the frame's.
    def written
      return @data.byteslice(@first, @limit - @first) unless @frame.stamped

      decode unless @headers_at
      "\0\0\0".b << @data.byteslice(@key_at, @limit - @key_at)
    end

    # As it is written with another value: all the rest is copied.
    def written_with(value)
      decode unless @headers_at
      out = if @frame.stamped
              "\0\0\0".b << @data.byteslice(@key_at, @value_at - @key_at)
            else
              @data.byteslice(@first, @value_at - @first)
            end
      SmartModule::Varint.put(out, value) << @data.byteslice(@headers_at, @limit - @headers_at)
    end

    # The frame that it came in.
    attr_reader :frame

    protected

    def parts = [key, value, headers, timestamp, offset]

    private

    # Stands for a default that was not given.
    RAISE = Object.new.freeze
    private_constant :RAISE

    # Reads all but the headers. Short numbers, as most are, are read here: a call costs as much as the rest.
    def decode
      data = @data
      limit = @limit
      @timestamp, at = short(data, @first + 1, limit, "the timestamp of a record")
      @offset, at = short(data, at, limit, "the offset of a record")
      @key_at = at
      @key, at = bytes(data, at, limit, "the key of a record")
      @value_at = at
      @value, at = bytes(data, at, limit, "the value of a record")
      raise FrameError, "the bytes end within a record (byte #{@first})" if at >= limit

      @headers_at = at
    end

    def short(data, at, limit, what)
      byte = data.getbyte(at)
      return [(byte >> 1) ^ -(byte & 1), at + 1] if byte && byte < 0x80 && at < limit

      SmartModule::Varint.read(data, at, limit, what)
    end

    def bytes(data, at, limit, what)
      byte = data.getbyte(at)
      if byte && byte.even? && byte < 0x80 && (last = at + 1 + (byte >> 1)) <= limit
        return [data.byteslice(at + 1, byte >> 1), last]
      end

      SmartModule::Varint.nullable(data, at, limit, what)
    end

    def decode_headers
      data = @data
      at = @headers_at
      count, at = SmartModule::Varint.length(data, at, @limit, "the number of headers")
      headers = Array.new(count) do
        size, at = SmartModule::Varint.length(data, at, @limit, "the name of a header")
        name = data.byteslice(at, size).force_encoding(Encoding::UTF_8)
        raise FrameError, "the name of a header (UTF-8) is not valid (byte #{at})" unless name.valid_encoding?

        value, at = SmartModule::Varint.nullable(data, at + size, @limit, "the value of a header")
        [name, value]
      end
      raise FrameError, "there are bytes after the end (byte #{at})" if at != @limit

      headers.freeze
    end

    def as_text(bytes, what, default)
      text = bytes&.dup&.force_encoding(Encoding::UTF_8)
      return text if text&.valid_encoding?
      return default unless default.equal?(RAISE)

      raise RecordError, text ? "the #{what} is not text (UTF-8)" : "the record has no #{what}"
    end
  end
end
