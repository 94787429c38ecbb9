import Foundation
import TestSupport
import TrackerCore

@testable import TrackerCGI

/// The web server's side of a FastCGI connection, record by record, over a real socket.
final class FastCGIClient {
    struct Record: Equatable {
        var type: UInt8
        var id: UInt16
        var content: [UInt8]
    }

    struct Reply {
        var stdout = ""
        var stderr = ""
        var protocolStatus: UInt8?
        var applicationStatus: [UInt8] = []
        /// How many records ended the STDOUT stream; must be 1.
        var streamEnds = 0
    }

    struct Failure: Error { var text: String }

    let descriptor: Int32

    init(port: UInt16, timeoutSeconds: Int = 10 * TestTimeout.scale) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Failure(text: "connect: \(errno)") }
    }

    deinit { close(descriptor) }

    static func record(
        _ type: UInt8, _ id: UInt16, _ content: [UInt8] = [], padding: UInt8 = 0, version: UInt8 = 1
    ) -> [UInt8] {
        [
            version, type, UInt8(id >> 8), UInt8(id & 255), UInt8(content.count >> 8), UInt8(content.count & 255),
            padding, 0,
        ]
            + content + [UInt8](repeating: 0xAA, count: Int(padding))
    }

    static func begin(_ id: UInt16, role: UInt8 = 1, keep: Bool = true, padding: UInt8 = 0) -> [UInt8] {
        record(1, id, [0, role, keep ? 1 : 0, 0, 0, 0, 0, 0], padding: padding)
    }

    static func pairs(_ variables: [(String, String)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, value) in variables { FastCGINameValues.append(name: name, value: value, to: &bytes) }
        return bytes
    }

    /// Returns a stream as records of at most `size` bytes, with its end.
    static func stream(_ type: UInt8, _ id: UInt16, _ bytes: [UInt8], size: Int = 65_535, padding: UInt8 = 0) -> [UInt8]
    {
        var records: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            records += record(type, id, Array(bytes[start..<min(start + size, bytes.count)]), padding: padding)
        }
        return records + record(type, id, padding: padding)
    }

    /// Returns the records of a whole request.
    static func request(
        _ id: UInt16 = 1, _ path: String = "/", method: String = "GET", body: [UInt8] = [], keep: Bool = true,
        extra: [(String, String)] = [], size: Int = 65_535, padding: UInt8 = 0
    ) -> [UInt8] {
        var variables = [("REQUEST_METHOD", method), ("REQUEST_URI", path)] + extra
        if !body.isEmpty { variables.append(("CONTENT_LENGTH", String(body.count))) }
        return begin(id, keep: keep, padding: padding) + stream(4, id, pairs(variables), size: size, padding: padding)
            + stream(5, id, body, size: size, padding: padding)
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure(text: "send: \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Returns nil at the end of the stream.
    private func receive(_ count: Int) throws -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var piece = [UInt8](repeating: 0, count: count - bytes.count)
            let got = recv(descriptor, &piece, piece.count, 0)
            if got == 0 || (got < 0 && errno == ECONNRESET) { return nil }
            guard got > 0 else { throw Failure(text: "recv: \(errno)") }
            bytes += piece.prefix(got)
        }
        return bytes
    }

    func readRecord() throws -> Record? {
        guard let header = try receive(8) else { return nil }
        let length = Int(header[4]) << 8 | Int(header[5])
        guard let content = try receive(length), try receive(Int(header[6])) != nil else { return nil }
        return Record(type: header[1], id: UInt16(header[2]) << 8 | UInt16(header[3]), content: content)
    }

    /// Reads until all of the requests have ended.
    func replies(_ ids: [UInt16]) throws -> [UInt16: Reply] {
        var stdout: [UInt16: [UInt8]] = [:]
        var replies: [UInt16: Reply] = [:]
        var open = Set(ids)
        while !open.isEmpty {
            guard let record = try readRecord() else { throw Failure(text: "closed before END_REQUEST") }
            guard open.contains(record.id) else { throw Failure(text: "record \(record.type) of \(record.id) at rest") }
            var reply = replies[record.id] ?? Reply()
            switch record.type {
            case 6:
                stdout[record.id, default: []] += record.content
                if record.content.isEmpty { reply.streamEnds += 1 }
            case 7: reply.stderr += String(decoding: record.content, as: UTF8.self)
            case 3:
                reply.applicationStatus = Array(record.content.prefix(4))
                reply.protocolStatus = record.content[4]
                open.remove(record.id)
            default: throw Failure(text: "unexpected record type \(record.type)")
            }
            reply.stdout = String(decoding: stdout[record.id] ?? [], as: UTF8.self)
            replies[record.id] = reply
        }
        return replies
    }

    func reply(_ id: UInt16 = 1) throws -> Reply {
        guard let reply = try replies([id])[id] else { throw Failure(text: "no reply") }
        return reply
    }

    /// Returns true if the server closes without sending more.
    func isClosedByServer() throws -> Bool { try readRecord() == nil }
}

/// An app behind a FastCGI server in this process.
final class RunningApp {
    let app: CGIApp
    let server: FastCGIServer
    let port: UInt16
    let log: ThreadLock<[String]>

    init(_ configure: (CGIApp) -> Void = { _ in }) throws {
        let lines = ThreadLock<[String]>([])
        log = lines
        app = CGIApp()
        app.config.log = { line in lines.withLock { $0.append(line) } }
        app.get("/", name: "home") { _ in CGIResponse(text: "Hello") }
        app.route("/echo", methods: ["POST"], name: "echo") { CGIResponse(bytes: try $0.body) }
        app.route("/stream", methods: ["POST"], name: "stream", body: .streamed()) { request in
            CGIResponse { writer in
                while true {
                    let piece = try request.bodyStream.read()
                    if piece.isEmpty { break }
                    try writer.write(piece)
                }
            }
        }
        app.route("/async-stream", methods: ["POST"], name: "async-stream", body: .streamed()) { request in
            let body = request.bodyStream
            return CGIResponse { writer in
                for try await piece in body { try await writer.write(piece) }
            }
        }
        app.get("/async", name: "async") { _ in
            await Task.yield()
            return CGIResponse(text: "async")
        }
        app.get("/fail", name: "fail") { _ in throw FastCGIClient.Failure(text: "broken on purpose") }
        configure(app)
        let listener = try FastCGIListener.tcp(host: "127.0.0.1", port: 0)
        port = listener.port ?? 0
        server = try FastCGIServer(app, listeners: [listener])
        signal(SIGPIPE, SIG_IGN)
        server.start()
    }

    deinit {
        server.stop()
        server.closeListeners()
        _ = server.closeIdleConnections()
        server.pool.stop()
    }

    func connect() throws -> FastCGIClient { try FastCGIClient(port: port) }

    /// Checks that the process still answers.
    func isHealthy() throws -> Bool {
        let client = try connect()
        try client.send(FastCGIClient.request())
        return try client.reply().stdout.hasSuffix("Hello")
    }
}

/// Polls until the condition holds; returns false on a timeout.
func eventually(within milliseconds: Int = TestTimeout.standard.boundedMilliseconds, _ condition: () throws -> Bool)
    rethrows -> Bool
{
    let deadline = SystemClock.milliseconds() + milliseconds
    while SystemClock.milliseconds() < deadline {
        if try condition() { return true }
        usleep(2000)
    }
    return try condition()
}
