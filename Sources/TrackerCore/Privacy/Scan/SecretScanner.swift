/// Finds the places in a text that should not leave the host: values after a telling name, what looks like a secret by
/// itself, and personal data.
///
/// A text is decoded if it has to be, and then read once, by ``ScanPass``. Keeps its buffers.
struct SecretScanner {
    private var pass: ScanPass
    private var decoded = DecodedText()

    /// What was found in the last text, in order and without overlap.
    private(set) var found: [Range<Int>] = []
    /// How often the last scan looked at bytes.
    private(set) var steps = 0
    /// Whether the last scan hit its bound.
    private(set) var isExhausted = false

    init(_ automaton: RuleAutomaton, keeping kept: PersonalData) {
        pass = ScanPass(automaton, keeping: kept)
    }

    /// - Parameter steps: how many looks at bytes are left; what can't be read with them is hidden.
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
        // Both passes of the decoder, and what it makes is read again.
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

    /// Adds a place, made wide enough for whole characters: what is left of one is no UTF-8.
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
