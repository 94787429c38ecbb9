import CZlib

/// Compresses bodies with the system's zlib (gzip, RFC 1952).
final class GzipCompressor {
    // Opened in init, closed in deinit, and used only by the thread that owns this object.
    private let stream: OpaquePointer

    /// - Returns: nil if zlib is not installed.
    init?() {
        // Level 1: one app's JSON shrinks to about a tenth anyway, and higher levels cost several times as much.
        guard let opened = czlib_open(1) else { return nil }
        stream = opened
    }

    deinit { czlib_close(stream) }

    func compress(_ bytes: [UInt8]) -> [UInt8]? {
        let capacity = czlib_bound(bytes.count)
        let result = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
            count = bytes.withUnsafeBytes { input in
                czlib_compress(stream, input.baseAddress, input.count, output.baseAddress, capacity)
            }
        }
        return result.isEmpty ? nil : result
    }
}

/// Compresses bodies if the settings, the backend and the system allow it.
struct Compression {
    private var isAllowed: Bool
    private let open: @Sendable () -> GzipCompressor?
    private var compressor: GzipCompressor?
    /// When to try loading zlib again after a failure, in monotonic nanoseconds.
    private var nextTry: UInt64 = 0

    /// Smaller bodies are not compressed: they fit into one packet anyway.
    private static let leastBytes = 1_024
    private static let pause: UInt64 = 60_000_000_000

    /// - Parameter open: loads zlib; returns nil if that fails.
    init(isAllowed: Bool, open: @escaping @Sendable () -> GzipCompressor? = { GzipCompressor() }) {
        self.isAllowed = isAllowed
        self.open = open
    }

    /// Called when the backend says that it accepts gzip.
    mutating func offered(now: UInt64) {
        guard isAllowed, compressor == nil, now >= nextTry else { return }
        compressor = open()
        if compressor == nil { nextTry = now &+ Self.pause }
    }

    /// Called when the backend turns out not to accept gzip.
    mutating func refused() {
        compressor = nil
        isAllowed = false
    }

    /// - Returns: nil if the body is to be sent uncompressed.
    func compress(_ body: [UInt8]) -> [UInt8]? {
        body.count >= Self.leastBytes ? compressor?.compress(body) : nil
    }
}

/// Decompresses gzip bodies.
package enum Gzip {
    /// Whether zlib is installed.
    package static var isAvailable: Bool { czlib_load() != 0 }

    /// - Returns: nil if the bytes are not gzip or are incomplete, or if the result would be longer than `limit`.
    package static func expand(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        // Most bodies shrink to a tenth; only those that don't fit get a buffer of the whole limit.
        for capacity in [min(limit, bytes.count * 16 + 1024), limit] {
            var isSound = false
            let result = [UInt8](unsafeUninitializedCapacity: capacity) { output, count in
                let length = bytes.withUnsafeBytes { input in
                    czlib_expand(input.baseAddress, input.count, output.baseAddress, capacity)
                }
                isSound = length >= 0
                count = max(0, length)
            }
            if isSound { return result }
        }
        return nil
    }
}
