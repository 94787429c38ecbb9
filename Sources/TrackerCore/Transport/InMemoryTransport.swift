import CLibrary
import Synchronization

/// A transport that keeps events in memory instead of sending them, for tests of apps that use the tracker.
public final class InMemoryTransport: EventTransport {
    private struct State {
        var payloads: [DeliveryPayload] = []
        var delivered: [[UInt8]] = []
    }

    private let state = Mutex(State())
    private let respond: @Sendable (DeliveryPayload) -> DeliveryOutcome

    /// Creates a transport without events.
    ///
    /// - Parameter respond: the backend's response to a payload; by default it accepts everything.
    public init(respond: @escaping @Sendable (DeliveryPayload) -> DeliveryOutcome = { _ in .delivered }) {
        self.respond = respond
    }

    /// The delivered events as JSON, in order.
    public var events: [String] {
        state.withLock { $0.delivered }.map { String(decoding: $0, as: UTF8.self) }
    }

    /// All payloads that were sent, retries included, in order.
    public var payloads: [DeliveryPayload] {
        state.withLock { $0.payloads }
    }

    /// Removes all events and payloads.
    public func removeAll() {
        state.withLock { $0 = State() }
    }

    /// Opens a session that records what is sent.
    public func open() throws(TransportUnavailable) -> any TransportSession {
        ImmediateSession { [self] payload in
            let outcome = respond(payload)
            state.withLock { state in
                state.payloads.append(payload)
                guard outcome == .delivered else { return }
                if payload.eventCount == 1 {
                    state.delivered.append(payload.body)
                } else {
                    state.delivered += payload.body.split(separator: UInt8(ascii: "\n")).map(Array.init)
                }
            }
            return DeliveryCompletion(identifier: payload.identifier, outcome: outcome)
        }
    }
}

/// The error thrown if events that would have left the host contain a secret.
public struct SecretLeaked: Error, Sendable, CustomStringConvertible {
    /// The events that contain it, as JSON.
    public let events: [String]

    /// The number of events that contain it, and the first of them, which shows the secret.
    public var description: String {
        "a secret is in \(events.count) \(events.count == 1 ? "event" : "events"), the first: \(events.first ?? "")"
    }
}

extension InMemoryTransport {
    /// Throws if a secret appears in the events so far, verbatim, percent-encoded, or escaped for JSON.
    ///
    ///     let transport = InMemoryTransport()
    ///     let tracker = try Tracker(configuration: configuration, transport: transport)
    ///     // … requests with the secret in their headers, cookies and queries …
    ///     await tracker.flush()
    ///     try transport.requireAbsence(of: "hunter2")
    ///
    /// - Throws: ``SecretLeaked`` with the events that contain it.
    public func requireAbsence(of secrets: String...) throws(SecretLeaked) {
        let forms = secrets.filter { !$0.isEmpty }.flatMap(Self.forms)
        let leaks = payloads.map { String(decoding: $0.body, as: UTF8.self) }
            .filter { text in
                let decoded = String(decoding: PercentEncoding.decode(text.utf8), as: UTF8.self)
                return forms.contains { text.contains($0) || decoded.contains($0) }
            }
        if !leaks.isEmpty { throw SecretLeaked(events: leaks) }
    }

    private static func forms(of secret: String) -> [String] {
        var writer = JSONWriter()
        writer.content(secret)
        return [secret, PercentEncoding.encodeComponent(secret), String(decoding: writer.bytes, as: UTF8.self)]
    }
}

/// A transport for dry runs, which prints each event as one line on standard output instead of sending it.
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
            let isWritten = FileOutput.write(line, to: 1)
            return DeliveryCompletion(
                identifier: payload.identifier,
                outcome: isWritten
                    ? .delivered : .drop(.transportUnavailable, because: "can't write to standard output"))
        }
    }
}
