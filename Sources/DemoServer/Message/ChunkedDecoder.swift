import TrackerCore

/// Decodes the chunked transfer coding (RFC 9112, section 7.1), a piece at a time.
struct ChunkedDecoder {
    private enum Position {
        case size, sizeSpace, extensions, sizeEnd, data(Int), dataEnd, dataEndLF, trailerStart, trailer, trailerEnd,
            finalLF, done
    }

    private var state = Position.size
    private var size = 0
    private var digits = 0
    /// Bytes of chunk extensions and trailers, which are discarded but limited.
    private var overhead = 0
    private static let maximumOverhead = 16 * 1024

    var isDone: Bool {
        if case .done = state { true } else { false }
    }

    /// Decodes as much as it can.
    ///
    /// - Returns: how many bytes of the input were consumed.
    mutating func decode(
        _ input: ArraySlice<UInt8>, into body: inout [UInt8], limit: Int
    ) throws(RequestRefusal) -> Int {
        var index = input.startIndex
        while index < input.endIndex {
            if case .data(let left) = state {
                let count = min(left, input.endIndex - index)
                guard body.count + count <= limit else { throw RequestRefusal(413, "the body is too large") }
                body.append(contentsOf: input[index..<(index + count)])
                index += count
                state = count == left ? .dataEnd : .data(left - count)
                continue
            }
            if isDone { break }
            try step(input[index], limit: limit)
            index += 1
        }
        return index - input.startIndex
    }

    private mutating func step(_ byte: UInt8, limit: Int) throws(RequestRefusal) {
        switch state {
        case .size:
            if let digit = PercentEncoding.hexValue(byte).map(Int.init) {
                digits += 1
                guard digits <= 15 else { throw RequestRefusal(400, "a chunk's size is too long") }
                size = size << 4 | digit
                guard size <= limit else { throw RequestRefusal(413, "the body is too large") }
            } else {
                guard digits > 0 else { throw RequestRefusal(400, "a chunk without a size") }
                if byte == 0x0D { state = .sizeEnd } else { try beginExtensions(byte) }
            }
        case .sizeSpace:
            try countOverhead()
            if byte == 0x0D { state = .sizeEnd } else { try beginExtensions(byte) }
        case .extensions:
            try countOverhead()
            if byte == 0x0D { state = .sizeEnd } else { try checkText(byte) }
        case .sizeEnd:
            guard byte == 0x0A else { throw RequestRefusal(400, "a CR without LF in a chunk's size") }
            state = size == 0 ? .trailerStart : .data(size)
            size = 0
            digits = 0
        case .dataEnd:
            guard byte == 0x0D else { throw RequestRefusal(400, "a chunk is longer than its size") }
            state = .dataEndLF
        case .dataEndLF:
            guard byte == 0x0A else { throw RequestRefusal(400, "a chunk is longer than its size") }
            state = .size
        case .trailerStart:
            try countOverhead()
            if byte == 0x0D {
                state = .finalLF
            } else {
                try checkText(byte)
                state = .trailer
            }
        case .trailer:
            try countOverhead()
            if byte == 0x0D { state = .trailerEnd } else { try checkText(byte) }
        case .trailerEnd:
            guard byte == 0x0A else { throw RequestRefusal(400, "a CR without LF in a trailer") }
            state = .trailerStart
        case .finalLF:
            guard byte == 0x0A else { throw RequestRefusal(400, "a CR without LF after the last chunk") }
            state = .done
        case .data, .done: break
        }
    }

    private mutating func beginExtensions(_ byte: UInt8) throws(RequestRefusal) {
        switch byte {
        case UInt8(ascii: ";"): state = .extensions
        case 0x20, 0x09: state = .sizeSpace
        default: throw RequestRefusal(400, "a chunk's size is not hexadecimal")
        }
    }

    private mutating func countOverhead() throws(RequestRefusal) {
        overhead += 1
        guard overhead <= Self.maximumOverhead else {
            throw RequestRefusal(431, "too many chunk extensions or trailers")
        }
    }

    private func checkText(_ byte: UInt8) throws(RequestRefusal) {
        guard ASCII.isFieldByte(byte) else {
            throw RequestRefusal(400, "a control character in a chunk extension or trailer")
        }
    }
}
