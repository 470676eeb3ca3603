/**
 * How much of a stream may wait to be sent before its source has to pause. Node reads 64 KB at once, which is more than
 * its default, so that a source would be paused, and resumed, for each read.
 */
export const STREAM_BUFFER_BYTES = 256 * 1024;
