import Hummingbird
import Synchronization
import TrackerCore

/// The session of one request, as middleware loads and stores it.
final class AppSession: Sendable {
    private let values = Mutex((data: [String: String](), isEdited: false))

    // snippet.session
    /// The visitor's id, created in the app's session if it has none.
    func analyticsSession() -> SessionIdentifier {
        if let known = self["analytics"].flatMap({ SessionIdentifier($0) }) { return known }
        let created = SessionIdentifier()
        self["analytics"] = created.description
        return created
    }
    // snippet.end

    subscript(key: String) -> String? {
        get { values.withLock { $0.data[key] } }
        set {
            values.withLock { values in
                values.data[key] = newValue
                values.isEdited = true
            }
        }
    }

    func load(_ data: [String: String]) { values.withLock { $0 = (data, false) } }

    /// nil if nothing has changed.
    var edited: [String: String]? { values.withLock { $0.isEdited ? $0.data : nil } }
}

/// Keeps sessions in memory, for `--sessions`; stands in for the middleware of the same name in hummingbird-auth.
final class SessionMiddleware: RouterMiddleware {
    private let stored = Mutex<[String: [String: String]]>([:])

    func handle(
        _ request: Request, context: AppContext, next: (Request, AppContext) async throws -> Response
    ) async throws -> Response {
        let known = request.cookies["app-session"]?.value
        let data = known.flatMap { known in stored.withLock { $0[known] } }
        if let data { context.sessions.load(data) }
        var response = try await next(request, context)
        if let edited = context.sessions.edited {
            let name = data == nil ? SessionIdentifier().description : known ?? ""
            stored.withLock { $0[name] = edited }
            if data == nil { response.setCookie(Cookie(name: "app-session", value: name, path: "/")) }
        }
        return response
    }
}
