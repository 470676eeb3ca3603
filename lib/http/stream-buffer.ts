/**
 * The bytes that a stream buffers before its source pauses. Node reads 64 KB at a time but buffers 16 KB by default, so a
 * source would pause and resume at every read.
 */
export const STREAM_BUFFER_BYTES = 256 * 1024;
