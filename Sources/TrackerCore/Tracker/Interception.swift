/// One request under way. It lives on the request's own stack, so that concurrent requests cannot mix.
///
/// Call ``finish(status:responseCookies:viewName:)`` when the handler has returned or thrown. A request counts once,
/// however often it is called.
public struct Interception: Sendable {
    private let gate: RequestGate
    private let ticket: UInt64
    private let snapshot: RequestSnapshot
    private let startedAt: UInt64
    private let receivedAt: Int64
    private let contentBytes: Int

    /// The visitor's session: the app's, or that of the cookie, or new.
    public let session: SessionIdentifier
    /// Whether the session began with this request and has to be stored.
    public let isNewSession: Bool
    /// Whether the app keeps sessions, so that the tracker's cookie is neither read nor set.
    private let isAppSession: Bool

    init(gate: RequestGate, snapshot: consuming RequestSnapshot) {
        self.init(gate: gate, snapshot: snapshot, isAppSession: false, known: nil)
    }

    /// - Parameter appSession: nil: the visitor has none yet. What the client sends as a cookie of that name counts for
    ///   nothing: it would let a visitor choose a session.
    init(gate: RequestGate, snapshot: consuming RequestSnapshot, appSession: SessionIdentifier?) {
        self.init(gate: gate, snapshot: snapshot, isAppSession: true, known: appSession)
    }

    @inline(__always)
    private init(
        gate: RequestGate, snapshot: consuming RequestSnapshot, isAppSession: Bool, known: SessionIdentifier?
    ) {
        self.gate = gate
        ticket = gate.nextTicket()
        receivedAt = SystemClock.wallNanoseconds()
        startedAt = SystemClock.monotonicNanoseconds()
        let measured = snapshot.headers.measured()
        contentBytes = measured.contentBytes
        self.isAppSession = isAppSession
        if let session = isAppSession ? known : measured.session {
            self.session = session
            isNewSession = false
        } else {
            self.session = SessionIdentifier()
            isNewSession = true
        }
        self.snapshot = snapshot
    }

    /// The `Set-Cookie` value to add to the response; nil if the visitor has the cookie already, or the app keeps
    /// sessions.
    public var sessionCookie: String? {
        isNewSession && !isAppSession ? SessionCookie.setCookie(session, isSecure: isSecure) : nil
    }

    private var isSecure: Bool {
        if snapshot.scheme == "https" { return true }
        return gate.forwardedOrigin.map { $0.resolve(snapshot).scheme == "https" } ?? false
    }

    /// Ends the measurement and hands the event over to the delivery thread. Never waits and never fails.
    ///
    /// - Parameters:
    ///   - status: the response's status code.
    ///   - responseCookies: the response's `Set-Cookie` values, without the tracker's own.
    ///   - viewName: the name of the handler or route; nil when nothing matched.
    public func finish(status: Int, responseCookies: [String] = [], viewName: String?) {
        if let request = tracked(status, responseCookies, viewName) {
            gate.mailbox.capture(request, ticket: ticket)
        } else {
            gate.mailbox.count(ticket) { $0.countSampledOut() }
        }
    }

    /// Ends the measurement and keeps the event back, for servers that must not begin to deliver before the client has
    /// its answer. The parameters are those of ``finish(status:responseCookies:viewName:)``.
    public func measure(status: Int, responseCookies: [String] = [], viewName: String?) -> MeasuredRequest {
        MeasuredRequest(
            request: tracked(status, responseCookies, viewName), ticket: ticket, mailbox: gate.mailbox)
    }

    /// - Returns: nil if the request is not in the sample.
    @inline(__always)
    private func tracked(_ status: Int, _ responseCookies: [String], _ viewName: String?) -> TrackedRequest? {
        let now = SystemClock.monotonicNanoseconds()
        var weight: Double?
        if let selection = gate.selection, selection.samples {
            weight = selection.weight(session: session, status: status)
            if weight == nil { return nil }
        }
        return TrackedRequest(
            snapshot: snapshot, session: session, receivedAt: receivedAt,
            processingNanoseconds: now > startedAt ? now - startedAt : 0, status: status,
            responseCookies: responseCookies, viewName: viewName, weight: weight, contentBytes: contentBytes,
            finishedAt: now)
    }
}
