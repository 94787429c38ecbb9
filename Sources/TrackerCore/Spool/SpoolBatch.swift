/// Records that are written to a segment in one go.
struct SpoolBatch {
    private(set) var bytes: [UInt8] = []
    /// Where each record ends, and which of the caller's it is.
    private var ends: [Int] = []
    private var indices: [Int] = []

    var isEmpty: Bool { ends.isEmpty }

    mutating func append(_ record: SpoolRecord, _ index: Int) {
        SpoolFormat.append(record, to: &bytes)
        ends.append(bytes.count)
        indices.append(index)
    }

    /// Whole records that went in before a failure stay and count as stored.
    ///
    /// - Returns: how many bytes those take, and the failure.
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

/// A parcel as the spool keeps it: an event, or several as lines, and the key that they keep for life.
package struct SpoolRecord: Sendable, Equatable {
    package let key: ParcelKey
    /// When the oldest event was captured, in nanoseconds since 1970.
    package let capturedAt: UInt64
    /// The event's JSON, already filtered; or several, each ended by a line feed.
    package let body: [UInt8]
    /// How many events the body holds. JSON has no line feed inside, so they can be counted.
    package let eventCount: Int

    package init(key: ParcelKey, capturedAt: UInt64, body: [UInt8]) {
        self.key = key
        self.capturedAt = capturedAt
        self.body = body
        eventCount = max(1, body.withUnsafeBytes { bytes in bytes.reduce(0) { $0 &+ ($1 == 0x0A ? 1 : 0) } })
    }
}
