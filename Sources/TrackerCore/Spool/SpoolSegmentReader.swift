import CLibrary

/// The records found in a segment's bytes.
struct SpoolSegmentContents: Equatable {
    struct Entry: Equatable {
        /// The record's offset in the file.
        var offset: Int
        var mark: UInt32
        var record: SpoolRecord

        var isDelivered: Bool { mark == SpoolFormat.deliveredMark }
        /// Whether its lines are sent one by one.
        var isSplit: Bool { mark == SpoolFormat.splitMark }
    }

    /// The intact records, in file order.
    var entries: [Entry] = []
    /// Unreadable records with readable data after them.
    var corrupt = 0
    /// 1 if the file ends with an incomplete record.
    var torn = 0
}

/// Parses the records of a segment that may be damaged.
///
/// Where there is no intact record (the writer died, a sector is bad), it skips to the next one: another process may
/// have appended after a dead one's torn record.
struct SpoolSegmentReader {
    private let bytes: CheckedBytes
    /// How many more bytes may be checksummed as bodies. A hostile file could claim a long body at every position; an
    /// intact file needs its own size, and a damaged one a little more for each damaged place.
    private var allowance: Int

    /// - Parameter start: the offset of the first record.
    static func read(
        _ buffer: UnsafeRawBufferPointer, from start: Int = SpoolFormat.fileHeaderBytes
    ) -> SpoolSegmentContents {
        var reader = SpoolSegmentReader(bytes: CheckedBytes(buffer), allowance: 16 * buffer.count)
        return reader.read(from: start)
    }

    private struct Header {
        var bodyCount: Int
        var checksum: UInt32
        var capturedAt: UInt64
        var key: ParcelKey
        var mark: UInt32
    }

    private mutating func read(from start: Int) -> SpoolSegmentContents {
        var contents = SpoolSegmentContents()
        var position = start
        /// Intact headers of damaged records since the last intact record; nil if there is no damage.
        var damagedHeaders: Int?
        while position < bytes.count {
            let header = header(at: position)
            if let header, let body = body(of: header, at: position) {
                if let found = damagedHeaders { contents.corrupt += max(1, found) }
                damagedHeaders = nil
                contents.entries.append(
                    .init(
                        offset: position, mark: header.mark,
                        record: SpoolRecord(key: header.key, capturedAt: header.capturedAt, body: body)))
                position += SpoolFormat.recordHeaderBytes + header.bodyCount
            } else {
                damagedHeaders = (damagedHeaders ?? 0) + (header == nil ? 0 : 1)
                guard allowance > 0, let next = nextCandidate(after: position) else { break }
                position = next
            }
        }
        if let found = damagedHeaders {
            contents.torn = 1
            contents.corrupt += max(0, found - 1)
        }
        return contents
    }

    private func header(at position: Int) -> Header? {
        let start = position + SpoolFormat.recordMagicOffset
        guard bytes.integer(at: start) == SpoolFormat.recordMagic,
            let checked = bytes.slice(at: start, count: SpoolFormat.checkedHeaderBytes),
            bytes.integer(at: position + 44) == CRC32.checksum(of: checked),
            let mark = bytes.integer(at: position, as: UInt32.self),
            let count = bytes.integer(at: position + 8, as: UInt32.self), count <= SpoolFormat.maximumBodyBytes,
            let capturedAt = bytes.integer(at: position + 12, as: UInt64.self),
            let high = bytes.integer(at: position + 20, as: UInt64.self),
            let low = bytes.integer(at: position + 28, as: UInt64.self),
            let first = bytes.integer(at: position + 36, as: UInt16.self),
            let lines = bytes.integer(at: position + 38, as: UInt16.self), lines <= UInt16.max - first,
            let checksum = bytes.integer(at: position + 40, as: UInt32.self)
        else { return nil }
        return Header(
            bodyCount: Int(count), checksum: checksum, capturedAt: capturedAt,
            key: ParcelKey(
                EventIdentifier(high: high.bigEndian, low: low.bigEndian),
                lines: lines == 0 ? nil : first..<first + lines),
            mark: mark)
    }

