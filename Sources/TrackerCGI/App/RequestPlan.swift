import TrackerCore

/// How a request will be answered: its route, chosen before its body is read.
struct RequestPlan: Sendable {
    let match: RouteTable.Match
    let app: CGIApp.Snapshot

    init(_ request: CGIRequest, _ app: CGIApp.Snapshot) {
        self.app = app
        match = app.routes.match(method: request.method, path: request.pathInfo)
        switch match {
        case .route(let route, let parameters), .options(let route, let parameters, _):
            request.setRoute(name: route.name, parameters: parameters)
        case .redirect, .methodNotAllowed, .notFound: break
        }
    }

    var bodyPolicy: CGIBodyPolicy {
        if case .route(let route, _) = match { return route.body }
        return .collected()
    }

    var maximumBodyBytes: Int { bodyPolicy.maximumBytes(default: app.configuration.maximumBodyBytes) }

    /// True if answering runs asynchronous code, and therefore needs a task.
    var isAsync: Bool {
        if app.isAsync { return true }
        if case .route(let route, _) = match { return route.handler.isAsync }
        return false
    }

    var handler: CGIHandler<CGIResponse>? {
        if case .route(let route, _) = match { return route.handler }
        return nil
    }

    /// Returns the response if there is no handler.
    func automaticResponse(to request: CGIRequest) -> CGIResponse {
        switch match {
        case .route, .notFound: return app.page(404, for: request)
        case .options(_, _, let allowed):
            return CGIResponse(headers: [("Allow", allowed.joined(separator: ", "))])
        case .methodNotAllowed(let allowed):
            var response = app.page(405, for: request)
            response.setHeader("Allow", allowed.joined(separator: ", "))
            return response
        case .redirect(let path):
            var location = PercentEncoding.encodePath((request.scriptName + path).utf8)
            // Two slashes at the start would name another host.
            while location.utf8.starts(with: "//".utf8) { location = String(location.dropFirst()) }
            if !request.query.isEmpty { location += "?" + PercentEncoding.encodeInvisible(request.query.utf8) }
            return .redirect(to: location, status: 308)
        }
    }
}

extension CGIApp.Snapshot {
    /// Returns the page for a body that failed before its first byte.
    func errorPage(for request: CGIRequest) -> CGIResponse { page(500, for: request).checked(for: request) }

    /// Returns the page for a status that the app itself answers with.
    func page(_ status: Int, for request: CGIRequest, detail: String? = nil) -> CGIResponse {
        if let handler = statusHandlers[status] { return handler(request) }
        var text = "\(status) \(ReasonPhrase.standard(status))\n"
        if let detail { text += "\n\(detail)\n" }
        var response = CGIResponse(text: text, status: status)
        if status == 503 { response.setHeader("Retry-After", "1") }
        return response
    }
}
