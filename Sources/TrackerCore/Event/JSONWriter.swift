/// Writes JSON (RFC 8259) as UTF-8 bytes into a buffer that is kept from one event to the next.
///
/// The one place of the encoder with unsafe pointers. It is right because every method that writes calls `reserve` for
/// the most it can write before it writes anything, `count` never exceeds what was reserved, the buffer is freed in
/// `deinit` alone, and the type can't be copied.
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

    /// A copy of what was written.
    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: base, count: count)) }

    /// Starts again. A buffer that one large event has blown up is given back.
    mutating func removeAll() {
        count = 0
        guard capacity > 1 << 20 else { return }
        base.deallocate()
        capacity = 4096
        base = .allocate(capacity: capacity)
    }

    /// Takes back what was written after a moment.
    ///
    /// - Parameter mark: what `count` was then.
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

    mutating func raw(_ text: StaticString) {
        // A StaticString's pointer is valid for the life of the process.
        raw(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Bytes that need no escaping.
    mutating func raw(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { raw($0) }
    }

    mutating func raw(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        (base + count).update(from: source, count: bytes.count)
        count &+= bytes.count
    }

    /// A string with its quotes.
    mutating func string(_ text: String) {
        byte(UInt8(ascii: "\""))
        content(text)
        byte(UInt8(ascii: "\""))
    }

    /// What stands between the quotes.
    mutating func content(_ text: String) {
        var text = text
        text.withUTF8 { content($0) }
    }

    /// Copies eight bytes in one step as long as none of them needs an escape.
    ///
    /// - Parameter utf8: valid UTF-8.
    mutating func content(_ utf8: UnsafeBufferPointer<UInt8>) {
        // No escape is longer than "\u0000".
        reserve(utf8.count &* 6 &+ 8)
        let source = UnsafeRawBufferPointer(utf8)
        let target = UnsafeMutableRawPointer(base)
        let length = utf8.count
        var position = 0
        while position &+ 8 <= length {
            let word = source.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            if Self.needsEscape(word) {
                for _ in 0..<8 {
                    escaped(utf8[position])
                    position &+= 1
                }
            } else {
                target.storeBytes(of: word, toByteOffset: count, as: UInt64.self)
                count &+= 8
                position &+= 8
            }
        }
        while position < length {
            escaped(utf8[position])
            position &+= 1
        }
    }

    /// A header's name as a CGI variable's (RFC 3875, section 4.1.18): upper case, dashes as underscores.
    ///
    /// No server lets quotes, backslashes or controls through in a name (RFC 9110, section 5.6.2). Here they become
    /// question marks, so that they can't break the JSON.
    mutating func variableName(_ utf8: UnsafeBufferPointer<UInt8>) {
        reserve(utf8.count)
        for byte in utf8 {
            base[count] =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): byte & 0xDF
                case UInt8(ascii: "-"): UInt8(ascii: "_")
                case 0..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "?")
                default: byte
                }
            count &+= 1
        }
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        reserve(24)
        if value < 0 {
            base[count] = UInt8(ascii: "-")
            count &+= 1
        }
        var rest = UInt64(truncatingIfNeeded: value.magnitude)
        var digits = 1
        var bound = rest
        while bound >= 10 {
            bound /= 10
            digits &+= 1
        }
        var position = count &+ digits
        count = position
        repeat {
            position &-= 1
            base[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
    }

    /// 16 lowercase hex digits.
    mutating func hexadecimal(_ word: UInt64) {
        reserve(16)
        var shift: UInt64 = 64
        while shift > 0 {
            shift &-= 4
            base[count] = Self.hexDigit(UInt8(truncatingIfNeeded: word >> shift) & 15)
            count &+= 1
        }
    }

    /// One byte of a text; the caller has reserved six.
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

    /// Whether one of eight bytes is a quote, a backslash or a control character. The known bit tricks for "has a byte
    /// below n" and "has a byte equal to n".
    @inline(__always)
    private static func needsEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        return (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & highs != 0
    }
}
