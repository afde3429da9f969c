# frozen_string_literal: true

require_relative "helper"
require "tidemill/smartmodule/build"
require "tmpdir"

# The file that is written, and the program in it.
class TestBuild < Minitest::Test
  include Helper

  Build = Tidemill::SmartModule::Build
  # A module with a custom section, and data: one segment for the program between two others.
  SEGMENT = "\x01\x14\0\0\0\0tidemill-program".b
  DATA = "\x03\x01\x01x".b + SEGMENT + "\x01\x01y".b

  def setup
    @dir = Dir.mktmpdir
    @main = File.join(@dir, "mine.rb")
    File.write(@main, "require \"tidemill/smartmodule\"\nrequire_relative \"deep/other\"\n" \
                      "class Mine < Tidemill::Filter\n  def filter(record) = Other.good?(record)\nend\n")
    Dir.mkdir(File.join(@dir, "deep"))
    File.write(File.join(@dir, "deep/other.rb"), "module Other\n  def self.good?(record) = record.value == \"ü\".b\nend\n")
  end

  def teardown = FileUtils.remove_entry(@dir)

  def build(main = @main) = Build.new(main: main, name: "mine", version: "1.0.0")

  def with_runtime(bytes)
    path = File.join(@dir, "runtime.wasm")
    File.binwrite(path, bytes)
    ENV["TIDEMILL_RUBY_RUNTIME"] = path
    yield
  ensure
    ENV.delete("TIDEMILL_RUBY_RUNTIME")
  end

  def test_the_program_stands_where_it_should
    before = "\0asm\1\0\0\0".b + "\0\x02\x01n".b
    written = with_runtime(before + "\x0B".b + DATA.bytesize.chr.b + DATA + "\0\x02\x01m".b) do
      File.binread(build.write(File.join(@dir, "dist/mine.wasm")))
    end
    program = build.program.b
    assert written.start_with?(before)
    assert written.end_with?("\x01\x01y\0\x02\x01m".b)
    # Not `assert_includes`, which would print it all.
    assert written.include?([program.bytesize].pack("L<") + program)
    refute written.include?("tidemill-program")
  end

  def test_the_program_answers_calls
    # As in the sandbox: one program, without this library, with standard input for what comes in.
    frame = Tidemill::SmartModule::Frame.write(:records, %w[ü x].map { |v| Tidemill::SmartModule::Frame.record(0, 0, nil, v) })
    calls = <<~RUBY
      guest = eval(DATA.read)
      print guest.init(13).bytesize, guest.failed?(0), " "
      answer = guest.process(#{frame.bytesize})
      print guest.failed?(0), " ", answer.unpack1("H*"), " "
      print guest.process(0).byteslice(4..), " ", guest.failed?(0), " ", guest.about(0)
      __END__
      #{build.program}
    RUBY
    script = File.join(@dir, "script.rb")
    File.write(script, calls)
    said = IO.popen([RbConfig.ruby, script], "r+b") do |ruby|
      ruby.write("{\"params\":{}}", frame)
      ruby.close_write
      ruby.read
    end
    assert_match(/\A0false false 0100000002000000000000000000000001 the frame is not valid: .* true \{"abi":1/, said)
    assert_includes said, '"name":"mine","version":"1.0.0"'
  end

  def test_what_cannot_be_built_is_told
    error = assert_raises(Tidemill::SmartModule::BuildError) { build(File.join(@dir, "none.rb")).program }
    assert_match(/there is no file/, error.message)
    error = assert_raises(Tidemill::SmartModule::BuildError) do
      with_runtime("\0asm\1\0\0\0".b) { build.write(File.join(@dir, "x.wasm")) }
    end
    assert_match(/has no data/, error.message)
    error = assert_raises(Tidemill::SmartModule::BuildError) do
      with_runtime("\0asm\1\0\0\0\x0B\x01\0".b) { build.write(File.join(@dir, "x.wasm")) }
    end
    assert_match(/no place for a program/, error.message)
  end
end
