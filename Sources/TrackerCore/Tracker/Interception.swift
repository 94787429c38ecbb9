import Synchronization

/// The measurement of one request. It is a value that belongs to that request alone, so that concurrent requests cannot
/// be mixed up.
///
/// Call ``finish(status:responseCookies:viewName:)`` when the handler has returned or thrown. Further calls are no-ops:
/// a request counts once. A measurement that never ends produces no event and is not counted.
public struct Interception: Sendable {
    private let gate: RequestGate
    private let ticket: UInt64
    private let start: RequestStart

    /// The visitor's session: the app's, the cookie's, or a new one.
    public var session: SessionIdentifier { start.session }
    /// Whether the session is new and must be stored.
    public let isNewSession: Bool
    /// Whether the app has its own sessions, so that the tracker's cookie is neither read nor set.
    private let isAppSession: Bool

    init(gate: RequestGate, snapshot: consuming RequestSnapshot) {
        self.init(gate: gate, snapshot: snapshot, isAppSession: false, known: nil)
    }

    /// - Parameter appSession: nil if the visitor has none yet. The tracker's cookie is ignored, because it would let a
    ///   visitor choose a session.
    init(gate: RequestGate, snapshot: consuming RequestSnapshot, appSession: SessionIdentifier?) {
        self.init(gate: gate, snapshot: snapshot, isAppSession: true, known: appSession)
    }

    @inline(__always)
    private init(
        gate: RequestGate, snapshot: consuming RequestSnapshot, isAppSession: Bool, known: SessionIdentifier?
    ) {
        self.gate = gate
        ticket = gate.nextTicket()
        let receivedAt = SystemClock.wallNanoseconds()
        let startedAt = SystemClock.monotonicNanoseconds()
        let session = isAppSession ? known : snapshot.headers.session
        let contentBytes = snapshot.headers.contentBytes
        isNewSession = session == nil
        self.isAppSession = isAppSession
        start = RequestStart(
            snapshot: snapshot, session: session ?? SessionIdentifier(), receivedAt: receivedAt,
            startedAt: startedAt, contentBytes: contentBytes)
    }

    /// The `Set-Cookie` value to add to the response; nil if the visitor has the cookie already, or the app has its own
    /// sessions.
    public var sessionCookie: String? {
        isNewSession && !isAppSession ? SessionCookie.setCookie(session, isSecure: isSecure) : nil
    }

    private var isSecure: Bool {
        if start.snapshot.scheme == "https" { return true }
        return gate.forwardedOrigin.map {
            $0.resolve(start.snapshot.headers.fields, peer: start.snapshot.remoteAddress).scheme == "https"
        } ?? false
    }

    /// Ends the measurement and queues the event for the delivery thread. Never waits and never fails.
    ///
    /// - Parameters:
    ///   - status: the response's status code.
    ///   - responseCookies: the response's `Set-Cookie` values, without the tracker's own.
    ///   - viewName: the name of the handler or route; nil if nothing matched.
    public func finish(status: Int, responseCookies: consuming [String] = [], viewName: consuming String?) {
        finish(
            at: SystemClock.monotonicNanoseconds(), status: status, responseCookies: responseCookies, viewName: viewName
        )
    }

    /// Queues the event of a measurement that ended earlier, for servers that must not deliver before the client has
    /// its response.
    ///
    /// - Parameter now: the end of the measurement, in monotonic nanoseconds.
    @inline(__always)
    package func finish(
        at now: UInt64, status: Int, responseCookies: consuming [String] = [], viewName: consuming String?
    ) {
        if let request = tracked(now, status, responseCookies, viewName) {
            gate.mailbox.capture(request, ticket: ticket)
        } else {
            gate.mailbox.count(ticket) { $0.countSampledOut() }
        }
    }

    /// Ends the measurement and returns the event unsent, for servers that must not deliver before the client has its
    /// response. The parameters are those of ``finish(status:responseCookies:viewName:)``.
    package func measure(status: Int, responseCookies: [String] = [], viewName: String?) -> MeasuredRequest {
        measure(
            at: SystemClock.monotonicNanoseconds(), status: status, responseCookies: responseCookies, viewName: viewName
        )
    }

    /// Returns the event of a measurement that ended earlier.
    ///
    /// - Parameter now: the end of the measurement, in monotonic nanoseconds.
    package func measure(
        at now: UInt64, status: Int, responseCookies: [String] = [], viewName: String?
    ) -> MeasuredRequest {
        MeasuredRequest(
            request: tracked(now, status, responseCookies, viewName), ticket: ticket, mailbox: gate.mailbox)
    }

    /// - Returns: nil if the request is not sampled.
    @inline(__always)
    private func tracked(
        _ now: UInt64, _ status: Int, _ responseCookies: consuming [String], _ viewName: consuming String?
    ) -> TrackedRequest? {
        var weight: Double?
        if let selection = gate.selection, selection.samples {
            weight = selection.weight(session: session, status: status)
            if weight == nil { return nil }
        }
        return TrackedRequest(
            start, status: status, responseCookies: responseCookies, viewName: viewName, weight: weight,
            finishedAt: now)
    }
}

