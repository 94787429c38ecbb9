import CPlatform
import Synchronization

/// A request, as the web server described it.
///
/// It is thread-safe, and may be passed between threads and tasks.
public final class CGIRequest: Sendable {
    /// All variables as the web server sent them, in order.
    public let variables: CGIVariables
    /// The method, for example "GET"; case-sensitive (RFC 9110, section 9.1). Empty if the web server sends none.
    public let method: String
    /// The request target as the client sent it: percent-encoded, with the query. Bytes that are not allowed in a
    /// request line are percent-encoded. If the server sends no `REQUEST_URI`, it is rebuilt.
    public var requestURI: String { target.requestURI }
    /// The whole path, decoded once. For routing, see `pathInfo`.
    public var path: String { target.path }
    /// The prefix under which the web server mounts the app, without a trailing slash; empty at the root.
    public var scriptName: String { target.scriptName }
    /// The decoded path below `scriptName`, which the routes are matched against.
    public var pathInfo: String { target.pathInfo }
    /// The query as sent (percent-encoded), without the question mark; empty if there is none.
    public var query: String { target.query }

    let target: RequestTarget

    struct State: Sendable {
        var endpointName: String?
        var routeParameters: [(name: String, value: String)] = []
        var storage = CGIStorage()
        var log = ""
        var lateLines: [@Sendable () -> String?] = []
        var body: Body
        var isResponseSent = false
        var isCancelled = false
        var reservation: BodyReservation?
    }

    enum Body: Sendable {
        case collected([UInt8])
        case stream(CGIBodyStream, maximumBytes: Int)
        case failed(CGIRequestError)
    }

    let state: Mutex<State>

    /// Creates a request from its variables, for custom servers; see `CGIApp.respond(to:)`.
    ///
    /// - Parameters:
    ///   - variables: as RFC 3875 names them.
    ///   - body: the whole body.
    ///   - mountPath: the path prefix of the app; nil lets `SCRIPT_NAME` and `PATH_INFO` decide.
    public convenience init(variables: CGIVariables, body: [UInt8] = [], mountPath: String? = nil) {
        self.init(variables: variables, content: .collected(body), mountPath: mountPath)
    }

    /// Creates a request whose body is read as it arrives.
    ///
    /// - Parameters:
    ///   - variables: as RFC 3875 names them.
    ///   - bodyStream: the source of the body.
    ///   - maximumBodyBytes: the limit for `body`; the stream has its own.
    ///   - mountPath: the path prefix of the app; nil lets `SCRIPT_NAME` and `PATH_INFO` decide.
    public convenience init(
        variables: CGIVariables, bodyStream: CGIBodyStream, maximumBodyBytes: Int = 16 << 20, mountPath: String? = nil
    ) {
        self.init(
            variables: variables, content: .stream(bodyStream, maximumBytes: maximumBodyBytes), mountPath: mountPath)
    }

    init(variables: CGIVariables, content: Body, mountPath: String?) {
        self.variables = variables
        method = variables.text("REQUEST_METHOD") ?? ""
        target = RequestTarget(variables, mountPath: mountPath)
        state = Mutex(State(body: content))
    }

    /// The name of the route that matched; nil if none did, or if the response redirects to another spelling.
    public var endpointName: String? { state.withLock { $0.endpointName } }

    /// The route's parameters, in the pattern's order; what a wildcard matched is named "*".
    public var routeParameters: [(name: String, value: String)] { state.withLock { $0.routeParameters } }

    /// Returns the value of a route parameter.
    public func parameter(_ name: String) -> String? {
        routeParameters.first { $0.name == name }?.value
    }

    /// Values that extensions store with this request.
    public var storage: CGIRequestStorage { CGIRequestStorage(request: self) }

    /// Writes a line to the web server's error log (CGI: standard error; FastCGI: the request's STDERR stream).
    ///
    /// Lines beyond 64 KiB per request are dropped.
    public func log(_ message: String) {
        state.withLock { state in
            guard state.log.utf8.count + message.utf8.count < 65_536 else { return }
            state.log += message + "\n"
        }
    }

    /// Logs what `line` returns when the log is written; under CGI that is after the response.
    func log(later line: @escaping @Sendable () -> String?) {
        state.withLock { $0.lateLines.append(line) }
    }

    /// Returns what was logged since the last call.
    func takeLog() -> String {
        let late = state.withLock { state in
            defer { state.lateLines = [] }
            return state.lateLines
        }
        for line in late { if let line = line() { log(line) } }
        return state.withLock { state in
            defer { state.log = "" }
            return state.log
        }
    }