    private mutating func body(of header: Header, at position: Int) -> [UInt8]? {
        guard allowance > 0,
            let body = bytes.slice(at: position + SpoolFormat.recordHeaderBytes, count: header.bodyCount)
        else { return nil }
        allowance -= body.count
        return CRC32.checksum(of: body) == header.checksum ? [UInt8](body) : nil
    }

    /// The next position at which a record's magic would match.
    private func nextCandidate(after position: Int) -> Int? {
        var search = position + 1 + SpoolFormat.recordMagicOffset
        while let rest = bytes.slice(at: search, count: bytes.count - search), let base = rest.baseAddress,
            let hit = memchr(base, Int32(SpoolFormat.recordMagic & 0xFF), rest.count)
        {
            search += UnsafeRawPointer(hit) - base
            if bytes.integer(at: search) == SpoolFormat.recordMagic { return search - SpoolFormat.recordMagicOffset }
            search += 1
        }
        return nil
    }
}

/// Exposes the spool's reader to fuzzers.
package enum SpoolProbe {
    /// - Returns: the bodies of the intact records.
    package static func read(_ bytes: [UInt8]) -> [[UInt8]] {
        bytes.withUnsafeBytes { buffer in
            _ = SpoolFormat.readHeader(buffer)
            return SpoolSegmentReader.read(buffer).entries.map(\.record.body)
        }
    }

    /// Encodes a segment with these bodies.
    package static func segment(_ bodies: [[UInt8]]) -> [UInt8] {
        let identifiers = EventIdentifierGenerator()
        var bytes = SpoolFormat.fileHeader
        for body in bodies {
            SpoolFormat.append(
                SpoolRecord(
                    key: ParcelKey(identifiers.next()), capturedAt: SystemClock.epochNanoseconds(), body: body),
                to: &bytes)
        }
        return bytes
    }
}

/// Records to be written to a segment in one write.
struct SpoolBatch {
    private(set) var bytes: [UInt8] = []
    /// Where each record ends, and its index among the caller's records.
    private var ends: [Int] = []
    private var indices: [Int] = []

    var isEmpty: Bool { ends.isEmpty }

    mutating func append(_ record: SpoolRecord, _ index: Int) {
        SpoolFormat.append(record, to: &bytes)
        ends.append(bytes.count)
        indices.append(index)
    }

    /// Writes the batch. Whole records written before a failure stay and count as stored.
    ///
    /// - Returns: the bytes of those records, and the failure.
    func write(
        to segment: SpoolSegment, _ records: [SpoolRecord], _ areOut: Bool, _ places: inout [SpoolPlace?],
        _ result: inout SpoolAppendResult
    ) -> (whole: Int, failure: SystemError?) {
        let (whole, failure) = segment.write(bytes, ends: ends)
        var start = 0
        for (end, index) in zip(ends, indices) {
            let events = records[index].eventCount
            if end <= whole {
                let offset = segment.append(bytes: end - start, events: events, isOut: areOut)
                places[index] = SpoolPlace(segment: segment, offset: offset, events: events)
                result.stored += events
            } else if let failure {
                result.refuse(events, because: failure)
            }
            start = end
        }
        return (whole, failure)
    }
}

/// A parcel as stored in the spool: an event, or several as lines, and its permanent key.
package struct SpoolRecord: Sendable, Equatable {
    package let key: ParcelKey
    /// The time at which the oldest event was captured, in nanoseconds since 1970.
    package let capturedAt: UInt64
    /// The event's JSON, already filtered; or several, each ended by a line feed.
    package let body: [UInt8]
    /// The number of events in the body. The JSON contains no line feeds, so they can be counted.
    package let eventCount: Int

    package init(key: ParcelKey, capturedAt: UInt64, body: [UInt8]) {
        self.key = key
        self.capturedAt = capturedAt
        self.body = body
        eventCount = max(1, body.withUnsafeBytes { bytes in bytes.reduce(0) { $0 &+ ($1 == 0x0A ? 1 : 0) } })
    }
}
