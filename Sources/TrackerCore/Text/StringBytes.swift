extension String {
    /// Lends the text's UTF-8 without a copy, and without counting a reference as `withUTF8` on a variable does: each
    /// count is an atomic operation, and an event has fifty texts.
    @inline(__always)
    borrowing func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) throws -> Result) rethrows -> Result {
        if let result = try utf8.withContiguousStorageIfAvailable(body) { return result }
        // A text of Objective-C's.
        var copy = copy self
        return try copy.withUTF8(body)
    }
}
