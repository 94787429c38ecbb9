/// What one thread of the server works with.
///
/// Only its own thread touches it: the thread makes it, and passes it down its own calls. Hence the unchecked
/// conformance, which `submit`ted jobs need in order to take it as a parameter.
final class FastCGIWorker: @unchecked Sendable {
    let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
    var encoder = FastCGIRecordEncoder()

    deinit {
        input.deallocate()
    }
}
