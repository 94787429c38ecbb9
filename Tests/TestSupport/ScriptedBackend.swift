import Foundation
import Synchronization
import TrackerCore

/// A plain HTTP/1.1 backend on a real socket that answers as a test wants: one thread per connection.
package final class ScriptedBackend: Sendable {
    /// A request as received.
    package struct Received: Sendable {
        package var line: String
        /// Names in lowercase.
        package var headers: [String: String]
        package var body: [UInt8]
        /// The number of its connection, counted from 0.
        package var connection: Int

        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// How a request is answered.
    package enum Answer: Sendable {
        case status(Int, headers: [String] = [], delay: Duration = .zero)
        /// Keeps reading and never responds.
        case silence
        /// Closes the connection at once.
        case close
        /// Sends these bytes and closes.
        case raw(String)
        /// Sends these bytes, and nothing after them.
        case unfinished(String)
        /// Answers as a proxy does to CONNECT, and carries bytes to and from a port, each way with a delay.
        case tunnel(to: UInt16, delay: Duration)
    }

    private struct State {
        var received: [Received] = []
        var connections = 0
        var open: Set<Int32> = []
        var isStopped = false
    }

    package let port: UInt16
    /// Keeps the port for a test that stops this backend and continues to use its address.
    private let reserved: ReservedPort?
    private let listener: Int32
    private let state = Mutex(State())
    private let answer: @Sendable (Received) -> Answer

    /// - Parameter port: the port to listen on; 0 lets the system choose, and reserves the port until this object ends.
    package init(port: UInt16 = 0, answer: @escaping @Sendable (Received) -> Answer = { _ in .status(200) }) throws {
        reserved = port == 0 ? try ReservedPort() : nil
        (listener, self.port) = try TestListener.open(port: reserved?.number ?? port)
        self.answer = answer
        Thread.detachNewThread { [self] in accept() }
    }

    package var endpoint: String { "http://127.0.0.1:\(port)" }
    package var received: [Received] { state.withLock { $0.received } }
    package var connections: Int { state.withLock { $0.connections } }

    /// Closes the listener and all connections, as the kernel does for a killed process.
    package func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for connection in state.open { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func accept() {
        while !state.withLock({ $0.isStopped }) {
            var waiting = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            poll(&waiting, 1, 20)
            guard let connection = try? TCPListener.accept(listener, nonBlocking: false) else { continue }
            let number = state.withLock { state -> Int in
                state.open.insert(connection)
                state.connections += 1
                return state.connections - 1
            }
            Thread.detachNewThread { [self] in
                serve(connection, number)
                _ = state.withLock { $0.open.remove(connection) }
                close(connection)
            }
        }
        close(listener)
    }

    private func serve(_ connection: Int32, _ number: Int) {
        var buffer: [UInt8] = []
        while true {
            while true {
                if let (request, used) = Self.parse(buffer, connection: number) {
                    buffer.removeFirst(used)
                    state.withLock { $0.received.append(request) }
                    guard reply(to: request, over: connection) else { return }
                    break
                }
                guard let more = Self.read(connection) else { return }
                buffer += more
            }
        }
    }

    private func reply(to request: Received, over connection: Int32) -> Bool {
        switch answer(request) {
        case .status(let status, let headers, let delay):
            if delay > .zero { Thread.sleep(forTimeInterval: Double(delay.nanoseconds) / 1e9) }
            let lines = ["HTTP/1.1 \(status) Status", "Content-Length: 0"] + headers
            return Self.write(lines.joined(separator: "\r\n") + "\r\n\r\n", to: connection)
        case .silence:
            while Self.read(connection) != nil {}
            return false
        case .close: return false
        case .raw(let text):
            _ = Self.write(text, to: connection)
            return false
        case .unfinished(let text):
            _ = Self.write(text, to: connection)
            while Self.read(connection) != nil {}
            return false
        case .tunnel(let port, let delay):
            Self.tunnel(connection, to: port, delay)
            return false
        }
    }

    private static func tunnel(_ connection: Int32, to port: UInt16, _ delay: Duration) {
        guard let peer = try? RawClient(port: port, timeout: TestTimeout.standard),
            write("HTTP/1.1 200 Connection established\r\nProxy-Agent: test\r\n\r\n", to: connection)
        else { return }
        let pause = Double(delay.nanoseconds) / 1e9
        Thread.detachNewThread {
            while let bytes = read(connection) {
                Thread.sleep(forTimeInterval: pause)
                if !peer.send(bytes) { break }
            }
            peer.finishSending()
        }
        while true {
            let bytes = peer.receive()
            guard !bytes.isEmpty else { break }
            Thread.sleep(forTimeInterval: pause)
            guard write(bytes, to: connection) else { break }
        }
        shutdown(connection, Int32(SHUT_RDWR))
    }

    private static func parse(_ buffer: [UInt8], connection: Int) -> (Received, Int)? {
        let data = Data(buffer)
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces)
        }
        let length = Int(headers["content-length"] ?? "0") ?? 0
        guard buffer.count >= end.upperBound + length else { return nil }
        let body = Array(buffer[end.upperBound..<(end.upperBound + length)])
        return (
            Received(line: lines[0], headers: headers, body: body, connection: connection), end.upperBound + length
        )
    }

    private static func read(_ descriptor: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(bytes[..<count]) : nil
    }

    private static func write(_ text: String, to descriptor: Int32) -> Bool { write(Array(text.utf8), to: descriptor) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        #if canImport(Darwin)
            let flags: Int32 = 0
        #else
            let flags = Int32(MSG_NOSIGNAL)
        #endif
        return bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) } == bytes.count
    }
}
