/// Reads bytes as a spool would, so that fuzzers can reach its reader and nothing else.
package enum SpoolProbe {
    /// - Returns: the bodies of the records that are intact.
    package static func read(_ bytes: [UInt8]) -> [[UInt8]] {
        bytes.withUnsafeBytes { buffer in
            _ = SpoolFormat.readHeader(buffer)
            return SpoolSegmentReader.read(buffer).entries.map(\.record.body)
        }
    }

    /// A segment with these bodies.
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
