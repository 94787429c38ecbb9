import CPlatform
import Synchronization

/// One request, as the web server described it.
///
/// It may be passed between threads and tasks; what changes during the request is locked.
public final class CGIRequest: Sendable {
    /// Every variable as the web server sent it, in order.
    public let variables: CGIVariables
    /// The method, for example "GET"; case-sensitive (RFC 9110, section 9.1).
    public let method: String
    /// The request target as the client sent it: percent-encoded, with the query. Bytes that may not stand in a
    /// request line are percent-encoded. Where the server sends no `REQUEST_URI` it is put together again.
    public var requestURI: String { target.requestURI }
    /// The whole path, decoded once. For routing, see `pathInfo`.
    public var path: String { target.path }
    /// The prefix under which the web server mounts the app, without a slash at the end; empty at the root.
    public var scriptName: String { target.scriptName }
    /// The path below `scriptName`, decoded, which the routes are matched against.
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

    /// A request from its variables, for a front that drives an app itself.
    ///
    /// - Parameters:
    ///   - variables: as RFC 3875 names them.
    ///   - body: the body, complete.
    ///   - mountPath: the prefix under which the app lives; nil lets `SCRIPT_NAME` and `PATH_INFO` decide.
    public convenience init(variables: CGIVariables, body: [UInt8] = [], mountPath: String? = nil) {
        self.init(variables: variables, content: .collected(body), mountPath: mountPath)
    }

    /// A request whose body is read as it arrives.
    ///
    /// - Parameters:
    ///   - variables: the request as the web server describes it.
    ///   - bodyStream: where the body comes from.
    ///   - maximumBodyBytes: the bound for `body`; the stream has its own.
    ///   - mountPath: the path below which the app is mounted; nil: what the web server says.
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

    /// The name of the route that matched; nil if none did, or if the answer is a redirect to another spelling.
    public var endpointName: String? { state.withLock { $0.endpointName } }

    /// The values of the route's parameters, in the pattern's order; the rest that a wildcard took is named "*".
    public var routeParameters: [(name: String, value: String)] { state.withLock { $0.routeParameters } }

    /// The value of a route parameter.
    public func parameter(_ name: String) -> String? {
        routeParameters.first { $0.name == name }?.value
    }

    /// Values that extensions keep with this request.
    public var storage: CGIRequestStorage { CGIRequestStorage(request: self) }

    /// Writes a line to the web server's error log (CGI: standard error; FastCGI: the request's STDERR stream).
    ///
    /// Lines past 64 KiB a request are left out.
    public func log(_ message: String) {
        state.withLock { state in
            guard state.log.utf8.count + message.utf8.count < 65_536 else { return }
            state.log += message + "\n"
        }
    }

    /// Logs what a function gives when the log is written: under CGI once the answer is out.
    func log(later line: @escaping @Sendable () -> String?) {
        state.withLock { $0.lateLines.append(line) }
    }

    /// What was logged since the last call.
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

    /// True once nobody waits for the answer any more: the web server has given the request up, or ends the program. A
    /// long handler may stop then.
    public var isCancelled: Bool { state.withLock { $0.isCancelled } || cplatform_is_terminated() != 0 }

    func cancel() { state.withLock { $0.isCancelled = true } }

    /// Keeps a part of the budget taken for as long as the request lives.
    func keep(_ reservation: BodyReservation) { state.withLock { $0.reservation = reservation } }

    func setRoute(name: String?, parameters: [(name: String, value: String)]) {
        state.withLock { state in
            state.endpointName = name
            state.routeParameters = parameters
        }
    }

    /// True exactly once.
    func claimResponseSent() -> Bool {
        state.withLock { state in
            defer { state.isResponseSent = true }
            return !state.isResponseSent
        }
    }
}

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

/// A key under which an extension keeps a value: an empty type that names the value's type.
///
///     enum StartTime: CGIStorageKey { typealias Value = UInt64 }
///     request.storage[StartTime.self] = now
public protocol CGIStorageKey {
    /// The type of what is kept.
    associatedtype Value: Sendable
}

/// Values of extensions, by the type of their key.
public struct CGIStorage: Sendable {
    private var values: [(key: ObjectIdentifier, value: any Sendable)] = []

    /// No values.
    public init() {}

    /// The value kept under a key; nil if there is none.
    public subscript<Key: CGIStorageKey>(key: Key.Type) -> Key.Value? {
        get {
            let identifier = ObjectIdentifier(key)
            return values.first { $0.key == identifier }?.value as? Key.Value
        }
        set {
            let identifier = ObjectIdentifier(key)
            let index = values.firstIndex { $0.key == identifier }
            switch (index, newValue) {
            case (let index?, let newValue?): values[index].value = newValue
            case (let index?, nil): values.remove(at: index)
            case (nil, let newValue?): values.append((identifier, newValue))
            case (nil, nil): break
            }
        }
    }
}

/// A request's storage. Every access is locked, so that hooks and handlers on different threads may share it.
public struct CGIRequestStorage: Sendable {
    let request: CGIRequest

    /// The value kept under a key; nil if there is none.
    public subscript<Key: CGIStorageKey>(key: Key.Type) -> Key.Value? {
        get { request.state.withLock { $0.storage[key] } }
        nonmutating set { request.state.withLock { $0.storage[key] = newValue } }
    }
}
