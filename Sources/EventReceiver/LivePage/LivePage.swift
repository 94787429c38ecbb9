import DemoServer

/// The page that shows events as they come. Its parts are in this program: nothing is loaded from anywhere else.
enum LivePage {
    /// Nothing inline, nothing from elsewhere: whatever an event says, the browser runs only what is served here.
    static let contentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static let style = LivePageStyle.base + LivePageStyle.charts + LivePageStyle.list + LivePageStyle.narrow
    static let script =
        LivePageScript.model + LivePageScript.charts + LivePageScript.list + LivePageScript.detail
        + LivePageScript.main

    static func addRoutes(to router: Router) {
        add("/", "text/html", LivePageMarkup.page, to: router)
        add("/live.css", "text/css", style, to: router)
        add("/live.js", "text/javascript", script, to: router)
    }

    private static func add(_ path: String, _ type: String, _ text: String, to router: Router) {
        let headers = [
            (name: "Content-Type", value: "\(type); charset=utf-8"),
            (name: "Content-Security-Policy", value: contentSecurityPolicy),
            (name: "X-Content-Type-Options", value: "nosniff"), (name: "Referrer-Policy", value: "no-referrer"),
            (name: "Cross-Origin-Resource-Policy", value: "same-origin"), (name: "Cache-Control", value: "no-cache"),
        ]
        let bytes = Array(text.utf8)
        router.on("GET", path, name: "live page") { _ in HTTPResponse(headers: headers, body: .bytes(bytes)) }
    }
}
