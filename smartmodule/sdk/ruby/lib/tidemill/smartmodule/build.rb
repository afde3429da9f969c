# frozen_string_literal: true

require "fileutils"
require "json"

module Tidemill
  module SmartModule
    # What cannot be built: the message says what to change.
    class BuildError < StandardError; end

    # Makes a WebAssembly module of Ruby files: a copy of the runtime, which is ruby.wasm behind the contract, with the files
    # in it.
    class Build
      # Where the runtime is, when it is not the one that came with the gem.
      RUNTIME = "TIDEMILL_RUBY_RUNTIME"
      # What stands in the runtime where the program goes: a data segment, its length of 20 before it.
      PLACE = "\x01\x14\0\0\0\0tidemill-program".b
      # The number of the section that it is in.
      DATA = 11
      # Files of this library that have no use in the sandbox.
      OUTSIDE = %w[build rake testing].map { |name| "tidemill/smartmodule/#{name}" }.freeze
      private_constant :PLACE, :DATA, :OUTSIDE

      # `main` is the file that has the module; every Ruby file of its directory comes along.
      def initialize(main:, name:, version: "")
        @main = File.expand_path(main)
        @name = name
        @version = version
      end

      # Writes the module.
      def write(output)
        program = self.program
        wasm = patched(File.binread(runtime), [program.bytesize].pack("L<") << program.b)
        FileUtils.mkdir_p(File.dirname(output))
        File.binwrite(output, wasm)
        output
      end

      # The text that Ruby runs when an instance starts. Its value answers calls.
      def program
        raise BuildError, "there is no file #{@main}" unless File.file?(@main)

        own = File.expand_path("../..", __dir__)
        files = sources(own, "tidemill/**/*.rb").except(*OUTSIDE).merge(sources(File.dirname(@main), "**/*.rb"))
        table = files.map { |name, text| "  #{name.dump} => #{text.dump}," }.join("\n")
        <<~RUBY
          begin
          TIDEMILL_FILES = {
          #{table}
          }.freeze
          #{REQUIRE}
          require "tidemill/smartmodule"
          require #{File.basename(@main, '.rb').dump}
          require "tidemill/smartmodule/guest"
          Tidemill::SmartModule::Guest.of(#{@name.dump}, #{@version.dump})
          rescue Exception => e
          $stderr.syswrite(3.chr << e.full_message(highlight: false).b)
          raise
          end
        RUBY
      end

      # Files are looked for among those that came along, then where Ruby looks.
      REQUIRE = <<~'RUBY'
        module Kernel
          TIDEMILL_LOADED = {}
          alias tidemill_require require
          def require(name)
            key = name.delete_suffix(".rb")
            source = TIDEMILL_FILES[key]
            return tidemill_require(name) unless source
            return false if TIDEMILL_LOADED[key]
            TIDEMILL_LOADED[key] = true
            eval(source, TOPLEVEL_BINDING, "/#{key}.rb", 1)
            true
          end
          def require_relative(name)
            from = caller_locations(1, 1).first.path
            require(File.expand_path(name, File.dirname(from)).delete_prefix("/"))
          end
        end
      RUBY
      private_constant :REQUIRE

      private

      def sources(root, pattern)
        Dir.glob(pattern, base: root).sort.to_h do |path|
          [path.delete_suffix(".rb"), File.read(File.join(root, path), encoding: "UTF-8")]
        end
      end

      def runtime
        path = ENV[RUNTIME] || File.expand_path("runtime.wasm", __dir__)
        return path if File.file?(path)

        raise BuildError, "there is no runtime at #{path}: install the gem tidemill-smartmodule, which has it, or name one " \
                          "in #{RUNTIME}"
      end

      # The runtime with `program` in the place that is kept for it.
      def patched(wasm, program)
        at = 8
        while at < wasm.bytesize
          size, body = leb(wasm, at + 1)
          if wasm.getbyte(at) == DATA
            section = wasm.byteslice(body, size)
            place = section.index(PLACE)
            raise BuildError, "the runtime has no place for a program" unless place

            section[place, PLACE.bytesize] = "\x01".b << encode(program.bytesize) << program
            return wasm.byteslice(0, at + 1) << encode(section.bytesize) << section <<
                   wasm.byteslice(body + size, wasm.bytesize)
          end
          at = body + size
        end
        raise BuildError, "the runtime has no data"
      end

      def leb(wasm, at)
        value = shift = 0
        loop do
          byte = wasm.getbyte(at) or raise BuildError, "the runtime is cut short"
          at += 1
          value |= (byte & 0x7F) << shift
          return [value, at] if byte < 0x80

          shift += 7
        end
      end

      def encode(value)
        out = "".b
        while value >= 0x80
          out << (value & 0x7F | 0x80)
          value >>= 7
        end
        out << value
      end
    end
  end
end
