/// What is wrong with a request. A handler that lets one of these through gives the client `status`.
public enum CGIRequestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The body is longer than the route accepts.
    case bodyTooLarge(maximumBytes: Int)
    /// The body ended before its announced length.
    case bodyTooShort
    /// `CONTENT_LENGTH` is no number of bytes.
    case invalidContentLength
    /// The web server gave the request up, or its connection broke.
    case aborted
    /// Too many requests are in work.
    case overloaded
    /// No part of the body, or of the response, could be moved for too long.
    case timedOut

    /// The status that tells the client (RFC 9110, section 15.5; 499 is nginx's, for a client that is gone).
    public var status: Int {
        switch self {
        case .bodyTooLarge: 413
        case .bodyTooShort, .invalidContentLength: 400
        case .aborted: 499
        case .timedOut: 408
        case .overloaded: 503
        }
    }

    /// A sentence for the log.
    public var description: String {
        switch self {
        case .bodyTooLarge(let maximum): "the request's body is longer than \(maximum) bytes"
        case .bodyTooShort: "the request's body ended before its announced length"
        case .invalidContentLength: "CONTENT_LENGTH is not a number of bytes"
        case .aborted: "the web server gave the request up"
        case .overloaded: "too many requests are in work"
        case .timedOut: "the web server stopped moving data for this request"
        }
    }
}
