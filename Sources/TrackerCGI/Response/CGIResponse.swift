import TrackerCore

/// A response: status, headers and a body, in memory or streamed.
public struct CGIResponse: Sendable {
    /// The body of a response.
    public enum Body: Sendable {
        /// In memory; `Content-Length` is added.
        case bytes([UInt8])
        /// Written by a function that may block.
        case stream(@Sendable (CGIBodyWriter) throws -> Void)
        /// Written by an asynchronous function.
        case asyncStream(@Sendable (CGIBodyWriter) async throws -> Void)
    }

    /// The status code, 200...599; any other becomes a 500.
    public var status: Int { didSet { isValid = false } }
    /// The reason phrase; nil for the standard one. One with control characters other than tab becomes a 500.
    public var reason: Optional<String> { didSet { isValid = false } }
    /// The headers, in order. A name that is not a token, or a value with control characters other than tab, becomes a
    /// 500. Connection-specific fields such as `Transfer-Encoding` are left out (RFC 9110, section 7.6.1).
    public var headers: [(name: String, value: String)] { didSet { isValid = false } }
    /// The body. It is not sent in response to HEAD, or with 204 and 304.
    public var body: Body
    /// Cookies to set, each in its own `Set-Cookie` field.
    public var cookies: [CGICookie] = [] { didSet { isValid = false } }
    /// Whether the head has been checked since it last changed.
    private var isValid = false

    /// Creates a response with a body in memory, empty by default.
    public init(
        status: Int = 200, reason: String? = nil, headers: [(name: String, value: String)] = [], bytes: [UInt8] = []
    ) {
        self.init(status: status, reason: reason, headers: headers, body: .bytes(bytes))
    }

    /// Creates a response with any kind of body.
    public init(
        status: Int = 200, reason: String? = nil, headers: [(name: String, value: String)] = [], body: Body
    ) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
    }

    /// Creates a plain text response.
    public init(text: String, status: Int = 200) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", text)
    }

    /// Creates an HTML response.
    public init(html: String, status: Int = 200) {
        self.init(status: status, contentType: "text/html; charset=utf-8", html)
    }

    /// Creates a JSON response from encoded text.
    public init(json: String, status: Int = 200) {
        self.init(status: status, contentType: "application/json", json)
    }

    private init(status: Int, contentType: String, _ text: String) {
        self.init(status: status, headers: [("Content-Type", contentType)], bytes: Array(text.utf8))
    }

    /// Creates a response whose body is written by a function that may block its thread.
    public init(
        status: Int = 200, contentType: String = "application/octet-stream",
        stream: @escaping @Sendable (CGIBodyWriter) throws -> Void
    ) {
        self.init(status: status, headers: [("Content-Type", contentType)], body: .stream(stream))
    }

    /// Creates a response whose body is written by an asynchronous function.
    public init(
        status: Int = 200, contentType: String = "application/octet-stream",
        stream: @escaping @Sendable (CGIBodyWriter) async throws -> Void
    ) {
        self.init(status: status, headers: [("Content-Type", contentType)], body: .asyncStream(stream))
    }

    /// Creates a redirect with a short text body.
    ///
    /// - Parameters:
    ///   - location: sent as is; percent-encode whatever comes from a visitor.
    ///   - status: a 3xx status; 302 by default.
    public static func redirect(to location: String, status: Int = 302) -> CGIResponse {
        var response = CGIResponse(text: "Redirecting to \(location)\n", status: status)
        response.headers.append(("Location", location))
        return response
    }

    /// Returns the value of the first header with this name; case-insensitive.
    public func header(_ name: String) -> String? {
        headers.first { ASCII.equalsIgnoringCase($0.name, name) }?.value
    }

    /// Checks whether the response can be sent, unless nothing has changed since the last check.
    mutating func validate() throws(ResponseHead.Invalid) {
        guard !isValid else { return }
        try ResponseHead.validate(self)
        isValid = true
    }

    /// Appends a header that needs no check.
    mutating func appendValid(_ name: String, _ value: String) {
        let wasValid = isValid
        headers.append((name, value))
        isValid = wasValid
    }

    /// Sets a header, replacing all of the same name.
    public mutating func setHeader(_ name: String, _ value: String) {
        headers.removeAll { ASCII.equalsIgnoringCase($0.name, name) }
        headers.append((name, value))
    }
}

/// Writes a response body piece by piece, with backpressure from a slow client.
public final class CGIBodyWriter: Sendable {
    private let writePiece: @Sendable ([UInt8]) throws -> Void
    private let writePieceAsync: @Sendable ([UInt8]) async throws -> Void

    /// Creates a writer with a destination of its own, for custom servers; see `CGIApp.respond(to:)`.
    public init(
        write: @escaping @Sendable ([UInt8]) throws -> Void,
        asyncWrite: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        writePiece = write
        writePieceAsync = asyncWrite
    }

    /// Writes a piece; blocks the thread while too much output is pending.
    ///
    /// - Throws: ``CGIRequestError`` with the code `aborted` once the client is gone.
    public func write(_ bytes: [UInt8]) throws {
        if !bytes.isEmpty { try writePiece(bytes) }
    }

    /// Writes text as UTF-8; may block the thread.
    public func write(_ text: String) throws {
        try write(Array(text.utf8))
    }

    /// Writes a piece without blocking the thread.
    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await writePieceAsync(bytes) }
    }

    /// Writes text as UTF-8, without blocking the thread.
    public func write(_ text: String) async throws {
        try await write(Array(text.utf8))
    }
}
