import CLibrary
import CPlatform

/// A visitor's session: 128 random bits, written as 32 lowercase hex digits.
///
/// Stored as two integers, so that parsing one from a cookie allocates nothing.
public struct SessionIdentifier: Sendable, Hashable, LosslessStringConvertible {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Creates a new session, from the system's random number generator.
    public init() {
        if let bits = RandomPool.shared.next() {
            self.init(high: bits.high, low: bits.low)
            return
        }
        var generator = SystemRandomNumberGenerator()
        self.init(using: &generator)
    }

    init(using generator: inout some RandomNumberGenerator) {
        self.init(high: generator.next(), low: generator.next())
    }

    /// Parses 32 hex digits.
    ///
    /// - Returns: nil for anything else.
    public init?(_ description: String) {
        guard let identifier = description.withBytes({ SessionIdentifier(utf8: $0) }) else { return nil }
        self = identifier
    }

    init?(utf8: UnsafeBufferPointer<UInt8>) {
        let bytes = UnsafeRawBufferPointer(utf8)
        guard bytes.count == 32, let high = Self.word(bytes, at: 0), let low = Self.word(bytes, at: 16) else {
            return nil
        }
        self.init(high: high, low: low)
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt64? {
        guard let high = digits(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)),
            let low = digits(bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
        else { return nil }
        return high << 32 | low
    }

    /// Decodes eight hex digits at once, one in each byte of a word.
    ///
    /// - Returns: nil if any of them is not a hex digit.
    @inline(__always)
    private static func digits(_ text: UInt64) -> UInt64? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let word = UInt64(bigEndian: text)
        // Letters have bit 0x40 set; their value is their low nibble plus nine.
        let values = (word & (ones &* 0x0F)) &+ ((word >> 6) & ones) &* 9
        let isLetter = ((values &+ ones &* 118) >> 7) & ones
        // Encoding the values again must give the input, with capitals made lowercase by bit 0x20.
        guard values & (ones &* 0xF0) == 0,
            values &+ ones &* 0x30 &+ isLetter &* 0x27 == word | (word & (ones &* 0x40)) >> 1
        else { return nil }
        let pairs = (values | values >> 4) & 0x00FF_00FF_00FF_00FF
        let quads = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF
        return (quads | quads >> 16) & 0xFFFF_FFFF
    }

    /// The 32 lowercase hex digits.
    public var description: String {
        String(unsafeUninitializedCapacity: 32) { write(to: $0.baseAddress, room: $0.count) }
    }

    /// Writes the 32 digits into the caller's buffer, so that a longer text needs only one allocation.
    ///
    /// - Returns: the number of bytes written; 0 if there is no room.
    func write(to target: UnsafeMutablePointer<UInt8>?, room: Int) -> Int {
        guard let target, room >= 32 else { return 0 }
        let raw = UnsafeMutableRawPointer(target)
        for part in 0..<4 {
            let half = (part < 2 ? high : low) >> (part & 1 == 0 ? 32 : 0)
            raw.storeBytes(
                of: HexDigits.eight(UInt32(truncatingIfNeeded: half)), toByteOffset: 8 &* part, as: UInt64.self)
        }
        return 32
    }
}

/// A pool of random bits from the system, fetched for several sessions at once, because the system call takes longer
/// than everything else that a new session needs.
///
/// No bits are used twice: not by two threads, and not by a process and its forked child.
final class RandomPool: Sendable {
    static let shared = RandomPool()

    /// 256 bytes, the most that one call of `getentropy` returns.
    private static let words = 32

    private struct Reserve {
        var words = [UInt64](repeating: 0, count: RandomPool.words)
        var next = RandomPool.words
        var forks: Int32
    }

    private let state: ThreadLock<Reserve>

    private init() {
        cplatform_watch_forks()
        state = ThreadLock(Reserve(forks: cplatform_count_forks()))
    }

    /// Returns 128 random bits, or nil if the caller must ask the system itself: while another thread holds the pool
    /// (waiting for it could block, and after a fork would block forever), or if the system call fails.
    func next() -> (high: UInt64, low: UInt64)? {
        state.withLockIfFree { state in
            let forks = cplatform_count_forks()
            if state.next > Self.words - 2 || state.forks != forks {
                state.next = Self.words
                let isDone = state.words.withUnsafeMutableBytes { room in
                    room.baseAddress.map { getentropy($0, room.count) == 0 } ?? false
                }
                guard isDone else { return nil }
                state.forks = forks
                state.next = 0
            }
            let bits = (high: state.words[state.next], low: state.words[state.next + 1])
            state.words[state.next] = 0
            state.words[state.next + 1] = 0
            state.next += 2
            return bits
        } ?? nil
    }
}

/// The tracker's session cookie, for apps without sessions of their own.
package enum SessionCookie {
    /// The cookie's name.
    package static let name = "ra_session_id"

    /// Returns the first valid session in a `Cookie` header (RFC 6265, section 4.2.1).
    ///
    /// - Returns: nil if there is none, or its value is not 32 hex digits: it is then replaced, never trusted.
    package static func read(from header: String) -> SessionIdentifier? {
        header.withBytes { find(in: $0) }
    }

    /// Returns the `Set-Cookie` value that starts a session: for the whole site, hidden from scripts, and restricted to
    /// https if the request was https.
    package static func setCookie(_ session: SessionIdentifier, isSecure: Bool) -> String {
        let end: StaticString =
            isSecure ? "; Path=/; HttpOnly; SameSite=Lax; Secure" : "; Path=/; HttpOnly; SameSite=Lax"
        let beginning = name.utf8.count + 1
        return String(unsafeUninitializedCapacity: beginning + 32 + end.utf8CodeUnitCount) { buffer in
            var position = 0
            for byte in name.utf8 {
                buffer[position] = byte
                position += 1
            }
            buffer[position] = UInt8(ascii: "=")
            position += 1
            let room = UnsafeMutableBufferPointer(rebasing: buffer[position...])
            position += session.write(to: room.baseAddress, room: room.count)
            let rest = UnsafeBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount)
            _ = UnsafeMutableBufferPointer(rebasing: buffer[position...]).update(from: rest)
            return position + rest.count
        }
    }

    private static func find(in bytes: UnsafeBufferPointer<UInt8>) -> SessionIdentifier? {
        var pairs = CookiePairs(bytes)
        while let pair = pairs.next() {
            guard pair.name.count == name.utf8.count, isName(bytes, at: pair.name.lowerBound) else { continue }
            var (start, end) = (pair.value.lowerBound, pair.value.upperBound)
            if end - start == 34, bytes[start] == UInt8(ascii: "\""), bytes[end - 1] == UInt8(ascii: "\"") {
                start += 1
                end -= 1
            }
            if let session = SessionIdentifier(utf8: UnsafeBufferPointer(rebasing: bytes[start..<end])) {
                return session
            }
        }
        return nil
    }

    /// Whether 13 bytes are `ra_session_id`; compares two overlapping words. The caller has checked the length.
    @inline(__always)
    private static func isName(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        let raw = UnsafeRawBufferPointer(bytes)
        return raw.loadUnaligned(fromByteOffset: start, as: UInt64.self) == UInt64(bigEndian: 0x7261_5F73_6573_7369)
            && raw.loadUnaligned(fromByteOffset: start &+ 5, as: UInt64.self)
                == UInt64(bigEndian: 0x7373_696F_6E5F_6964)
    }
}
