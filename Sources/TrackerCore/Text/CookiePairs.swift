/// Takes a `Cookie` header apart without a copy: the places of names and values, without the blanks around them.
struct CookiePairs {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    /// The next pair; its value is empty where it has none. The name may be empty, too.
    @inline(__always)
    mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
        guard position < bytes.count else { return nil }
        let nameEnd = place(of: UInt8(ascii: "="), or: UInt8(ascii: ";"), from: position)
        let name = trimmed(position, nameEnd)
        var value = nameEnd..<nameEnd
        position = nameEnd
        if position < bytes.count, bytes[position] == UInt8(ascii: "=") {
            let end = endOfValue(from: position &+ 1)
            value = trimmed(position &+ 1, end)
            position = end
        }
        position &+= 1
        return (name, value)
    }

    /// A quoted value may hold semicolons, if its closing quote ends the value.
    @inline(__always)
    private func endOfValue(from start: Int) -> Int {
        var opening = start
        while opening < bytes.count, ASCII.isBlank(bytes[opening]) { opening &+= 1 }
        if opening < bytes.count, bytes[opening] == UInt8(ascii: "\""), let end = endOfQuoted(from: opening &+ 1) {
            return end
        }
        return place(of: UInt8(ascii: ";"), or: UInt8(ascii: ";"), from: start)
    }

    private func endOfQuoted(from start: Int) -> Int? {
        var index = start
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index &+= bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { return nil }
        index &+= 1
        while index < bytes.count, ASCII.isBlank(bytes[index]) { index &+= 1 }
        return index == bytes.count || bytes[index] == UInt8(ascii: ";") ? index : nil
    }

    @inline(__always)
    private func trimmed(_ start: Int, _ end: Int) -> Range<Int> {
        var (start, end) = (start, end)
        while start < end, ASCII.isBlank(bytes[start]) { start &+= 1 }
        while end > start, ASCII.isBlank(bytes[end &- 1]) { end &-= 1 }
        return start..<end
    }

    /// Where the next of two bytes stands, or the end; eight bytes at a time.
    @inline(__always)
    private func place(of one: UInt8, or other: UInt8, from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(bytes)
        var position = start
        while position &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let found = Self.marks(of: one, in: word) | Self.marks(of: other, in: word)
            if found != 0 { return position &+ found.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < bytes.count, bytes[position] != one, bytes[position] != other { position &+= 1 }
        return position
    }

    /// The highest bit of each byte that equals the one given; exact up to the first of them.
    @inline(__always)
    private static func marks(of byte: UInt8, in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let others = word ^ (ones &* UInt64(byte))
        return (others &- ones) & ~others & (ones &* 0x80)
    }
}
