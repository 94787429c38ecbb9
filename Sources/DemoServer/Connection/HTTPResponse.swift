import TrackerCore

/// An HTTP response: status, header fields and a body.
package struct HTTPResponse: Sendable {
    /// A complete body, or one produced while it is sent.
    package enum Body: Sendable {
        case bytes([UInt8])
        case stream(@Sendable (HTTPBodyWriter) async throws -> Void)
    }

    package var status: Int
    /// `Content-Length`, `Date`, `Connection` and the like are added on sending.
    package var headers: [(name: String, value: String)]
    package var body: Body
    /// Called once: with true when the whole response has been sent, with false when it never will be.
    package var onSent: (@Sendable (_ isComplete: Bool) -> Void)?

    package init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package init(status: Int = 200, text: String) {
        self.init(
            status: status, headers: [("Content-Type", "text/plain; charset=utf-8")], body: .bytes(Array(text.utf8)))
    }

    package init(status: Int = 200, html: String) {
        self.init(
            status: status, headers: [("Content-Type", "text/html; charset=utf-8")], body: .bytes(Array(html.utf8)))
    }

    package init(status: Int = 200, json: String) {
        self.init(status: status, headers: [("Content-Type", "application/json")], body: .bytes(Array(json.utf8)))
    }

    package init(redirectTo location: String, status: Int = 302) {
        self.init(status: status, headers: [("Location", location)])
    }

    /// Whether every field can be sent. A line break in a value would let an attacker inject a field.
    var isSafe: Bool {
        (100...999).contains(status)
            && headers.allSatisfy { field in
                !field.name.isEmpty && field.name.utf8.allSatisfy(ASCII.isTokenByte)
                    && field.value.utf8.allSatisfy(ASCII.isFieldByte)
            }
    }
}

/// Responses made from reason phrases (RFC 9110, section 15).
package enum StatusText {
    /// A short page that says what the status means.
    package static func page(_ status: Int, _ detail: String = "") -> HTTPResponse {
        HTTPResponse(
            status: status, text: "\(status) \(ReasonPhrase.standard(status))\(detail.isEmpty ? "" : ": \(detail)")\n")
    }
}
