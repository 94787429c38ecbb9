/// The buffers of one thread of the pool.
///
/// Only its own thread touches it: the thread creates it, and passes it down its own calls. Hence the unchecked
/// conformance, which jobs need in order to take it as a parameter.
final class Worker: @unchecked Sendable {
    /// Small, since every thread has one, and a long upload touches them all.
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 16_384, alignment: 16)
    var encoder = FastCGIRecordEncoder()

    deinit {
        input.deallocate()
    }
}
