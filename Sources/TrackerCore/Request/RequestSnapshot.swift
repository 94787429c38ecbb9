/// The parts of a request that its event needs, captured before the app's handler runs.
///
/// It holds references to what the server has in memory anyway. Headers are copied and filtered only when the event is
/// encoded on the delivery thread.
public struct RequestSnapshot: Sendable {
    /// The request method as sent.
    public var method: String
    /// The request target as sent (RFC 9112, section 3.2): percent-encoded, with the query.
    public var target: String {
        get {
            switch storedTarget {
            case .text(let text): text
            case .deferred(let make): make()
            }
        }
        set { storedTarget = .text(newValue) }
    }
    /// The scheme of the request: `http` or `https`. Anything else counts as `http`.
    public var scheme: String
    // Optional<T> instead of T?, which implies an initial nil: the compiler would then copy the whole snapshot at the end
    // of the initializer, for every request.
    /// The value of the `Host` field; nil: looked up in `headers`, on the delivery thread.
    public var host: Optional<String>
    /// The server's own name and port, for requests without a valid `Host`.
    public var serverAuthority: String
    /// The header fields.
    public var headers: RequestHeaders
    /// Returns the request's cookies, if the server has its own parser; nil: parsed from the `Cookie` field. Called on
    /// the delivery thread.
    public var cookies: Optional<@Sendable () -> [(name: String, value: String)]>
    /// The peer's address without its port, if known.
    public var remoteAddress: Optional<String>
    /// The form of the event.
    package var style = EventStyle.router

    private enum Target {
        case text(String)
        case deferred(@Sendable () -> String)
    }

    private var storedTarget: Target

    /// Creates a snapshot; see the properties for each value.
    public init(
        method: String, target: String, scheme: String = "http", host: String? = nil,
        serverAuthority: String = "localhost", headers: RequestHeaders,
        cookies: (@Sendable () -> [(name: String, value: String)])? = nil, remoteAddress: String? = nil
    ) {
        self.init(
            target: .text(target), method: method, scheme: scheme, host: host, serverAuthority: serverAuthority,
            headers: headers, cookies: cookies, remoteAddress: remoteAddress)
    }

    /// Creates a snapshot whose event has another form.
    package init(
        method: String, target: String, scheme: String = "http", host: String? = nil,
        serverAuthority: String = "localhost", headers: RequestHeaders,
        cookies: (@Sendable () -> [(name: String, value: String)])? = nil, remoteAddress: String? = nil,
        style: EventStyle
    ) {
        self.init(
            target: .text(target), method: method, scheme: scheme, host: host, serverAuthority: serverAuthority,
            headers: headers, cookies: cookies, remoteAddress: remoteAddress)
        self.style = style
    }

    /// Creates a snapshot for a framework that has the target only in parts; see the properties for each other value.
    ///
    /// The closure assembles the target later: on the delivery thread, or before the handler if an ignore rule reads
    /// it.
    public init(
        method: String, target: @escaping @Sendable () -> String, scheme: String = "http", host: String? = nil,
        serverAuthority: String = "localhost", headers: RequestHeaders,
        cookies: (@Sendable () -> [(name: String, value: String)])? = nil, remoteAddress: String? = nil
    ) {
        self.init(
            target: .deferred(target), method: method, scheme: scheme, host: host, serverAuthority: serverAuthority,
            headers: headers, cookies: cookies, remoteAddress: remoteAddress)
    }

    @inline(__always)
    private init(
        target: Target, method: String, scheme: String, host: String?, serverAuthority: String, headers: RequestHeaders,
        cookies: (@Sendable () -> [(name: String, value: String)])?, remoteAddress: String?
    ) {
        storedTarget = target
        self.method = method
        self.scheme = scheme
        self.host = host
        self.serverAuthority = serverAuthority
        self.headers = headers
        self.cookies = cookies
        self.remoteAddress = remoteAddress
    }

    /// The length of the target for the queue's byte limit. One that is created later counts as part of the headers.
    var targetBytes: Int {
        if case .text(let text) = storedTarget { text.utf8.count } else { 0 }
    }
}

