/// Sends a body while it is made. Each piece goes out at once; a slow client slows its maker down.
///
/// `@unchecked Sendable`: it is used by the task that serves the connection, on its loop's thread.
package final class HTTPBodyWriter: @unchecked Sendable {
    enum Coding { case chunked, untilClose, discard }

    private let socket: Socket
    private let coding: Coding
    private let timeout: UInt64
    /// The answer's head, sent together with the first piece.
    private var head: [UInt8]

    init(socket: Socket, head: [UInt8], coding: Coding, timeout: UInt64) {
        self.socket = socket
        self.head = head
        self.coding = coding
        self.timeout = timeout
    }

    /// Sends one piece.
    ///
    /// - Throws: if the client has gone, or takes nothing any more.
    package func write(_ bytes: [UInt8]) async throws {
        var message = head
        head = []
        switch coding {
        case .discard: break
        case .untilClose: message += bytes
        case .chunked:
            // An empty chunk would end the body.
            guard !bytes.isEmpty else { break }
            message += Array(String(bytes.count, radix: 16).utf8) + [0x0D, 0x0A]
            message += bytes
            message += [0x0D, 0x0A]
        }
        if !message.isEmpty { try await socket.send(message, timeout: timeout) }
    }

    /// Whether the client has closed the connection. A body without an end asks now and then, for without something to
    /// send nothing else tells.
    package var isClientGone: Bool { socket.isPeerGone }

    func finish() async throws {
        var message = head
        head = []
        if coding == .chunked { message += Array("0\r\n\r\n".utf8) }
        if !message.isEmpty { try await socket.send(message, timeout: timeout) }
    }
}
