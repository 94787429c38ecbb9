import CLibrary

/// Prints each event as one line on standard output instead of sending it: a dry run.
///
/// - Important: The output contains the project token, as every event does.
public struct StandardOutputTransport: EventTransport {
    /// Creates the transport.
    public init() {}

    /// Opens a session that prints.
    public func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { payload in
            var line = payload.body
            if line.last != UInt8(ascii: "\n") { line.append(UInt8(ascii: "\n")) }
            let isWritten = line.withUnsafeBytes { Self.writeAll($0) }
            return DeliveryCompletion(
                identifier: payload.identifier,
                outcome: isWritten
                    ? .delivered : .drop(.transportUnavailable, because: "can't write to standard output"))
        }
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let written = write(1, rest.baseAddress, rest.count)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
        return true
    }
}