/// The form of an event: that of a router or that of a CGI program.
package enum EventStyle: Sendable, Hashable {
    /// `CONTENT_TYPE` and `CONTENT_LENGTH` without `HTTP_`; `cookies` are the response's, with their attributes.
    case router
    /// `HTTP_` before every name, an empty `Content-Type` left out; `cookies` are the request's, with their values.
    case cgi
}

/// A request's header fields, in the order sent.
///
/// Either a reference to an array that the server already has, or a closure that creates one later, on the delivery
/// thread. Serving a request copies nothing, unless an ignore rule, an opt-out or trusted proxies need the closure's
/// fields.
public struct RequestHeaders: Sendable {
    /// A header field. The name is as sent, in any case.
    public typealias Field = (name: String, value: String)

    private enum Storage {
        case fields([Field])
        case deferred(@Sendable () -> [Field])
    }

    private let storage: Storage
    // Both are read from the initializer's parameters: reading them later, from the storage, would cost three pairs of
    // atomic operations per request.
    /// The session in the `Cookie` fields; nil if there is no valid one.
    let session: Optional<SessionIdentifier>
    /// The length of all names and values, for the queue's byte limit.
    let contentBytes: Int

    /// Stores the fields as they are. A field that was sent twice appears twice.
    public init(_ fields: [Field]) {
        (session, contentBytes) = Self.measure(fields)
        storage = .fields(fields)
    }

    /// Stores a closure that creates all fields later, and reads the one field that is needed at once.
    ///
    /// - Parameters:
    ///   - cookie: the value of `Cookie`, which has the session.
    ///   - contentBytes: the approximate length of all names and values; counts against the queue's byte limit. Once
    ///     the event is written, its JSON counts if that is longer.
    ///   - fields: returns all fields, including `Host` and `Cookie`. Must not capture the request's body, which would
    ///     stay in memory with the event. Called on the delivery thread, and on the request's thread if an ignore rule,
    ///     an opt-out or trusted proxies need the fields.
    public init(
        cookie: String?, contentBytes: Int = 2048, deferred fields: @escaping @Sendable () -> [Field]
    ) {
        session = cookie.flatMap(SessionCookie.read(from:))
        self.contentBytes = contentBytes
        storage = .deferred(fields)
    }

    /// All fields.
    public var fields: [Field] {
        switch storage {
        case .fields(let fields): fields
        case .deferred(let make): make()
        }
    }

    /// Returns the cookies of all `Cookie` fields, in order.
    static func cookies(in fields: [Field]) -> [(name: String, value: String)] {
        let values = fields.filter { isEqual($0.name, "cookie") }.map(\.value)
        return CookieReader.parse(values.joined(separator: ";").utf8)
    }

    /// Returns the session and the length of all names and values, both in one pass over the fields.
    private static func measure(_ fields: [Field]) -> (session: SessionIdentifier?, contentBytes: Int) {
        fields.withUnsafeBufferPointer { fields in
            var session: SessionIdentifier?
            var bytes = 0
            for index in fields.indices {
                let nameCount = fields[index].name.utf8.count
                bytes &+= nameCount &+ fields[index].value.utf8.count
                // Compare the length first: it is known already, and most names differ in it.
                if nameCount == 6, session == nil, isEqual(fields[index].name, "cookie") {
                    session = SessionCookie.read(from: fields[index].value)
                }
            }
            return (session, bytes)
        }
    }

    /// Returns the value of the first field with a name, which must be lowercase here.
    static func first(_ name: StaticString, in fields: [Field]) -> String? {
        fields.withUnsafeBufferPointer { fields in
            for index in fields.indices where isEqual(fields[index].name, name) { return fields[index].value }
            return nil
        }
    }

    /// Compares a name with a lowercase one (RFC 9110, section 5.1: names are case-insensitive).
    @inline(__always)
    static func isEqual(_ name: borrowing String, _ lowercase: StaticString) -> Bool {
        // Most names differ in length.
        guard name.utf8.count == lowercase.utf8CodeUnitCount else { return false }
        return name.withBytes { bytes in
            // StaticString has no safe view of its bytes; the index stays below its count, checked above.
            let expected = lowercase.utf8Start
            for index in bytes.indices {
                let byte = bytes[index]
                if ASCII.lowercase(byte) != expected[index] { return false }
            }
            return true
        }
    }
}
