/// What every attempt to deliver the same events carries as `Idempotency-Key`, so that a backend can tell a repetition.
///
/// A part of a parcel that has to travel by itself has a key that follows from the parcel's: whoever takes the parcel
/// apart again, after a restart or in another process, gets the same keys.
package struct ParcelKey: Hashable, Sendable, CustomStringConvertible {
    package let identifier: EventIdentifier
    /// Which lines of the parcel that `identifier` names; nil: all.
    package let lines: Range<UInt16>?

    package init(_ identifier: EventIdentifier, lines: Range<UInt16>? = nil) {
        self.identifier = identifier
        self.lines = lines
    }

    /// The key of some of this parcel's lines.
    ///
    /// - Parameter part: counted from this parcel's first line.
    func part(_ part: Range<Int>) -> ParcelKey {
        let start = lines?.lowerBound ?? 0
        return ParcelKey(
            identifier,
            lines: start &+ UInt16(clamping: part.lowerBound)..<start &+ UInt16(clamping: part.upperBound))
    }

    /// The identifier; for one line of a parcel with its position behind it, for several with the first and the last.
    package var text: String {
        guard let lines else { return identifier.text }
        let first = "\(identifier.text)-\(lines.lowerBound)"
        return lines.count == 1 ? first : "\(first)-\(lines.upperBound - 1)"
    }

    package var description: String { text }

    /// Appends the text's bytes, for a whole parcel without making a string.
    func append(to buffer: inout [UInt8]) {
        if lines == nil { identifier.append(to: &buffer) } else { buffer.append(contentsOf: text.utf8) }
    }
}