/// A measured request whose event has not been queued yet. Without ``send()`` it produces no event and is not counted.
package struct MeasuredRequest: Sendable {
    /// nil if the request is not sampled.
    let request: TrackedRequest?
    let ticket: UInt64
    let mailbox: Mailbox

    /// Whether there is an event; false if the request is not sampled.
    package var hasEvent: Bool { request != nil }

    /// Queues the event for the tracker that began the measurement. Further calls are no-ops: a request counts once.
    package func send() { send(to: mailbox) }

    /// Queues the event for another tracker, for example one with shorter timeouts.
    ///
    /// If that tracker is disabled, the one that began the measurement counts the event as dropped.
    package func send(through tracker: Tracker) {
        if let other = tracker.mailbox {
            send(to: other)
        } else {
            mailbox.count(ticket) { $0.refuse(.disabled) }
        }
    }

    private func send(to target: Mailbox) {
        if let request {
            target.capture(request, ticket: ticket)
        } else {
            mailbox.count(ticket) { $0.countSampledOut() }
        }
    }
}

/// Decides whether a request is measured, and holds the mailbox for its event. One per tracker.
final class RequestGate: Sendable {
    /// Selects the requests that become events; nil if all do.
    let selection: Selection?
    /// Reads the forwarded fields of trusted proxies; nil if none are trusted.
    let forwardedOrigin: ForwardedOrigin?
    let mailbox: Mailbox
    private let tickets = Atomic<UInt64>(0)

    init(configuration: TrackerConfiguration, mailbox: Mailbox) {
        selection = Selection(configuration)
        forwardedOrigin = ForwardedOrigin(configuration.trustedProxies)
        self.mailbox = mailbox
    }

    /// Returns whether the request is measured; counts it as ignored if it is not.
    func admits(_ snapshot: RequestSnapshot) -> Bool {
        guard let selection, selection.ignores(snapshot) else { return true }
        mailbox.countIgnored()
        return false
    }

    /// Returns a number for a measurement, so that its event is counted once. Never 0.
    func nextTicket() -> UInt64 { tickets.add(1, ordering: .relaxed).newValue }
}

/// Selects the requests that become events: ignore rules, opt-outs and sampling.
struct Selection: Sendable {
    private let rules: [IgnoreRule]
    private let honorsOptOut: Bool
    /// Sessions whose hash is below it are sampled; nil: all.
    private let threshold: UInt64?
    private let rate: Double
    private let keepsServerErrors: Bool
    /// Derived from the project token, so that all processes of a project sample the same sessions, and no client can
    /// tell which ones they are.
    private let key: UInt64

    /// - Returns: nil if every request becomes an event.
    init?(_ configuration: TrackerConfiguration) {
        rules = configuration.ignore
        honorsOptOut = configuration.honorsDoNotTrack
        rate = min(1, max(0, configuration.sampleRate))
        threshold = rate < 1 ? UInt64(rate * 9_007_199_254_740_992) : nil
        keepsServerErrors = configuration.keepsServerErrors
        // FNV-1a, 64 bits.
        key = configuration.projectToken.utf8.reduce(0xCBF2_9CE4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3
        }
        if rules.isEmpty, !honorsOptOut, threshold == nil { return nil }
    }

    /// Whether the request is not tracked, so that its visitor gets no cookie.
    func ignores(_ snapshot: RequestSnapshot) -> Bool {
        // Copying the snapshot costs ten atomic operations.
        guard !rules.isEmpty || honorsOptOut else { return false }
        var request = ReadRequest(snapshot)
        for rule in rules where rule.isMatch(&request) { return true }
        guard honorsOptOut else { return false }
        return request.fields.contains { field in
            field.value == "1"
                && (RequestHeaders.isEqual(field.name, "dnt") || RequestHeaders.isEqual(field.name, "sec-gpc"))
        }
    }

    /// Returns how many requests this one's event stands for; nil: no event. All requests of a session are sampled
    /// alike, except server errors if they are kept.
    func weight(session: SessionIdentifier, status: Int) -> Double? {
        guard let threshold else { return 1 }
        if keepsServerErrors, status >= 500 { return 1 }
        // A client may choose its own id, but should not choose whether it is sampled.
        let mixed = Self.mix(Self.mix(session.low ^ key) ^ session.high ^ key.byteSwapped)
        return mixed >> 11 < threshold ? 1 / rate : nil
    }

    /// Combines both halves of the full product, so that each bit of the result depends on nearly all bits of the
    /// value.
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = (value ^ 0xD6E8_FEB8_6659_FD93).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    /// Whether events need a weight.
    var samples: Bool { threshold != nil }
}
