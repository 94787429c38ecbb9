import DemoServer
import Synchronization
import TrackerCore

/// Runs an app behind a small HTTP server, so that it can be tried without a web server.
struct HTTPFront: Sendable {
    let app: CGIApp

    func answer(_ received: HTTPRequest) async -> HTTPResponse {
        let content: CGIRequest.Body =
            if let refusal = received.bodyRefusal {
                .failed(Self.error(refusal))
            } else {
                .collected(received.body)
            }
        let request = CGIRequest(
            variables: Self.variables(of: received), content: content, mountPath: app.config.mountPath)
        let response = await app.respond(to: request)
        var answer = HTTPResponse(
            status: response.status,
            headers: ResponseHead.endToEnd(response.headers)
                + response.cookies.compactMap { $0.headerValue }.map { ("Set-Cookie", $0) })
        let failure = Failure()
        switch response.body {
        case .bytes(let bytes): answer.body = .bytes(bytes)
        case .asyncStream(let produce):
            answer.body = .stream { writer in
                try await failure.noting {
                    try await produce(
                        CGIBodyWriter(
                            write: { _ in throw CGIRequestError.aborted }, asyncWrite: { try await writer.write($0) }))
                }
            }
        case .stream(let produce):
            answer.body = .stream { writer in
                try await failure.noting { try await bridge(produce) { try await writer.write($0) } }
            }
        }
        answer.onSent = { isComplete in
            var response = response
            if !isComplete { response.status = failure.isOwn ? 500 : 499 }
            app.responseWasSent(request, response)
        }
        return answer
    }

    private static func error(_ refusal: HTTPError) -> CGIRequestError {
        switch refusal.status {
        case 413: .bodyTooLarge(maximumBytes: maximumBodyBytes)
        case 408: .timedOut
        default: .invalidBody(status: refusal.status, refusal.description)
        }
    }

    static let maximumBodyBytes = HTTPServer.Configuration().maximumBodyBytes

    private func bridge(
        _ produce: @escaping @Sendable (CGIBodyWriter) throws -> Void, _ write: ([UInt8]) async throws -> Void
    ) async throws {
        let bridge = BlockingBridge()
        let isAccepted = app.blockingPool?.submit { _ in
            do {
                try produce(CGIBodyWriter(write: { try bridge.write($0) }, asyncWrite: { try bridge.write($0) }))
                bridge.finish()
            } catch {
                bridge.finish(error)
            }
        }
        guard isAccepted == true else { throw CGIRequestError.overloaded }
        try await bridge.forward(write)
    }

    /// Whether a response failed because of its writer rather than its reader.
    private final class Failure: Sendable {
        private let state = Atomic<Bool>(false)
        var isOwn: Bool { state.load(ordering: .acquiring) }

        func noting(_ body: () async throws -> Void) async throws {
            do {
                try await body()
            } catch {
                if !(error is SocketEnd), error as? CGIRequestError != .aborted {
                    state.store(true, ordering: .releasing)
                }
                throw error
            }
        }
    }

    /// Returns the variables that a web server would send (RFC 3875, section 4.1).
    private static func variables(of request: HTTPRequest) -> CGIVariables {
        var variables = CGIVariables()
        func add(_ name: String, _ value: String) { variables.append(name: name.utf8, value: value.utf8) }
        add("GATEWAY_INTERFACE", "CGI/1.1")
        add("REQUEST_METHOD", request.method)
        add("REQUEST_URI", request.target)
        add("REQUEST_SCHEME", "http")
        add("SERVER_PROTOCOL", "HTTP/1.\(request.minorVersion)")
        add("SERVER_SOFTWARE", "DemoServer/\(TrackerVersion.current)")
        add("SCRIPT_NAME", "")
        add("QUERY_STRING", request.query ?? "")
        variables.append(name: "PATH_INFO".utf8, value: PercentEncoding.decode(request.rawPath.utf8))
        let authority = request.localAuthority
        if let colon = authority.lastIndex(of: ":") {
            add("SERVER_NAME", String(authority[..<colon]))
            add("SERVER_PORT", String(authority[authority.index(after: colon)...]))
        }
        if let address = request.remoteAddress { add("REMOTE_ADDR", address) }
        for (name, values) in grouped(request.headers) {
            switch name {
            case "CONTENT_TYPE", "CONTENT_LENGTH": add(name, values.first ?? "")
            default: variables.append(name: "HTTP_\(name)".utf8, value: bytes(values.joined(separator: ",")))
            }
        }
        if request.header("Content-Length") == nil, !request.body.isEmpty {
            add("CONTENT_LENGTH", String(request.body.count))
        }
        return variables
    }

    /// Groups the fields by name, in order of first occurrence. Names with an underscore are dropped: they could shadow
    /// others.
    private static func grouped(_ headers: [HTTPRequest.Field]) -> [(name: String, values: [String])] {
        var groups: [(name: String, values: [String])] = []
        for field in headers where !field.name.utf8.contains(UInt8(ascii: "_")) {
            let name = String(
                decoding: field.name.utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self
            )
            .uppercased()
            if let index = groups.firstIndex(where: { $0.name == name }) {
                groups[index].values.append(field.value)
            } else {
                groups.append((name, [field.value]))
            }
        }
        return groups
    }

    /// Returns the original bytes of a value: the server reads what is not UTF-8 as Latin-1.
    private static func bytes(_ value: String) -> [UInt8] {
        guard value.utf8.contains(where: { $0 >= 0x80 }), value.unicodeScalars.allSatisfy({ $0.value < 0x100 }) else {
            return Array(value.utf8)
        }
        let latin1 = value.unicodeScalars.map { UInt8($0.value) }
        return String(validating: latin1, as: UTF8.self) == nil ? latin1 : Array(value.utf8)
    }
}
