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
    /// Whether the last scan hit a limit.
    private(set) var isExhausted = false

    init(_ automaton: RuleAutomaton, keeping kept: PersonalData) {
        pass = ScanPass(automaton, keeping: kept)
    }

    /// - Parameter bound: the number of byte reads left; a text longer than that is hidden as a whole.
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
