import TrackerCore

/// The closures that read a router's request and response types.
///
/// - Important: The closures run while the request is served, so they should only return values that are at hand. None
///   of them is called if analytics are disabled.
public struct AnalyticsMapping<Request, Response>: Sendable {
    /// The store in which an app keeps its visitors' sessions. It is asked before the handler runs, so the app's session
    /// middleware must come before the tracking middleware.
    ///
    ///     mapping.sessionStore = .init(
    ///         load: { request in request.session.flatMap { SessionIdentifier($0["analytics"] ?? "") } },
    ///         store: { request, session in request.session?["analytics"] = session.description })
    public struct SessionStore: Sendable {
        /// Returns the visitor's session; nil if there is none yet.
        public var load: @Sendable (Request) -> SessionIdentifier?
        /// Stores a new session; called before the handler.
        public var store: @Sendable (Request, SessionIdentifier) -> Void

        /// Creates a store.
        public init(
            load: @escaping @Sendable (Request) -> SessionIdentifier?,
            store: @escaping @Sendable (Request, SessionIdentifier) -> Void
        ) {
            self.load = load
            self.store = store
        }
    }

    /// Returns what the event needs from a request; called before its handler.
    public var snapshot: @Sendable (Request) -> RequestSnapshot
    /// Returns the name of the handler or route, nil if nothing matched; called after the handler, when routing is
    /// done.
    public var viewName: @Sendable (Request) -> String?
    /// Returns the response's status code.
    public var status: @Sendable (Response) -> Int
    /// Returns the values of the response's `Set-Cookie` fields.
    public var responseCookies: @Sendable (Response) -> [String]
    /// Adds a `Set-Cookie` field with this value.
    public var addCookie: @Sendable (inout Response, String) -> Void
    /// Returns the status with which the app will answer a thrown error; nil means 500, or 499 for a
    /// `CancellationError`.
    ///
    /// - Important: Frameworks also throw errors for 404 and 403. If this always returns nil, each is recorded as 500.
    public var statusOfError: @Sendable (any Error) -> Int?
    /// Returns the response that the framework would give to a thrown error. If it returns nil or throws, the original
    /// error is rethrown.
    ///
    /// With it the middleware responds itself, so that the response's own status is recorded, and an error page carries
    /// the session cookie like any other page.
    public var responseForError: (@Sendable (any Error, Request) throws -> Response?)?
    /// Where the app keeps sessions; nil: in the tracker's own cookie. With a store, no cookie is read or set.
    public var sessionStore: SessionStore?

    /// Creates a mapping; the properties describe each closure.
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
