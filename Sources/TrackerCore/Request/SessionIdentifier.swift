import CLibrary
import CPlatform

/// A visitor's session: 128 random bits, written as 32 lowercase hex digits.
///
/// Held as two integers, so that reading one from a cookie allocates nothing.
public struct SessionIdentifier: Sendable, Hashable, LosslessStringConvertible {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new session, from the system's random generator.
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

    /// Reads 32 hex digits.
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

    /// The number that eight hex digits make; all at once, one in each byte of a word.
    ///
    /// - Returns: nil if one of them is none.
    @inline(__always)
    private static func digits(_ text: UInt64) -> UInt64? {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let word = UInt64(bigEndian: text)
        // Letters have the bit 0x40, and nine to add to their low half.
        let values = (word & (ones &* 0x0F)) &+ ((word >> 6) & ones) &* 9
        let isLetter = ((values &+ ones &* 118) >> 7) & ones
        // Written again they must be what was read; but for capitals, which the bit 0x20 makes small.
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

    /// Writes the 32 digits where there is room for them: one block of memory for a text of any length around them.
    ///
    /// - Returns: how many bytes were written.
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

/// Random bits from the system, fetched for several sessions at once: asking the kernel takes longer than everything
/// else that a new session needs.
///
/// No bits are given out twice: not to two threads, and not to a process and the one that it forked.
final class RandomPool: Sendable {
    static let shared = RandomPool()

    /// The most that one call of `getentropy` gives: 256 bytes.
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

    /// - Returns: 128 bits, or nil where the caller has to ask the system itself: while another thread is here, which
    ///   would be waited for (after a fork for ever), or if the system gives none.
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
