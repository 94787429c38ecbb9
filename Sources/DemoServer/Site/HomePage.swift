/// The home page, with links to all routes.
package enum HomePage {
    private static let links = [
        ("/hello/world/", "a page with a parameter"), ("/cbv/", "GET, POST, or 405"),
        ("/boom/", "a handler that throws"),
        ("/redir/", "a redirect to this page"), ("/stream/", "three chunks over 300 ms"),
        ("/setcookie/", "three cookies"), ("/form/", "form fields as JSON"), ("/json/", "the body's length"),
        ("/upload/", "the sizes of uploaded files"), ("/denied/", "403"), ("/nf/", "404"), ("/susp/", "400"),
        ("/nocontent/", "204"), ("/any/thing/at/all", "any path"), ("/ns/in/", "a second way to the home page"),
        ("/e/5/some-id/2000/", "status 418 after 2 ms"), ("/no/such/page", "no route: 404"),
    ]

    /// - Parameter livePage: the URL of the live page, if known.
    package static func html(livePage: String? = nil) -> String {
        let watch = livePage.map { " <a href=\"\($0)\">Watch the events live</a>." } ?? ""
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>RigidAnalytics demo</title>
            <style>
            body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 40rem; padding: 0 1rem }
            @media (prefers-color-scheme: dark) { body { background: #111; color: #eee } a { color: #8cf } }
            </style>
            <h1>A tracked site</h1>
            <p>Each request to it is measured, and one event about it is sent in the background.\(watch) Try them:</p>
            <ul>
            \(links.map { "<li><a href=\"\($0.0)\">\($0.0)</a>: \($0.1)</li>" }.joined(separator: "\n"))
            </ul>
            <form method="post" action="/form/"><input name="q" value="a form field"> <button>Send</button></form>
            <form method="post" action="/upload/" enctype="multipart/form-data">
            <input type="file" name="file"> <button>Upload</button></form>
            </html>
            """
    }
}
