import Foundation
import TrackerCore

/// A TCP connection on which a test sends and receives raw bytes. Blocking, with a timeout.
///
/// `@unchecked Sendable`: one thread may send while another receives, as `send` and `receive` share only the
/// descriptor.
package final class RawClient: @unchecked Sendable {
    private let descriptor: Int32
    private var isOpen = true

    package init(port: UInt16, host: String = "127.0.0.1", timeout: Duration = TestTimeout.standard) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        #if canImport(Glibc)
            descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var limit = timeval(tv_sec: Int(timeout.components.seconds), tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        // All properties are initialized by now, so if this throws, deinit runs and closes the descriptor.
        guard code == 0 else { throw SystemError(call: "connect") }
    }

    deinit { close() }

    package func close() {
        guard isOpen else { return }
        isOpen = false
        Foundation.close(descriptor)
    }

    /// Closes with a reset instead of an orderly end.
    package func reset() {
        SocketOption.resetOnClose(descriptor)
        close()
    }

    /// Closes the sending side.
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    @discardableResult
    package func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    package func send(_ bytes: some Collection<UInt8>) -> Bool {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            #if canImport(Darwin)
                let flags: Int32 = 0
            #else
                let flags = Int32(MSG_NOSIGNAL)
            #endif
            let count = bytes[sent...].withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, flags) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Bytes that were received beyond those requested.
    private var buffered: [UInt8] = []

    /// Returns the next bytes; empty at the end of the stream or on a timeout.
    package func receive() -> [UInt8] {
        if !buffered.isEmpty {
            defer { buffered = [] }
            return buffered
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        return count > 0 ? Array(buffer[..<count]) : []
    }

    /// Returns everything until the peer closes.
    package func receiveAll() -> String {
        var all: [UInt8] = []
        while true {
            let more = receive()
            if more.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += more
        }
    }

    /// Returns everything up to and including a text, or up to the end.
    package func receive(until text: String) -> String {
        var all: [UInt8] = []
        let needle = Data(text.utf8)
        while true {
            if let found = Data(all).range(of: needle) {
                buffered = Array(all[found.upperBound...])
                return String(decoding: all[..<found.upperBound], as: UTF8.self)
            }
            let more = receive()
            if more.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += more
        }
    }

    /// Reads exactly one response, with a `Content-Length` or chunked.
    package func receiveAnswer() -> String {
        let head = receive(until: "\r\n\r\n")
        if head.lowercased().contains("\r\ntransfer-encoding: chunked\r\n") {
            return head + String(decoding: Self.dechunked(Array(receive(until: "0\r\n\r\n").utf8)), as: UTF8.self)
        }
        let lengths = head.components(separatedBy: "\r\n").compactMap { line in
            line.lowercased().hasPrefix("content-length:")
                ? Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) : nil
        }
        var body: [UInt8] = []
        while body.count < lengths.first ?? 0 {
            let more = receive()
            if more.isEmpty { break }
            body += more
        }
        let wanted = min(lengths.first ?? 0, body.count)
        if wanted < body.count { buffered = Array(body[wanted...]) }
        return head + String(decoding: body[..<wanted], as: UTF8.self)
    }

    /// Decodes a chunked body (RFC 9112, section 7.1).
    package static func dechunked(_ bytes: [UInt8]) -> [UInt8] {
        var rest = bytes[...]
        var body: [UInt8] = []
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = String(decoding: rest[..<end], as: UTF8.self).prefix { $0.isHexDigit }
            guard let count = Int(line, radix: 16), count > 0 else { break }
            body += rest[(end + 1)...].prefix(count)
            rest = rest[(end + 1)...].dropFirst(count + 2)
        }
        return body
    }
}
