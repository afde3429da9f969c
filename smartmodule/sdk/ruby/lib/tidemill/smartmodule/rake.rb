# frozen_string_literal: true

require "rake"
require_relative "build"

module Tidemill
  module SmartModule
    # The task `build` of a Rakefile:
    #
    #   require "tidemill/smartmodule/rake"
    #
    #   Tidemill::SmartModule::BuildTask.new("errors-only", main: "lib/errors_only.rb", version: "0.1.0")
    class BuildTask
      include Rake::DSL

      def initialize(name, main:, version: "")
        desc "Write dist/#{name}.wasm"
        task :build do
          puts Build.new(main: main, name: name, version: version).write("dist/#{name}.wasm")
        rescue BuildError => e
          abort "error: #{e.message}"
        end
      end
    end
  end
end
