# frozen_string_literal: true

require_relative "lib/tidemill/smartmodule/version"

Gem::Specification.new do |spec|
  spec.name = "tidemill-smartmodule"
  spec.version = Tidemill::SmartModule::VERSION
  spec.summary = "SmartModules in Ruby: programs that Tidemill runs on the records of a stream"
  spec.authors = ["The Tidemill authors"]
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.files = Dir["lib/**/*.{rb,wasm}", "README.md"]
  spec.require_paths = ["lib"]
end
