import TrackerCore

/// An answer: status, headers and a body, in memory or streamed.
public struct CGIResponse: Sendable {
    /// What follows the headers.
    public enum Body: Sendable {
        /// In memory; `Content-Length` is added.
        case bytes([UInt8])
        /// Written by a function that may block.
        case stream(@Sendable (CGIBodyWriter) throws -> Void)
        /// Written by an asynchronous function.
        case asyncStream(@Sendable (CGIBodyWriter) async throws -> Void)
    }

    /// The status code, 200...599; anything else becomes a 500.
    public var status: Int
    /// The words after the status code; nil is the standard's. No CR, LF or NUL.
    public var reason: String?
    /// The headers, in order. Names are tokens, values hold no CR, LF or NUL: anything else becomes a 500. Fields that
    /// belong to a connection, such as `Transfer-Encoding`, are left out (RFC 9110, section 7.6.1).
    public var headers: [(name: String, value: String)]
    /// The body. To a HEAD request, and with 204 and 304, it is not sent.
    public var body: Body
    /// Cookies to set, each its own `Set-Cookie`.
    public var cookies: [CGICookie] = []

    /// An answer with a body in memory, empty unless given.
    public init(
        status: Int = 200, reason: String? = nil, headers: [(name: String, value: String)] = [], bytes: [UInt8] = []
    ) {
        self.init(status: status, reason: reason, headers: headers, body: .bytes(bytes))
    }

    /// An answer with any body.
    public init(
        status: Int = 200, reason: String? = nil, headers: [(name: String, value: String)] = [], body: Body
    ) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
    }

    /// Plain text.
    public init(text: String, status: Int = 200) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", text)
    }

    /// A page.
    public init(html: String, status: Int = 200) {
        self.init(status: status, contentType: "text/html; charset=utf-8", html)
    }

    /// JSON that is encoded already.
    public init(json: String, status: Int = 200) {
        self.init(status: status, contentType: "application/json", json)
    }

    private init(status: Int, contentType: String, _ text: String) {
        self.init(status: status, headers: [("Content-Type", contentType)], bytes: Array(text.utf8))
    }

    /// A body written by a function that may block its thread.
    public init(
        status: Int = 200, contentType: String = "application/octet-stream",
        stream: @escaping @Sendable (CGIBodyWriter) throws -> Void
    ) {
        self.init(status: status, headers: [("Content-Type", contentType)], body: .stream(stream))
    }

    /// A body written by an asynchronous function.
    public init(
        status: Int = 200, contentType: String = "application/octet-stream",
        stream: @escaping @Sendable (CGIBodyWriter) async throws -> Void
    ) {
        self.init(status: status, headers: [("Content-Type", contentType)], body: .asyncStream(stream))
    }

    /// Sends the client elsewhere. The status goes along explicitly: alone, `Location` means different things to
    /// different web servers.
    public static func redirect(to location: String, status: Int = 302) -> CGIResponse {
        var response = CGIResponse(text: "Redirecting to \(location)\n", status: status)
        response.headers.append(("Location", location))
        return response
    }

    /// The value of the first header with a name; its case does not matter.
    public func header(_ name: String) -> String? {
        headers.first { ASCII.areSame($0.name, name) }?.value
    }

    /// Replaces a header, or adds it.
    public mutating func setHeader(_ name: String, _ value: String) {
        headers.removeAll { ASCII.areSame($0.name, name) }
        headers.append((name, value))
    }
}

/// Takes a response's body, piece by piece, and makes the writer wait while the client is slower.
public final class CGIBodyWriter: Sendable {
    private let writePiece: @Sendable ([UInt8]) throws -> Void
    private let writePieceAsync: @Sendable ([UInt8]) async throws -> Void

    /// A writer to a place of one's own, for a front that drives an app itself.
    public init(
        write: @escaping @Sendable ([UInt8]) throws -> Void,
        asyncWrite: @escaping @Sendable ([UInt8]) async throws -> Void
    ) {
        writePiece = write
        writePieceAsync = asyncWrite
    }

    /// Sends a piece; blocks the thread while too much is waiting to be sent.
    ///
    /// - Throws: `CGIRequestError.aborted` once nobody reads any more.
    public func write(_ bytes: [UInt8]) throws {
        if !bytes.isEmpty { try writePiece(bytes) }
    }

    /// Sends a piece of text, as UTF-8.
    public func write(_ text: String) throws {
        try write(Array(text.utf8))
    }

    /// Sends a piece without blocking the thread.
    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await writePieceAsync(bytes) }
    }

    /// Sends a piece of text, as UTF-8, without blocking the thread.
    public func write(_ text: String) async throws {
        try await write(Array(text.utf8))
    }
}
