import TrackerCore

/// Reason phrases (RFC 9110, section 15), and answers made of them.
package enum StatusText {
    package static func reason(_ status: Int) -> String {
        ReasonPhrase.standard(status)
    }

    /// A short page that says what the status means.
    package static func page(_ status: Int, _ detail: String = "") -> HTTPResponse {
        HTTPResponse(
            status: status, text: "\(status) \(reason(status))\(detail.isEmpty ? "" : ": \(detail)")\n")
    }
}
