/// Writes JSON (RFC 8259) as UTF-8 bytes into a buffer that is reused from one event to the next.
///
/// The only part of the encoder that uses unsafe pointers. They are safe because every method that writes, or its
/// caller, first reserves the most that it can write, `count` never exceeds what was reserved, the buffer is freed only
/// in `deinit` or when it is replaced, and the type can't be copied.
struct JSONWriter: ~Copyable {
    private var base: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int = 4096) {
        self.capacity = max(64, capacity)
        base = .allocate(capacity: self.capacity)
    }

    deinit {
        base.deallocate()
    }

    /// A copy of the bytes written.
    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Appends the bytes written to a buffer.
    func append(to buffer: inout [UInt8]) {
        buffer.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
    }

    /// Removes everything. A buffer above 1 MiB, grown for a large event, is replaced by a small one.
    mutating func removeAll() {
        count = 0
        guard capacity > 1 << 20 else { return }
        base.deallocate()
        capacity = 4096
        base = .allocate(capacity: capacity)
    }

    /// Removes what was written since `count` was `mark`.
    mutating func rewind(to mark: Int) {
        count = min(count, max(0, mark))
    }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if capacity - count < more { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        base.deallocate()
        base = moved
        capacity = larger
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        reserve(1)
        base[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func raw(_ text: StaticString) {
        // A StaticString's pointer is valid for the life of the process.
        raw(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes bytes that need no escaping.
    mutating func raw(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { raw($0) }
    }

    @inline(__always)
    mutating func raw(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + count).update(from: source, count: bytes.count)
        count &+= bytes.count
    }

    /// Writes a string with its quotes.
    mutating func string(_ text: String) {
        byte(UInt8(ascii: "\""))
        content(text)
        byte(UInt8(ascii: "\""))
    }

    /// Writes a string's content, escaped, without quotes.
    mutating func content(_ text: String) {
        text.withBytes { content($0) }
    }

    /// Writes a string's content, escaped, without quotes; copies sixteen bytes at a time where none needs an escape.
    ///
    /// - Parameter utf8: valid UTF-8.
    mutating func content(_ utf8: UnsafeBufferPointer<UInt8>) {
        // The longest escape is "\u0000".
        reserve(utf8.count &* 6)
        let source = UnsafeRawBufferPointer(utf8)
        let target = UnsafeMutableRawPointer(base)
        let length = utf8.count
        var position = 0
        while position &+ 16 <= length {
            let first = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let second = source.loadUnaligned(fromByteOffset: position &+ 8, as: UInt64.self)
            if Self.escapes(first) | Self.escapes(second) != 0 {
                escaped(utf8, &position, until: position &+ 16)
            } else {
                target.storeBytes(of: first, toByteOffset: count, as: UInt64.self)
                target.storeBytes(of: second, toByteOffset: count &+ 8, as: UInt64.self)
                count &+= 16
                position &+= 16
            }
        }
        // Copy the rest as two overlapping words or half words.
        let rest = length &- position
        if rest >= 8 {
            let first = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            let last = source.loadUnaligned(fromByteOffset: length &- 8, as: UInt64.self)
            if Self.escapes(first) | Self.escapes(last) == 0 {
                target.storeBytes(of: first, toByteOffset: count, as: UInt64.self)
                target.storeBytes(of: last, toByteOffset: count &+ rest &- 8, as: UInt64.self)
                count &+= rest
                return
            }
        } else if rest >= 4 {
            let first = source.loadUnaligned(fromByteOffset: position, as: UInt32.self)
            let last = source.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self)
            if Self.escapes(UInt64(first) | UInt64(last) << 32) == 0 {
                target.storeBytes(of: first, toByteOffset: count, as: UInt32.self)
                target.storeBytes(of: last, toByteOffset: count &+ rest &- 4, as: UInt32.self)
                count &+= rest
                return
            }
        }
        escaped(utf8, &position, until: length)
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        // A sign, twenty digits, and the bytes that the last eight-byte store writes beyond them.
        reserve(32)
        if value < 0 {
            base[count] = UInt8(ascii: "-")
            count &+= 1
        }
        digits(UInt64(truncatingIfNeeded: value.magnitude))
    }

    /// Writes the digits of a number. The caller has reserved 28 bytes.
    private mutating func digits(_ value: UInt64) {
        let target = UnsafeMutableRawPointer(base)
        guard value >= 100_000_000 else {
            let word = DecimalDigits.eight(UInt32(truncatingIfNeeded: value))
            // The first digit is in the lowest byte.
            let zeros = min(7, (word ^ 0x3030_3030_3030_3030).trailingZeroBitCount / 8)
            target.storeBytes(of: (word >> UInt64(zeros &* 8)).littleEndian, toByteOffset: count, as: UInt64.self)
            count &+= 8 &- zeros
            return
        }
        let (high, low) = value.quotientAndRemainder(dividingBy: 100_000_000)
        digits(high)
        target.storeBytes(
            of: DecimalDigits.eight(UInt32(truncatingIfNeeded: low)).littleEndian, toByteOffset: count, as: UInt64.self)
        count &+= 8
    }

    /// Writes 16 lowercase hex digits.
    mutating func hexadecimal(_ word: UInt64) {
        reserve(16)
        let target = UnsafeMutableRawPointer(base)
        target.storeBytes(
            of: HexDigits.eight(UInt32(truncatingIfNeeded: word >> 32)), toByteOffset: count, as: UInt64.self)
        target.storeBytes(
            of: HexDigits.eight(UInt32(truncatingIfNeeded: word)), toByteOffset: count &+ 8, as: UInt64.self)
        count &+= 16
    }

    /// Writes the bytes up to `end`, one by one, escaped. The caller has reserved six for each.
    private mutating func escaped(_ utf8: UnsafeBufferPointer<UInt8>, _ position: inout Int, until end: Int) {
        while position < end {
            escaped(utf8[position])
            position &+= 1
        }
    }

    /// Writes one byte, escaped. The caller has reserved six.
    @inline(__always)
    private mutating func escaped(_ byte: UInt8) {
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            base[count] = byte
            count &+= 1
            return
        }
        base[count] = UInt8(ascii: "\\")
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): base[count &+ 1] = byte
        case 0x0A: base[count &+ 1] = UInt8(ascii: "n")
        case 0x0D: base[count &+ 1] = UInt8(ascii: "r")
        case 0x09: base[count &+ 1] = UInt8(ascii: "t")
        default:
            base[count &+ 1] = UInt8(ascii: "u")
            base[count &+ 2] = UInt8(ascii: "0")
            base[count &+ 3] = UInt8(ascii: "0")
            base[count &+ 4] = Self.hexDigit(byte >> 4)
            base[count &+ 5] = Self.hexDigit(byte & 15)
            count &+= 6
            return
        }
        count &+= 2
    }

    @inline(__always)
    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10
    }

    /// Returns nonzero if any of eight bytes is a quote, a backslash or a control character. Uses the well-known bit
    /// tricks for "has a byte below n" and "has a byte equal to n", on ASCII bytes only; others need no escape.
    @inline(__always)
    private static func escapes(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = word &- ones &* 0x20
        let quote = (word ^ ones &* 0x22) &- ones
        let backslash = (word ^ ones &* 0x5C) &- ones
        return (control | quote | backslash) & ~word & 0x8080_8080_8080_8080
    }
}
