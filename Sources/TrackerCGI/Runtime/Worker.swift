/// The buffers of one thread of the pool.
///
/// `@unchecked Sendable`: only its own thread uses it, which creates it and passes it to its own calls. Jobs need the
/// conformance to take it as a parameter.
final class Worker: @unchecked Sendable {
    /// Small, because every thread has one, and a long upload touches them all.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)
    var encoder = FastCGIRecordEncoder()

    deinit {
        input.deallocate()
    }
}
