/// Finds the parts of a text that should not leave the host: values of sensitive names, text that looks like a secret,
/// and personal data.
///
/// Decodes a text if necessary, then reads it once, with ``ScanPass``. Reuses its buffers.
struct SecretScanner {
    private var pass: ScanPass
    private var decoded = DecodedText()

    /// The ranges found in the last text, in order and without overlap.
    private(set) var found: [Range<Int>] = []
    /// The number of byte reads of the last scan.
    private(set) var steps = 0
    /// Whether the last scan reached a limit.
    private(set) var isExhausted = false

    init(_ automaton: RuleAutomaton, keeping kept: PersonalData) {
        pass = ScanPass(automaton, keeping: kept)
    }

    /// - Parameter bound: the number of byte reads left; a text that is longer is hidden as a whole.
    mutating func scan(
        _ bytes: UnsafeBufferPointer<UInt8>, _ context: ScanPass.Context, steps bound: Int = .max
    ) {
        if !found.isEmpty { found.removeAll(keepingCapacity: true) }
        guard bytes.count <= bound else {
            found.append(0..<bytes.count)
            steps = 1
            isExhausted = true
            return
        }
        guard DecodedText.needsDecoding(bytes) else {
            pass.run(bytes, context)
            takeOver()
            for range in pass.scratch.found { add(range, of: bytes) }
            return
        }
        // Two passes of the decoder, then a scan of the result.
        decoded.decode(bytes)
        decoded.bytes.withUnsafeBufferPointer { plain in
            decoded.marks.withUnsafeBufferPointer { marks in pass.run(plain, marks: marks, context) }
        }
        takeOver()
        steps += bytes.count
        for range in pass.scratch.found {
            let start = decoded.origin(of: range.lowerBound, sourceCount: bytes.count)
            let end = max(start, decoded.origin(of: range.upperBound, sourceCount: bytes.count))
            add(start..<end, of: bytes)
        }
    }

    /// Adds a range, widened to whole characters: part of a character is not valid UTF-8.
    private mutating func add(_ range: Range<Int>, of bytes: UnsafeBufferPointer<UInt8>) {
        var (start, end) = (range.lowerBound, range.upperBound)
        for _ in 0..<3 {
            if start > 0, start < bytes.count, bytes[start] & 0xC0 == 0x80 { start -= 1 }
            if end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        }
        start = max(start, found.last?.upperBound ?? 0)
        if start < end { found.append(start..<end) }
    }

    private mutating func takeOver() {
        steps = pass.steps
        isExhausted = pass.isExhausted
    }
}

/// A cache of values without secrets: browsers send the same few with every request.
///
/// Stores a 64-bit hash with a random seed: two values collide with a probability of 2^-64, and nobody can search for
/// such a pair.
struct CleanValues {
    private var hashes = [UInt64](repeating: 0, count: 512)
    private let seed = UInt64.random(in: .min ... .max)
    private var last: UInt64 = 0

    /// Returns whether the value is known to be clean, and selects it for ``insert()``.
    mutating func contains(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        last = hash(value)
        return hashes[Int(last % 512)] == last
    }

    mutating func insert() {
        hashes[Int(last % 512)] = last
    }

    private func hash(_ value: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let bytes = UnsafeRawBufferPointer(value)
        // Mix in the length before the first word, which could otherwise compensate for a different length.
        var hash = Self.stir(seed ^ UInt64(bytes.count))
        var position = 0
        while position &+ 8 <= bytes.count {
            hash = Self.stir(hash ^ bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position &+= 8
        }
        var rest: UInt64 = 0
        if bytes.count >= 8 {
            // The last eight bytes, some of them a second time.
            rest = bytes.loadUnaligned(fromByteOffset: bytes.count &- 8, as: UInt64.self)
        } else {
            for byte in bytes { rest = rest << 8 | UInt64(byte) }
        }
        return max(1, Self.stir(hash ^ rest))
    }

    @inline(__always)
    private static func stir(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }
}
