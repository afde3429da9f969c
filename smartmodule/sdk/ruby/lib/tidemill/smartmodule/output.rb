# frozen_string_literal: true

module Tidemill
  # A record to write: a changed one (`record.with_value(...)`), or a new one (`Output.new(value)`). Each method gives a
  # changed copy, so they can be chained. What is kept of the record that came in is copied as it lies there.
  class Output
    # Stands for "as it was".
    KEPT = Object.new.freeze
    private_constant :KEPT

    # The record, to be changed.
    def self.of(record)
      allocate.tap { |output| output.send(:keep, record) }
    end

    # A new record. Text is written as UTF-8; headers are pairs; the time is that of the record it comes of when not given.
    def initialize(value = nil, key: nil, headers: [], timestamp: nil)
      @record = nil
      @key = key
      @value = value
      @headers = headers.to_a
      @timestamp = timestamp.nil? ? KEPT : timestamp
    end

    # Its key.
    def key = @key.equal?(KEPT) ? @record.key : @key

    # Its value.
    def value = @value.equal?(KEPT) ? @record.value : @value

    # Its headers: pairs of a name and a value.
    def headers = @headers.equal?(KEPT) ? @record.headers : @headers

    # Milliseconds since 1970; nil for those of the record it comes of.
    def timestamp = @timestamp.equal?(KEPT) ? @record&.timestamp : @timestamp

    # With this value; nil makes a tombstone.
    def with_value(value) = with(:@value, value)

    # With this value, written as JSON.
    def with_json(value) = with_value(::JSON.generate(value))

    # With this key.
    def with_key(key) = with(:@key, key)

    # At this time, in milliseconds since 1970.
    def with_timestamp(timestamp) = with(:@timestamp, timestamp)

    # With one header more.
    def with_header(name, value) = with(:@headers, [*headers, [name, value]])

    # Without the headers of that name.
    def without_header(name) = with(:@headers, headers.reject { |other, _| other == name })

    def inspect
      "#<Tidemill::Output key=#{key.inspect} value=#{value.inspect} headers=#{headers.inspect} " \
        "timestamp=#{timestamp.inspect}>"
    end

    # As an answer has it, without its length. `source` is the record that it comes of.
    def written(source)
      if @record && @key.equal?(KEPT) && @headers.equal?(KEPT) && @timestamp.equal?(KEPT) &&
         @record.frame.equal?(source.frame)
        return @value.equal?(KEPT) ? @record.written : @record.written_with(@value)
      end
      varint = SmartModule::Varint
      out = "\0".b
      out << varint.write((timestamp || source.timestamp) - source.frame.base_timestamp) << "\0"
      varint.put(out, key)
      varint.put(out, value)
      out << varint.write(headers.size)
      headers.each { |name, content| varint.put(varint.put(out, name), content) }
      out
    end

    private

    def keep(record)
      @record = record
      @key = @value = @headers = @timestamp = KEPT
    end

    def with(field, value)
      dup.tap { |changed| changed.instance_variable_set(field, value) }
    end
  end
end
