# frozen_string_literal: true

# Makes the runtime of SmartModules in Ruby: ruby.wasm behind the contract, in one module.
#
#   ruby runtime/build.rb NODE_MODULES OUTPUT
#
# NODE_MODULES has what `package.json` beside this file names.
packages, output = ARGV
abort "usage: ruby build.rb NODE_MODULES OUTPUT" unless output

ruby = File.join(packages, "@ruby/3.4-wasm-wasi/dist/ruby+stdlib.wasm")
merge = File.join(packages, "binaryen/bin/wasm-merge")
[ruby, merge].each { |file| abort "there is no #{file}: run npm install first" unless File.file?(file) }

# Each file with the name under which the others import from it.
parts = { ruby => "ruby" }
{ "contract" => "contract", "wasi" => "wasi_snapshot_preview1", "canonical" => "canonical_abi",
  "javascript" => "rb-js-abi-host" }.each { |file, name| parts[File.join(__dir__, "#{file}.wat")] = name }

# No more than ruby.wasm itself uses: with all of them the tool writes a form of imports that engines do not read yet.
features = %w[bulk-memory bulk-memory-opt mutable-globals sign-ext nontrapping-float-to-int multivalue reference-types]
features = features.map { |feature| "--enable-#{feature}" }
done = system(merge, *parts.flatten, *features, "-o", output)
abort "wasm-merge failed" unless done
