/// Counts the filter's steps, so that fuzzers and benchmarks can reach the scanner and nothing else.
package struct FilterProbe {
    private var scanner = SecretScanner(.standard, keeping: [])

    package init() {}

    /// - Returns: how often the scanner looked at bytes, and whether it gave up.
    package mutating func steps(_ bytes: [UInt8], isURL: Bool) -> (steps: Int, isExhausted: Bool) {
        bytes.withUnsafeBufferPointer { scanner.scan($0, isURL ? .url : .header) }
        return (scanner.steps, scanner.isExhausted)
    }

    /// What keys and telling texts begin with.
    package static var beginnings: [String] {
        SecretFormat.all.map(\.prefix) + [
            "eyJ", "bearer ", "basic ", "-----BEGIN ", "://", "code=", "/reset/", "DE89", "4111 ",
        ]
    }
}
