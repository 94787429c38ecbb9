import CZlib

/// Compresses bodies with the system's zlib (gzip, RFC 1952).
final class GzipCompressor {
    // Owned: opened in init, closed in deinit, used by the one thread that owns this object.
    private let stream: OpaquePointer

    /// - Returns: nil where zlib is not installed.
    init?() {
        // Level 1: JSON of one app shrinks to about a tenth anyway, and the higher levels cost several times as much.
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

/// Whether bodies are compressed, as far as the settings, the backend and the system allow.
struct Compression {
    private var isAllowed: Bool
    private let open: @Sendable () -> GzipCompressor?
    private var compressor: GzipCompressor?
    /// Monotonic nanoseconds; zlib could not be loaded before, and is tried again then.
    private var nextTry: UInt64 = 0

    /// A shorter body fits into one packet anyway.
    private static let leastBytes = 1_024
    private static let pause: UInt64 = 60_000_000_000

    /// - Parameter open: loads zlib; nil where that fails now.
    init(isAllowed: Bool, open: @escaping @Sendable () -> GzipCompressor? = { GzipCompressor() }) {
        self.isAllowed = isAllowed
        self.open = open
    }

    /// The backend says that it takes gzip.
    mutating func offered(now: UInt64) {
        guard isAllowed, compressor == nil, now >= nextTry else { return }
        compressor = open()
        if compressor == nil { nextTry = now &+ Self.pause }
    }

    /// The backend does not take gzip after all.
    mutating func refused() {
        compressor = nil
        isAllowed = false
    }

    /// - Returns: nil where the body is to be sent as it is.
    func compress(_ body: [UInt8]) -> [UInt8]? {
        body.count >= Self.leastBytes ? compressor?.compress(body) : nil
    }
}

/// Takes gzip off a body.
package enum Gzip {
    /// Whether zlib is installed.
    package static var isAvailable: Bool { czlib_load() != 0 }

    /// - Returns: nil for bytes that are no gzip or not whole, and where the result would be longer than `limit`.
    package static func expand(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        // Most bodies shrink to a tenth; only those that don't fit are tried with the whole limit.
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
