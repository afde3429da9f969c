# frozen_string_literal: true

require_relative "helper"
require "rake"
require "rbconfig"

# What the README shows, works.
class TestReadme < Minitest::Test
  BLOCKS = File.read(File.expand_path("../README.md", __dir__)).scan(/^```ruby\n(.*?)^```/m).flatten

  def test_there_are_examples
    assert_operator BLOCKS.size, :>=, 2
  end

  BLOCKS.each_with_index do |block, at|
    define_method("test_example_#{at}") do
      lib = File.expand_path("../lib", __dir__)
      said = IO.popen([RbConfig.ruby, "-I", lib, "-", err: %i[child out]], "r+") do |ruby|
        ruby.write(block)
        ruby.close_write
        ruby.read
      end
      assert_predicate $?, :success?, said
    end
  end
end