    /// True once nobody is waiting for the response: the web server has aborted the request or is stopping the program.
    /// A long handler may stop then.
    public var isCancelled: Bool { state.withLock { $0.isCancelled } || cplatform_is_terminated() != 0 }

    func cancel() { state.withLock { $0.isCancelled = true } }

    /// Holds a share of the budget for as long as the request lives.
    func keep(_ reservation: BodyReservation) { state.withLock { $0.reservation = reservation } }

    func setRoute(name: String?, parameters: [(name: String, value: String)]) {
        state.withLock { state in
            state.endpointName = name
            state.routeParameters = parameters
        }
    }

    /// Returns true exactly once.
    func claimResponseSent() -> Bool {
        state.withLock { state in
            defer { state.isResponseSent = true }
            return !state.isResponseSent
        }
    }
}

/// An error of a request. If a handler does not catch it, the client gets `status`.
public struct CGIRequestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of errors. Later versions may add others.
    public struct Code: Sendable, Hashable {
        private let number: UInt8

        /// The body is longer than the route accepts.
        public static let bodyTooLarge = Code(number: 0)
        /// The body ended before its announced length.
        public static let bodyTooShort = Code(number: 1)
        /// `CONTENT_LENGTH` is not a number of bytes, or the body's chunks are malformed.
        public static let invalidContentLength = Code(number: 2)
        /// The web server aborted the request, or its connection broke.
        public static let aborted = Code(number: 3)
        /// Too many requests are in progress.
        public static let overloaded = Code(number: 4)
        /// The body, or the response, stalled for too long.
        public static let timedOut = Code(number: 5)
    }

    /// The kind of error.
    public let code: Code
    /// The status for the client (RFC 9110, section 15.5; 499 is nginx's, for a client that is gone).
    public let status: Int
    /// A sentence for the log.
    public let description: String

    static func bodyTooLarge(maximumBytes: Int) -> CGIRequestError {
        CGIRequestError(
            code: .bodyTooLarge, status: 413, description: "the request's body is longer than \(maximumBytes) bytes")
    }
    static let bodyTooShort = CGIRequestError(
        code: .bodyTooShort, status: 400, description: "the request's body ended before its announced length")
    static let invalidContentLength = CGIRequestError(
        code: .invalidContentLength, status: 400, description: "CONTENT_LENGTH is not a number of bytes")
    static func invalidBody(status: Int, _ reason: String) -> CGIRequestError {
        CGIRequestError(code: .invalidContentLength, status: status, description: reason)
    }
    static let aborted = CGIRequestError(
        code: .aborted, status: 499, description: "the web server aborted the request")
    static let overloaded = CGIRequestError(
        code: .overloaded, status: 503, description: "too many requests are in progress")
    static let timedOut = CGIRequestError(
        code: .timedOut, status: 408, description: "the web server stopped sending or receiving data for this request")
}

/// A key for a value that an extension stores: an empty type that names the value's type.
///
///     enum StartTime: CGIStorageKey { typealias Value = UInt64 }
///     request.storage[StartTime.self] = now
public protocol CGIStorageKey {
    /// The type of the value.
    associatedtype Value: Sendable
}

/// Values of extensions, by the type of their key.
public struct CGIStorage: Sendable {
    private final class Box<Value: Sendable>: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private var values: [(key: ObjectIdentifier, box: any AnyObject & Sendable)] = []

    /// Creates an empty storage.
    public init() {}

    /// The value stored under a key; nil if there is none.
    public subscript<Key: CGIStorageKey>(key: Key.Type) -> Key.Value? {
        get {
            let identifier = ObjectIdentifier(key)
            guard let box = values.first(where: { $0.key == identifier })?.box else { return nil }
            // Safe: the setter stores only such a box under this key. A checked cast would search the types' metadata.
            return unsafeDowncast(box, to: Box<Key.Value>.self).value
        }
        set {
            let identifier = ObjectIdentifier(key)
            let index = values.firstIndex { $0.key == identifier }
            switch (index, newValue.map(Box.init)) {
            case (let index?, let box?): values[index].box = box
            case (let index?, nil): values.remove(at: index)
            case (nil, let box?): values.append((identifier, box))
            case (nil, nil): break
            }
        }
    }
}

/// A request's storage. It is thread-safe, so that hooks and handlers on different threads may share it.
public struct CGIRequestStorage: Sendable {
    let request: CGIRequest

    /// The value stored under a key; nil if there is none.
    public subscript<Key: CGIStorageKey>(key: Key.Type) -> Key.Value? {
        get { request.state.withLock { $0.storage[key] } }
        nonmutating set { request.state.withLock { $0.storage[key] = newValue } }
    }
}
