import TrackerCore

/// How the middleware reads a router's own request and response types.
///
/// The closures run while the request is served: they should only hand over what is there. None of them is called if
/// analytics are disabled.
public struct AnalyticsMapping<Request, Response>: Sendable {
    /// Where an app keeps its visitors' sessions.
    ///
    ///     mapping.sessionStore = .init(
    ///         load: { request in request.session.flatMap { SessionIdentifier($0["analytics"] ?? "") } },
    ///         store: { request, session in request.session?["analytics"] = session.description })
    public struct SessionStore: Sendable {
        /// The visitor's session; nil if there is none yet.
        public var load: @Sendable (Request) -> SessionIdentifier?
        /// Keeps a new session; called before the handler.
        public var store: @Sendable (Request, SessionIdentifier) -> Void

        /// Makes a store of its two halves.
        public init(
            load: @escaping @Sendable (Request) -> SessionIdentifier?,
            store: @escaping @Sendable (Request, SessionIdentifier) -> Void
        ) {
            self.load = load
            self.store = store
        }
    }

    /// Takes what the event needs of a request, before its handler runs.
    public var snapshot: @Sendable (Request) -> RequestSnapshot
    /// The name of the handler or route; asked after the handler, when routing is done. nil where nothing matched.
    public var viewName: @Sendable (Request) -> String?
    /// The response's status code.
    public var status: @Sendable (Response) -> Int
    /// The values of the response's `Set-Cookie` fields.
    public var responseCookies: @Sendable (Response) -> [String]
    /// Adds a `Set-Cookie` field with this value.
    public var addCookie: @Sendable (inout Response, String) -> Void
    /// The status that the app will answer a thrown error with; nil: 500, and 499 for a cancelled task.
    ///
    /// - Important: Frameworks answer 404 and 403 by errors, too. Where this always gives nil, each of them is recorded
    ///   as 500.
    public var statusOfError: @Sendable (any Error) -> Int?
    /// The answer that the framework would give to a thrown error; nil, or an error: it is thrown on.
    ///
    /// With it the middleware answers itself, so that the answer's own status is recorded, and an error page carries the
    /// session's cookie like any other.
    public var responseForError: (@Sendable (any Error, Request) throws -> Response?)?
    /// Where the app keeps sessions; nil: in a cookie of the tracker's. With a store no cookie is read or set.
    public var sessionStore: SessionStore?

    /// Makes a mapping; the properties say what each closure is for.
    public init(
        snapshot: @escaping @Sendable (Request) -> RequestSnapshot,
        viewName: @escaping @Sendable (Request) -> String?,
        status: @escaping @Sendable (Response) -> Int,
        responseCookies: @escaping @Sendable (Response) -> [String],
        addCookie: @escaping @Sendable (inout Response, String) -> Void,
        statusOfError: @escaping @Sendable (any Error) -> Int?,
        responseForError: (@Sendable (any Error, Request) throws -> Response?)? = nil,
        sessionStore: SessionStore? = nil
    ) {
        self.snapshot = snapshot
        self.viewName = viewName
        self.status = status
        self.responseCookies = responseCookies
        self.addCookie = addCookie
        self.statusOfError = statusOfError
        self.responseForError = responseForError
        self.sessionStore = sessionStore
    }
}
