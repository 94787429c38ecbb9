import TrackerCore

/// How the middleware reads a router's own request and response types.
///
/// The closures run while the request is served: they should only hand over what is there. None of them is called if
/// analytics are disabled.
public struct AnalyticsMapping<Request, Response>: Sendable {
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
    public var statusOfError: @Sendable (any Error) -> Int?
    /// The visitor's session, where the app keeps sessions itself. Set together with `storeSession`; the tracker's own
    /// cookie is not used then.
    public var session: (@Sendable (Request) -> SessionIdentifier?)?
    /// Stores a new session in the app's own; called before the handler.
    public var storeSession: @Sendable (Request, SessionIdentifier) -> Void

    /// Makes a mapping; the properties say what each closure is for.
    public init(
        snapshot: @escaping @Sendable (Request) -> RequestSnapshot,
        viewName: @escaping @Sendable (Request) -> String?,
        status: @escaping @Sendable (Response) -> Int,
        responseCookies: @escaping @Sendable (Response) -> [String],
        addCookie: @escaping @Sendable (inout Response, String) -> Void,
        statusOfError: @escaping @Sendable (any Error) -> Int? = { _ in nil },
        session: (@Sendable (Request) -> SessionIdentifier?)? = nil,
        storeSession: @escaping @Sendable (Request, SessionIdentifier) -> Void = { _, _ in }
    ) {
        self.snapshot = snapshot
        self.viewName = viewName
        self.status = status
        self.responseCookies = responseCookies
        self.addCookie = addCookie
        self.statusOfError = statusOfError
        self.session = session
        self.storeSession = storeSession
    }
}
