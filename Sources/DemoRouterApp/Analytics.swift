import DemoServer
import TrackerCore
import TrackerRouterAdapter

/// Maps the demo server's requests and responses for the tracker.
enum Analytics {
    static func middleware(_ tracker: Tracker) -> AnalyticsMiddleware<HTTPRequest, HTTPResponse> {
        AnalyticsMiddleware(
            tracker: tracker,
            mapping: .init(
                snapshot: { request in
                    RequestSnapshot(
                        method: request.method, target: request.target, scheme: "http",
                        serverAuthority: request.localAuthority, headers: RequestHeaders(request.headers),
                        remoteAddress: request.remoteAddress)
                },
                viewName: { request in request.routeName },
                status: { response in response.status },
                responseCookies: { response in
                    response.headers.filter { $0.name == "Set-Cookie" }.map(\.value)
                },
                addCookie: { response, cookie in response.headers.append(("Set-Cookie", cookie)) },
                statusOfError: { error in (error as? HTTPError)?.status }))
    }
}
