// The codecs that kafkajs leaves to plugins.
'use strict';

const { CompressionCodecs, CompressionTypes } = require('kafkajs');
const lz4 = require('lz4-napi');
const SnappyCodec = require('kafkajs-snappy');
const { ZstdCodec } = require('zstd-codec');

/** Registers Snappy, LZ4 and Zstandard. */
async function register() {
  const zstd = await new Promise((resolve) => ZstdCodec.run((codecs) => resolve(new codecs.Streaming())));
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder) => lz4.compressFrame(encoder.buffer),
    decompress: (buffer) => lz4.decompressFrame(buffer),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder) => Buffer.from(zstd.compress(encoder.buffer)),
    decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
  });
}

module.exports = { register };
