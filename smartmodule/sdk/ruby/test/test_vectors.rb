# frozen_string_literal: true

require_relative "helper"

# The golden vectors, which another program wrote from the description of the bytes.
class TestVectors < Minitest::Test
  include Helper

  VECTORS = JSON.parse(File.read(File.expand_path("../../../../contract/frame/vectors/vectors.json", __dir__)))
  Frame = Tidemill::SmartModule::Frame
  Answer = Tidemill::SmartModule::Answer
  Varint = Tidemill::SmartModule::Varint

  def self.each(kind)
    VECTORS.fetch(kind).each { |vector| yield vector, vector["name"].gsub(/\W+/, "_") }
  end

  each("frames") do |vector, name|
    define_method("test_frame_#{name}") do
      frame = Frame.new(unhex(vector["hex"]))
      assert_equal vector["kind"], frame.kind.to_s
      assert_equal vector["baseOffset"], frame.base_offset
      assert_equal vector["baseTimestamp"], frame.base_timestamp
      assert_equal vector["stamped"], frame.stamped
      assert_equal vector["accumulator"], hex(frame.accumulator)
      said = frame.records.map { |record| { "offset" => record.offset || -1, **said(record) } }
      assert_equal vector["records"], said
    end

    define_method("test_frame_cut_short_#{name}") do
      whole = unhex(vector["hex"])
      (0...whole.bytesize).each do |size|
        assert_raises(Tidemill::FrameError, "#{size} bytes") { Frame.new(whole.byteslice(0, size)).records }
      end
    end
  end

  each("refusedFrames") do |vector, name|
    define_method("test_refused_frame_#{name}") do
      assert_raises(Tidemill::FrameError) { Frame.new(unhex(vector["hex"])).records }
    end
  end

  each("answers") do |vector, name|
    define_method("test_answer_#{name}") do
      accumulator = vector["accumulator"] && unhex(vector["accumulator"])
      answer = if vector["selection"]
                 marks = Array.new(vector["count"]) { |at| vector["selection"].include?(at) ? "1" : "0" }.join
                 Answer.selection(marks, vector["failed"])
               else
                 Answer.records(written(vector), vector["records"].size, vector["failed"], accumulator)
               end
      assert_equal vector["hex"], hex(answer)

      read = Tidemill::Testing::ReadAnswer.new(answer, vector["count"], vector["baseTimestamp"])
      assert_equal [vector["selection"], vector["failed"], accumulator], [read.selection, read.failed, read.accumulator]
      next unless vector["records"]

      assert_equal(vector["records"], read.records.map { |source, record| { "source" => source, **said(record) } })
    end
  end

  each("refusedAnswers") do |vector, name|
    define_method("test_refused_answer_#{name}") do
      assert_raises(ArgumentError) { Tidemill::Testing::ReadAnswer.new(unhex(vector["hex"]), vector["count"], 0) }
    end
  end

  private

  def hex(bytes) = bytes&.unpack1("H*")
  def unhex(text) = text && [text].pack("H*")

  def said(record)
    { "timestamp" => record.timestamp, "key" => hex(record.key), "value" => hex(record.value),
      "headers" => record.headers.map { |name, value| [name, hex(value)] } }
  end

  def written(vector)
    base = Frame.write(:records, [Frame.record(0, 0, nil, nil)], base_timestamp: vector["baseTimestamp"])
    source = Frame.new(base).records.first
    vector["records"].each_with_object("".b) do |record, out|
      output = Tidemill::Output.new(unhex(record["value"]), key: unhex(record["key"]),
                                                             headers: record["headers"].map { |name, value| [name, unhex(value)] },
                                                             timestamp: record["timestamp"])
      body = output.written(source)
      out << Varint.write(record["source"]) << Varint.write(body.bytesize) << body
    end
  end
end
